// What every modality gives the encoder: a fixed feature vector for the fast head and tokens for the shared trunk.
//
// One room a modality under model/modality/, one line in the table of modality.cc. A room looks at one part: a decoded
// picture, sound, shot or stretch of text. Rooms are stateless; their random weights come from fixed seeds, so features
// stored by one process fit those of the next. When a room's features or tokens change meaning, its feature_version goes up: a
// server makes what it has stored of it again at its next start (server/feature_versions.h).
#ifndef MIXMATCH_MODEL_MODALITY_MODALITY_H_
#define MIXMATCH_MODEL_MODALITY_MODALITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::model {

// The numbers of mixmatch.v1.Modality.
enum class Modality : int { kText = 1, kImage = 2, kAudio = 3, kVideo = 4, kTable = 6, kSeries = 7, kScore = 8 };

// Packed RGB bytes, row-major, width * height * 3 of them. Transparency is laid on white before. Owns nothing.
struct RgbView {
  int width = 0;
  int height = 0;
  absl::Span<const uint8_t> rgb;
};

// One frame of a shot and when it shows, in seconds from any origin, not decreasing.
struct TimedFrame {
  RgbView image;
  double seconds = 0.0;
};

// Consecutive rows of a table, or its header alone (no cells). Owns nothing.
struct TableView {
  absl::Span<const std::string> columns;  // Names.
  absl::Span<const std::string> cells;    // Row-major, columns.size() a row; UTF-8.
};

// A stretch of a series; see DecodedSeries. Owns nothing.
struct SeriesView {
  absl::Span<const std::string> channels;
  absl::Span<const std::string> units;  // As many as channels.
  absl::Span<const double> seconds;     // Of each row, ascending.
  absl::Span<const float> values;       // Row-major, channels.size() a row; NaN where nothing was measured.
};

// A note of written music.
struct ScoreNote {
  float beat = 0.0f;      // Where it begins, in quarter notes from the beginning of the part.
  float beats = 0.0f;     // How long it lasts, likewise.
  uint8_t pitch = 0;      // 0 to 127; 60 is middle C.
  uint8_t velocity = 0;   // 1 to 127.
  uint8_t program = 0;    // General MIDI, 0 to 127; kDrums: percussion, whose pitch says which.
  static constexpr uint8_t kDrums = 128;
};

// A stretch of written music. Owns nothing.
struct ScoreView {
  absl::Span<const ScoreNote> notes;  // By beat.
  float beats = 0.0f;                 // Length.
  float beats_per_minute = 120.0f;    // At its beginning.
};

// One part's decoded content; only the member of its modality is looked at. Owns nothing.
struct PartContent {
  Modality modality = Modality::kText;
  absl::string_view text;              // kText: UTF-8, up to a few thousand characters.
  RgbView image;                       // kImage: 256 pixels on the longer side are enough.
  absl::Span<const float> pcm;         // kAudio: mono, 16 kHz, about -1 to 1, at most a minute.
  absl::Span<const TimedFrame> frames;  // kVideo: one shot, 128 pixels and 12 frames a second are enough.
  TableView table;                     // kTable.
  SeriesView series;                   // kSeries.
  ScoreView score;                     // kScore.
};

inline constexpr int kTokenBytes = 256;  // Every token of every modality.
inline constexpr int kMostTokens = 64;   // Of one part.

// Input of the shared trunk: row-major [count, kTokenBytes] bytes; 1 <= count <= kMostTokens.
struct Tokens {
  int count = 0;
  std::vector<uint8_t> bytes;
};

struct Described {
  std::vector<float> features;  // feature_dim() finite values, magnitude under 10: safe as half floats.
  Tokens tokens;
};

class ModalityRoom {
 public:
  virtual ~ModalityRoom() = default;
  virtual Modality modality() const = 0;
  virtual const char* name() const = 0;  // "text", "image", ...
  virtual int feature_dim() const = 0;
  virtual uint32_t feature_version() const = 0;

  // Describes one part. Deterministic, thread-safe, on the calling thread alone. INVALID_ARGUMENT when the content is
  // empty or its sizes do not agree.
  virtual absl::StatusOr<Described> Describe(const PartContent& part) const = 0;

  // Only the features, for a query.
  virtual absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const = 0;
};

// All rooms. A room's place in this table is its "slot" in the head and the trunk, and does not change.
absl::Span<const ModalityRoom* const> ModalityTable();

// The room of a modality, or nullptr.
const ModalityRoom* FindRoom(Modality modality);

// The place of a modality in the table, or -1.
int SlotOf(Modality modality);

// feature_dim() of every room, by slot: what the head is made with.
std::vector<int> FeatureDims();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_MODALITY_H_
