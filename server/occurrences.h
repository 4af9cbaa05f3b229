// Which items there are, by what the server forms events from: name, time and place. In memory, made again at each start.
#ifndef MIXMATCH_SERVER_OCCURRENCES_H_
#define MIXMATCH_SERVER_OCCURRENCES_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::server {

// Of one item.
struct Occurrence {
  uint64_t item_id = 0;
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  bool timed = false;           // Whether these are known: seconds since 1970, equal for pictures and texts.
  double begin = 0.0, end = 0.0;
  bool placed = false;          // Whether these are known, in degrees.
  double latitude = 0.0, longitude = 0.0;
};

Occurrence OccurrenceOf(const v1::Item& item);

// Seconds between two: 0 if they touch or overlap.
double Gap(const Occurrence& a, const Occurrence& b);
// Whether they share more than a moment, or are the same moment, or one of them is a moment within the other.
bool Overlap(const Occurrence& a, const Occurrence& b);
// Metres by great circle.
double Distance(const Occurrence& a, const Occurrence& b);

// "a/b/crow" of "a/b/crow.ogg", "film" of "film.mp4", "film.srt" and "film.en.srt" (subtitles may name a language and
// "forced", "sdh" or "default"); backslashes count as slashes. Empty for names without a stem, such as ".profile".
std::string StemOf(absl::string_view name);
// "a/b" of "a/b/crow.ogg"; empty if there is none.
std::string FolderOf(absl::string_view name);

// Not thread-safe. About 300 bytes an item of a stated source, time or place; nothing of the others. The walks below look
// at no more than a fixed number of neighbors, so that an upload costs the same however much there is.
class Occurrences {
 public:
  explicit Occurrences(double radius_meters) : cell_meters_(radius_meters < 1.0 ? 1.0 : radius_meters) {}

  // The item must not be there, or must be, as it is given.
  void Add(const v1::Item& item);
  void Remove(const v1::Item& item);

  // Items of the source whose names have this stem (of each full name the first item alone), or are in this folder,
  // ascending; at most `most`.
  std::vector<uint64_t> OfStem(absl::string_view source, absl::string_view stem, size_t most) const;
  std::vector<uint64_t> OfFolder(absl::string_view source, absl::string_view folder, size_t most) const;
  // Items of the source within `window` seconds of `of`, itself left out: the nearest kNeighbors of those that begin just
  // before and just after it (what lasts longer than a minute is counted apart), by ascending id.
  std::vector<Occurrence> NearInTime(absl::string_view source, const Occurrence& of, double window) const;
  // Items within `radius` metres, at most the constructor's: of each cell of a grid the newest kNeighbors.
  std::vector<Occurrence> NearInPlace(const Occurrence& of, double radius) const;

  static constexpr size_t kNeighbors = 64;

  size_t size() const { return items_.size(); }

 private:
  struct Named {
    uint64_t item_id;
    uint64_t name_hash;
  };
  // A grid over the globe: rows from south to north, columns of the row from the date line eastwards and around.
  using Cell = std::pair<int64_t, int64_t>;
  struct Timeline {
    std::map<std::pair<double, uint64_t>, Occurrence> by_begin;
    std::map<double, size_t> lengths;  // How many items last so long.
    void Walk(const Occurrence& of, double window, std::vector<Occurrence>& near) const;
  };
  // Few long things would else be lost behind the many short ones that began since.
  struct Timelines {
    Timeline brief, lasting;
    Timeline& For(const Occurrence& one);
  };
  using NameMap = absl::flat_hash_map<std::string, std::vector<Named>>;
  static void Insert(Named one, std::vector<Named>& all);
  static void Erase(const std::string& key, uint64_t item_id, NameMap& map);
  static std::string KeyOf(absl::string_view source, absl::string_view name);
  Cell CellOf(const Occurrence& occurrence) const;
  int64_t ColumnsOf(int64_t row) const;

  const double cell_meters_;
  absl::flat_hash_set<uint64_t> items_;
  NameMap stems_, folders_;
  absl::flat_hash_map<std::string, Timelines> timelines_;
  std::map<Cell, std::map<uint64_t, Occurrence>> cells_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OCCURRENCES_H_
