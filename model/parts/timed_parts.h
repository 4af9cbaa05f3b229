// Cuts a sound or video into described parts while it is decoded.
#ifndef MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_
#define MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "model/media/decoded.h"
#include "model/media/media_sink.h"
#include "model/parts/part_list.h"
#include "model/parts/shot_cutter.h"
#include "model/parts/sound_windows.h"

namespace mixmatch::model {

// Parts are given as soon as they are whole: shots, windows of sound, subtitles, chapters, tags, the cover. Holds no more
// than the open shot and window, and three seconds of frames to look ahead. Not thread-safe.
class TimedPartMaker final : public MediaSink {
 public:
  // Takes a part; the parts of one kind come by time. What is not OK ends the decoding.
  using Take = std::function<absl::Status(PartDraft)>;
  explicit TimedPartMaker(Take take) : take_(std::move(take)) {}

  absl::Status Begin(v1::Modality modality, const std::string& media_type) override;
  absl::Status Frame(DecodedFrame frame) override;
  absl::Status Samples(double start_seconds, absl::Span<const float> samples) override;
  absl::Status Subtitle(DecodedSubtitle subtitle) override;
  absl::Status Chapter(DecodedChapter chapter) override;
  absl::Status Tags(std::string tags) override;
  absl::Status Cover(DecodedImage cover) override;
  absl::Status SoundTrack(std::string title) override;

  // Gives what is still open. `duration_seconds` of the item: where the last shot ends.
  absl::Status Finish(double duration_seconds);

  bool begun() const { return modality_ != v1::MODALITY_UNSPECIFIED; }
  v1::Modality modality() const { return modality_; }
  const std::string& media_type() const { return media_type_; }
  double describe_seconds() const { return describe_seconds_; }  // Spent in describing.
  double seconds() const { return seconds_; }  // Of the latest frame or sample.

 private:
  absl::Status GiveShots();
  absl::Status GiveShot(size_t frames, double end_seconds);
  absl::Status GiveWindows();
  absl::Status GiveText(absl::string_view text, v1::PartKind kind, double start, double end, absl::string_view title);
  absl::Status Give(const PartContent& content, PartDraft draft);
  std::string ChapterAt(double seconds) const;

  Take take_;
  v1::Modality modality_ = v1::MODALITY_UNSPECIFIED;
  std::string media_type_;
  std::string sound_track_;
  std::vector<DecodedChapter> chapters_;
  int parts_ = 0;
  double seconds_ = 0.0;
  double describe_seconds_ = 0.0;
  ShotCutter cutter_;
  std::deque<DecodedFrame> frames_;  // Of the open shot, so many of them decided:
  size_t decided_ = 0;
  SoundWindows windows_;
  double sound_start_ = 0.0;
};

// The parts of a whole sound or video, in the order of TimedPartComesFirst.
absl::Status AddTimed(const DecodedMedia& media, PartList& parts);

// The subtitles of a text that is nothing else.
absl::Status AddSubtitles(const DecodedMedia& media, PartList& parts);

// Those of the item's own modality come first, then sounds, subtitles, chapters, tags and the cover; each by time.
bool TimedPartComesFirst(v1::Modality modality, const PartDraft& a, const PartDraft& b);
// The same of parts that are stored.
bool TimedPartComesFirst(v1::Modality modality, const v1::Part& a, const v1::Part& b);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_
