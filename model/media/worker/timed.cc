#include "model/media/worker/timed.h"

extern "C" {
#include <libavutil/display.h>
}

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "model/media/worker/audio_track.h"
#include "model/media/worker/container.h"
#include "model/media/worker/frame_scaler.h"
#include "model/media/worker/subtitle_track.h"
#include "model/media/worker/track_names.h"
#include "model/media/worker/video_track.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kDamagedShare = 0.25;  // Of a track's packets that may fail.
constexpr int kMaxSubtitleTracks = 8;
constexpr unsigned kMaxChapters = 1000;

// One decoded track and how well its decoding goes.
struct Track {
  AVStream* stream = nullptr;
  CodecPtr codec;
  double end_seconds = 0.0;  // When the last decoded frame ends, from the item's start.
  int64_t packets = 0;
  int64_t failures = 0;
};

class TimedDecoder {
 public:
  TimedDecoder(Container* container, const WireRequest& request, ResponseWriter* writer)
      : container_(*container), request_(request), writer_(writer), audio_out_(writer, request.live != 0) {}

  absl::Status Decode() {
    MIXMATCH_RETURN_IF_ERROR(OpenTracks());
    MIXMATCH_RETURN_IF_ERROR(CheckLength(Stated(), true));
    WriteHead();
    MIXMATCH_RETURN_IF_ERROR(ReadPackets());
    MIXMATCH_RETURN_IF_ERROR(audio_out_.Finish());
    return Conclude();
  }

