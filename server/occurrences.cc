#include "server/occurrences.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/util/time_util.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr double kEarthMeters = 6371008.8;  // Mean radius.
constexpr double kRadians = M_PI / 180.0;
constexpr double kDegreeMeters = kEarthMeters * kRadians;  // Of latitude.
constexpr double kLastingSeconds = 60.0;

bool IsSubtitle(absl::string_view extension) {
  for (absl::string_view known : {"srt", "vtt", "ass", "ssa"}) {
    if (absl::EqualsIgnoreCase(extension, known)) return true;
  }
  return false;
}

// "en", "deu", "pt-BR"; "forced", "sdh", "default".
bool IsSubtitleTag(absl::string_view word) {
  for (absl::string_view known : {"forced", "sdh", "default", "cc"}) {
    if (absl::EqualsIgnoreCase(word, known)) return true;
  }
  const absl::string_view language = word.substr(0, word.find('-'));
  if (language.size() < 2 || language.size() > 3) return false;
  return std::all_of(language.begin(), language.end(), [](char c) { return absl::ascii_isalpha(c); });
}

double Center(const Occurrence& one) { return (one.begin + one.end) / 2; }

}  // namespace

Occurrence OccurrenceOf(const v1::Item& item) {
  Occurrence one;
  one.item_id = item.item_id();
  one.modality = item.modality();
  if (item.has_observed_time()) {
    one.timed = true;
    one.begin = static_cast<double>(TimeUtil::TimestampToMicroseconds(item.observed_time())) / 1e6;
    one.end = one.begin;
    if (item.has_duration()) one.end += static_cast<double>(TimeUtil::DurationToMicroseconds(item.duration())) / 1e6;
  }
  if (item.has_location()) {
    one.placed = true;
    one.latitude = item.location().latitude();
    one.longitude = item.location().longitude();
  }
  return one;
}

double Gap(const Occurrence& a, const Occurrence& b) {
  return std::max(0.0, std::max(a.begin - b.end, b.begin - a.end));
}

bool Overlap(const Occurrence& a, const Occurrence& b) {
  const bool moment = a.begin == a.end || b.begin == b.end;
  const double shared = std::min(a.end, b.end) - std::max(a.begin, b.begin);
  return moment ? shared >= 0.0 : shared > 0.0;
}

double Distance(const Occurrence& a, const Occurrence& b) {
  const double south = std::sin((b.latitude - a.latitude) * kRadians / 2);
  const double east = std::sin((b.longitude - a.longitude) * kRadians / 2);
  const double h =
      south * south + std::cos(a.latitude * kRadians) * std::cos(b.latitude * kRadians) * east * east;
  return 2 * kEarthMeters * std::asin(std::min(1.0, std::sqrt(h)));
}

std::string FolderOf(absl::string_view name) {
  const std::string path = absl::StrReplaceAll(name, {{"\\", "/"}});
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string StemOf(absl::string_view name) {
  const std::string path = absl::StrReplaceAll(name, {{"\\", "/"}});
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  const size_t dot = file.rfind('.');
  if (dot == std::string::npos) return file.empty() ? "" : folder + file;
  const std::string extension = file.substr(dot + 1);
  file.resize(dot);
  while (IsSubtitle(extension)) {
    const size_t tag = file.rfind('.');
    if (tag == std::string::npos || tag == 0 || !IsSubtitleTag(absl::string_view(file).substr(tag + 1))) break;
    file.resize(tag);
  }
  return file.empty() ? "" : folder + file;
}

void Occurrences::Insert(Named one, std::vector<Named>& all) {
  const auto at = std::lower_bound(all.begin(), all.end(), one.item_id,
                                   [](const Named& other, uint64_t id) { return other.item_id < id; });
  if (at == all.end() || at->item_id != one.item_id) all.insert(at, one);
}

void Occurrences::Erase(const std::string& key, uint64_t item_id, NameMap& map) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  auto& all = found->second;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const Named& one) { return one.item_id == item_id; }), all.end());
  if (all.empty()) map.erase(found);
}

std::string Occurrences::KeyOf(absl::string_view source, absl::string_view name) {
  return absl::StrCat(source, absl::string_view("\0", 1), name);
}

Occurrences::Cell Occurrences::CellOf(const Occurrence& occurrence) const {
  const auto row = static_cast<int64_t>(std::floor(occurrence.latitude * kDegreeMeters / cell_meters_));
  const int64_t columns = ColumnsOf(row);
  const auto column = static_cast<int64_t>(std::floor((occurrence.longitude + 180.0) / 360.0 * static_cast<double>(columns)));
  return {row, column % columns};
}

// As many as are nowhere narrower than high, so that a radius reaches no further than two of them; one around a pole.
int64_t Occurrences::ColumnsOf(int64_t row) const {
  const double edge = static_cast<double>(std::max(std::abs(row), std::abs(row + 1))) * cell_meters_ / kDegreeMeters;
  const double around = edge >= 90.0 ? 0.0 : 360.0 * kDegreeMeters * std::cos(edge * kRadians);
  return std::max<int64_t>(1, static_cast<int64_t>(around / cell_meters_));
}

void Occurrences::Add(const v1::Item& item) {
  const Occurrence one = OccurrenceOf(item);
  const uint64_t id = one.item_id;
  if (!item.source().empty()) {
    const Named named{id, absl::HashOf(item.name())};
    if (const std::string stem = StemOf(item.name()); !stem.empty()) Insert(named, stems_[KeyOf(item.source(), stem)]);
    if (const std::string folder = FolderOf(item.name()); !folder.empty()) {
      Insert(named, folders_[KeyOf(item.source(), folder)]);
    }
    if (one.timed) {
      Timeline& line = timelines_[item.source()].For(one);
      if (line.by_begin.emplace(std::make_pair(one.begin, id), one).second) ++line.lengths[one.end - one.begin];
    }
  }
  if (one.placed) cells_[CellOf(one)].emplace(id, one);
  if (!item.source().empty() || one.placed) items_.insert(id);
}