 private:
  absl::Status OpenTracks() {
    MIXMATCH_RETURN_IF_ERROR(OpenOne(container_.audio(), &audio_));
    MIXMATCH_RETURN_IF_ERROR(OpenOne(container_.video(), &video_));
    if (AVStream* stream = container_.video(); stream != nullptr) {
      const auto* matrix =
          reinterpret_cast<const int32_t*>(av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
      video_out_.emplace(request_, Stated(), matrix, writer_);
      if (container_.LikelySeconds() > request_.full_rate_seconds) SlowDown();
    }
    OpenSubtitles();
    return absl::OkStatus();
  }

  absl::Status OpenOne(AVStream* stream, Track* track) {
    if (stream == nullptr) return absl::OkStatus();
    MIXMATCH_ASSIGN_OR_RETURN(track->codec, OpenTrack(stream, request_.max_pixels));
    track->stream = stream;
    stream->discard = AVDISCARD_DEFAULT;
    return absl::OkStatus();
  }

  // Of the frames of a long video only those that others need are decoded: about half of them as most encoders work.
  void SlowDown() {
    slow_ = true;
    video_.codec->skip_frame = AVDISCARD_NONREF;
    video_.codec->skip_loop_filter = AVDISCARD_ALL;
    video_out_->SlowDown(request_.slow_frames_per_second);
  }

  // What comes before the first frame.
  void WriteHead() {
    const AVFormatContext* format = container_.format();
    writer_->Begin(video_.stream != nullptr ? WireKind::kVideo : WireKind::kAudio, container_.media_type());
    if (const std::string tags = TagLines(format); !tags.empty()) writer_->Tags(tags);
    const std::string sound = SoundTrackTitle(format, audio_.stream);
    if (!sound.empty()) writer_->Track(0, sound);
    for (size_t i = 0; i < subtitles_.size(); ++i) {
      const std::string name = TrackName(subtitles_[i]->stream());
      if (!name.empty()) writer_->Track(i + 1, name);
    }
    WriteChapters(format);
    WriteCover();
    if (request_.live != 0) writer_->Flush();
  }

  void WriteChapters(const AVFormatContext* format) {
    const double start = static_cast<double>(container_.start()) / AV_TIME_BASE;
    for (unsigned i = 0; i < std::min<unsigned>(format->nb_chapters, kMaxChapters); ++i) {
      const AVChapter* chapter = format->chapters[i];
      const std::string title = TagOf(chapter->metadata, "title");
      const double from = std::max(0.0, chapter->start * av_q2d(chapter->time_base) - start);
      const double to = std::max(from, chapter->end * av_q2d(chapter->time_base) - start);
      if (!title.empty()) writer_->Chapter(from, std::min(to, request_.max_seconds), title);
    }
  }

  // No cover is worth refusing a sound for.
  void WriteCover() {
    const AVStream* stream = container_.cover();
    if (stream == nullptr || stream->attached_pic.size <= 0) return;
    absl::StatusOr<CodecPtr> codec = OpenTrack(stream, request_.max_pixels);
    FramePtr frame(av_frame_alloc());
    if (!codec.ok() || frame == nullptr) return;
    if (avcodec_send_packet(codec->get(), &stream->attached_pic) < 0) return;
    avcodec_send_packet(codec->get(), nullptr);
    if (avcodec_receive_frame(codec->get(), frame.get()) < 0) return;
    if (!CheckPictureSize(frame->width, frame->height, request_.max_pixels, request_.min_side).ok()) return;
    const absl::StatusOr<Picture> picture = FrameScaler(request_.cover_side).Scale(*frame, {0, 1}, nullptr);
    if (picture.ok()) writer_->Cover(*picture);
  }

  void OpenSubtitles() {
    AVFormatContext* format = container_.format();
    for (unsigned i = 0; i < format->nb_streams && subtitles_.size() < kMaxSubtitleTracks; ++i) {
      AVStream* stream = format->streams[i];
      if (stream->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE) continue;
      absl::StatusOr<CodecPtr> codec = OpenTrack(stream, request_.max_pixels);
      if (!codec.ok()) continue;
      stream->discard = AVDISCARD_DEFAULT;
      subtitles_.push_back(
          std::make_unique<SubtitleTrack>(*std::move(codec), stream, static_cast<uint32_t>(subtitles_.size() + 1)));
    }
  }

  absl::Status ReadPackets() {
    PacketPtr packet(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    if (packet == nullptr || frame_ == nullptr) return MediaError(AVERROR(ENOMEM), "this file");
    while (read_error_ >= 0) {
      read_error_ = av_read_frame(container_.format(), packet.get());
      if (read_error_ == AVERROR(ENOMEM)) return MediaError(read_error_, "this file");
      if (read_error_ < 0) break;
      MIXMATCH_RETURN_IF_ERROR(Dispatch(packet.get()));
      av_packet_unref(packet.get());
      if (request_.live != 0) writer_->Flush();
    }
    MIXMATCH_RETURN_IF_ERROR(DecodePacket(&video_, nullptr));
    return DecodePacket(&audio_, nullptr);
  }

  absl::Status Dispatch(AVPacket* packet) {
    const AVStream* stream = container_.format()->streams[packet->stream_index];
    if (stream == video_.stream) return DecodePacket(&video_, packet);
    if (stream == audio_.stream) return DecodePacket(&audio_, packet);
    for (const auto& subtitle : subtitles_) {
      if (subtitle->stream() != stream || subtitles_written_ >= request_.max_subtitles) continue;
      subtitles_written_ += subtitle->Add(packet, Seconds(stream, packet->pts, 0.0), writer_);
    }
    return absl::OkStatus();
  }

  // `packet` may be null: the end.
  absl::Status DecodePacket(Track* track, AVPacket* packet) {
    if (track->stream == nullptr) return absl::OkStatus();
    track->packets += packet != nullptr;
    int error = avcodec_send_packet(track->codec.get(), packet);
    while (error >= 0) {
      error = avcodec_receive_frame(track->codec.get(), frame_.get());
      if (error < 0) break;
      MIXMATCH_RETURN_IF_ERROR(TakeFrame(track));
      av_frame_unref(frame_.get());
    }
    if (error == AVERROR(ENOMEM)) return MediaError(error, "this file");
    track->failures += error < 0 && error != AVERROR(EAGAIN) && error != AVERROR_EOF;
    return absl::OkStatus();
  }

  absl::Status TakeFrame(Track* track) {
    const double start = Seconds(track->stream, frame_->best_effort_timestamp, track->end_seconds);
    double length = frame_->pkt_duration * av_q2d(track->stream->time_base);
    if (track == &audio_ && frame_->sample_rate > 0) length = static_cast<double>(frame_->nb_samples) / frame_->sample_rate;
    if (track == &video_ && length <= 0.0) length = FrameSeconds(track->stream);
    track->end_seconds = std::max(track->end_seconds, start + length);
    MIXMATCH_RETURN_IF_ERROR(CheckLength(track->end_seconds, true));
    if (track == &audio_) {
      MIXMATCH_RETURN_IF_ERROR(audio_out_.Add(*frame_, start));
      return CheckLength(audio_out_.seconds(), true);
    }
    MIXMATCH_RETURN_IF_ERROR(
        CheckPictureSize(frame_->width, frame_->height, request_.max_pixels, request_.min_side));
    if (!slow_ && start > request_.full_rate_seconds) SlowDown();
    return video_out_->Add(*frame_, start);
  }

  static double FrameSeconds(const AVStream* stream) {
    const AVRational rate = stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    return rate.num > 0 && rate.den > 0 ? av_q2d(av_inv_q(rate)) : 0.0;
  }

  // `pts` of `stream` from the item's start; `otherwise` if there is none.
  double Seconds(const AVStream* stream, int64_t pts, double otherwise) const {
    if (pts == AV_NOPTS_VALUE) return otherwise;
    return pts * av_q2d(stream->time_base) - static_cast<double>(container_.start()) / AV_TIME_BASE;
  }

  double Stated() const {
    double stated = 0.0;
    for (const Track* track : {&video_, &audio_}) {
      if (track->stream != nullptr) stated = std::max(stated, container_.StatedSeconds(track->stream));
    }
    return stated;
  }

  absl::Status CheckLength(double seconds, bool only_most) const {
    if (seconds > request_.max_seconds) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "content: got %.1f s or more, wanted at most %g s; cut it into pieces", seconds, request_.max_seconds));
    }
    if (!only_most && seconds < request_.min_seconds) {
      return absl::InvalidArgumentError(
          absl::StrFormat("content: got a duration of %.4f s, wanted at least %g s", seconds, request_.min_seconds));
    }
    return absl::OkStatus();
  }

  absl::Status CheckWhole(const Track& track) const {
    if (track.stream == nullptr) return absl::OkStatus();
    if (track.failures > kDamagedShare * track.packets) {
      return absl::InvalidArgumentError(
          absl::StrFormat("content: %d of %d packets of a track are damaged, wanted a whole file; make it again",
                          track.failures, track.packets));
    }
    const double stated = container_.StatedSeconds(track.stream);
    if (track.end_seconds < kWholeShare * stated) {
      return absl::InvalidArgumentError(
          absl::StrFormat("content: this %s is truncated: got %.2f s of the %.2f s that it states; send the whole file",
                          container_.media_type(), track.end_seconds, stated));
    }
    return absl::OkStatus();
  }

  absl::Status Conclude() {
    if (request_.live == 0) MIXMATCH_RETURN_IF_ERROR(CheckWhole(video_));
    if (request_.live == 0) MIXMATCH_RETURN_IF_ERROR(CheckWhole(audio_));
    const double seconds = std::max(video_.end_seconds, audio_.end_seconds);
    MIXMATCH_RETURN_IF_ERROR(CheckLength(seconds, false));
    const bool moving = video_.stream != nullptr;
    if (moving ? video_out_->empty() : audio_out_.seconds() <= 0.0) {
      return absl::InvalidArgumentError(absl::StrCat("content: got ", container_.media_type(), " without a single ",
                                                     moving ? "frame" : "sample", "; make it again"));
    }
    writer_->Done(moving ? WireKind::kVideo : WireKind::kAudio, seconds, container_.media_type());
    return absl::OkStatus();
  }

  Container& container_;
  const WireRequest& request_;
  ResponseWriter* writer_;
  Track video_;
  Track audio_;
  AudioTrack audio_out_;
  std::optional<VideoTrack> video_out_;
  std::vector<std::unique_ptr<SubtitleTrack>> subtitles_;
  FramePtr frame_;
  int read_error_ = 0;
  int subtitles_written_ = 0;
  bool slow_ = false;
};

}  // namespace

absl::Status DecodeTimed(Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Container> container, Container::Open(content, request));
  return TimedDecoder(container.get(), request, writer).Decode();
}

}  // namespace mixmatch::model