void Occurrences::Remove(const v1::Item& item) {
  const Occurrence one = OccurrenceOf(item);
  const uint64_t id = one.item_id;
  if (items_.erase(id) == 0) return;
  Erase(KeyOf(item.source(), StemOf(item.name())), id, stems_);
  Erase(KeyOf(item.source(), FolderOf(item.name())), id, folders_);
  if (const auto lines = timelines_.find(item.source()); one.timed && lines != timelines_.end()) {
    Timeline& line = lines->second.For(one);
    if (line.by_begin.erase({one.begin, id}) > 0) {
      const auto length = line.lengths.find(one.end - one.begin);
      if (length != line.lengths.end() && --length->second == 0) line.lengths.erase(length);
    }
    if (lines->second.brief.by_begin.empty() && lines->second.lasting.by_begin.empty()) timelines_.erase(lines);
  }
  if (!one.placed) return;
  const auto cell = cells_.find(CellOf(one));
  if (cell == cells_.end()) return;
  cell->second.erase(id);
  if (cell->second.empty()) cells_.erase(cell);
}

std::vector<uint64_t> Occurrences::OfStem(absl::string_view source, absl::string_view stem, size_t most) const {
  std::vector<uint64_t> ids;
  const auto found = stems_.find(KeyOf(source, stem));
  if (found == stems_.end()) return ids;
  absl::flat_hash_set<uint64_t> names;
  for (auto it = found->second.begin(); it != found->second.end() && ids.size() < most; ++it) {
    if (names.insert(it->name_hash).second) ids.push_back(it->item_id);
  }
  return ids;
}

std::vector<uint64_t> Occurrences::OfFolder(absl::string_view source, absl::string_view folder, size_t most) const {
  std::vector<uint64_t> ids;
  const auto found = folders_.find(KeyOf(source, folder));
  if (found == folders_.end()) return ids;
  for (auto it = found->second.begin(); it != found->second.end() && ids.size() < most; ++it) ids.push_back(it->item_id);
  return ids;
}

Occurrences::Timeline& Occurrences::Timelines::For(const Occurrence& one) {
  return one.end - one.begin > kLastingSeconds ? lasting : brief;
}

void Occurrences::Timeline::Walk(const Occurrence& of, double window, std::vector<Occurrence>& near) const {
  // What began earlier may still last: no longer than the longest does.
  const double longest = lengths.empty() ? 0.0 : lengths.rbegin()->first;
  const auto middle = by_begin.lower_bound({of.begin, 0});
  size_t seen = 0;
  for (auto it = middle; it != by_begin.end() && it->first.first <= of.end + window && seen < kNeighbors; ++it, ++seen) {
    if (it->second.item_id != of.item_id && Gap(it->second, of) <= window) near.push_back(it->second);
  }
  seen = 0;
  for (auto it = middle; it != by_begin.begin() && seen < kNeighbors; ++seen) {
    --it;
    if (it->first.first < of.begin - window - longest) break;
    if (it->second.item_id != of.item_id && Gap(it->second, of) <= window) near.push_back(it->second);
  }
}

std::vector<Occurrence> Occurrences::NearInTime(absl::string_view source, const Occurrence& of, double window) const {
  std::vector<Occurrence> near;
  const auto lines = timelines_.find(source);
  if (!of.timed || lines == timelines_.end()) return near;
  lines->second.brief.Walk(of, window, near);
  lines->second.lasting.Walk(of, window, near);
  std::sort(near.begin(), near.end(), [&](const Occurrence& a, const Occurrence& b) {
    return std::make_tuple(Gap(a, of), std::abs(Center(a) - Center(of)), a.item_id) <
           std::make_tuple(Gap(b, of), std::abs(Center(b) - Center(of)), b.item_id);
  });
  if (near.size() > kNeighbors) near.resize(kNeighbors);
  std::sort(near.begin(), near.end(), [](const Occurrence& a, const Occurrence& b) { return a.item_id < b.item_id; });
  return near;
}

std::vector<Occurrence> Occurrences::NearInPlace(const Occurrence& of, double radius) const {
  std::vector<Occurrence> near;
  if (!of.placed) return near;
  const int64_t row = CellOf(of).first;
  for (int64_t other = row - 1; other <= row + 1; ++other) {
    // The column within that row, whose cells are of another width.
    Occurrence at = of;
    at.latitude = (static_cast<double>(other) + 0.5) * cell_meters_ / kDegreeMeters;
    const int64_t column = CellOf(at).second, columns = ColumnsOf(other), looked = std::min<int64_t>(columns, 5);
    for (int64_t step = 0; step < looked; ++step) {
      const auto cell = cells_.find({other, (column + columns - 2 + step) % columns});
      if (cell == cells_.end()) continue;
      size_t seen = 0;
      for (auto it = cell->second.rbegin(); it != cell->second.rend() && seen < kNeighbors; ++it, ++seen) {
        if (it->first != of.item_id && Distance(it->second, of) <= radius) near.push_back(it->second);
      }
    }
  }
  std::sort(near.begin(), near.end(), [](const Occurrence& a, const Occurrence& b) { return a.item_id < b.item_id; });
  return near;
}

}  // namespace mixmatch::server
