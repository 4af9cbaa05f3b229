#include "model/media/worker/container.h"

extern "C" {
#include <libavutil/intreadwrite.h>
}

#include <algorithm>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "model/media/worker/sniff.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int kIoBuffer = 1 << 16;  // Bytes.
constexpr int kMinProbeScore = AVPROBE_SCORE_RETRY / 2;

// Every demuxer that may run, and what its files are called: as sounds, as videos (null: holds only sounds).
// None of these opens a second file.
struct Demuxer {
  const char* name;
  const char* audio_type;
  const char* video_type;
};
constexpr Demuxer kDemuxers[] = {
    {"mov,mp4,m4a,3gp,3g2,mj2", "audio/mp4", "video/mp4"},
    {"matroska,webm", "audio/webm", "video/webm"},
    {"ogg", "audio/ogg", "video/ogg"},
    {"avi", "audio/x-msvideo", "video/x-msvideo"},
    {"asf", "audio/x-ms-wma", "video/x-ms-wmv"},
    {"flv", "audio/x-flv", "video/x-flv"},
    {"mpeg", "audio/mpeg", "video/mpeg"},
    {"mpegvideo", nullptr, "video/mpeg"},
    {"mpegts", "audio/mp2t", "video/mp2t"},
    {"m4v", nullptr, "video/mpeg"},
    {"h264", nullptr, "video/h264"},
    {"hevc", nullptr, "video/h265"},
    {"ivf", nullptr, "video/x-ivf"},
    {"wav", "audio/wav", nullptr},
    {"w64", "audio/x-w64", nullptr},
    {"aiff", "audio/aiff", nullptr},
    {"au", "audio/basic", nullptr},
    {"caf", "audio/x-caf", nullptr},
    {"flac", "audio/flac", nullptr},
    {"mp3", "audio/mpeg", nullptr},
    {"aac", "audio/aac", nullptr},
    {"ac3", "audio/ac3", nullptr},
    {"eac3", "audio/eac3", nullptr},
    {"amr", "audio/amr", nullptr},
    {"ape", "audio/x-ape", nullptr},
    {"wv", "audio/x-wavpack", nullptr},
    {"tta", "audio/x-tta", nullptr},
    {"voc", "audio/x-voc", nullptr},
};

const Demuxer* FindDemuxer(absl::string_view name) {
  for (const Demuxer& demuxer : kDemuxers) {
    if (name == demuxer.name) return &demuxer;
  }
  return nullptr;
}

int DenyOpen(AVFormatContext*, AVIOContext** io, const char*, int, AVDictionary**) {
  *io = nullptr;
  return AVERROR(EACCES);
}

std::string TypeName(const Demuxer& demuxer, absl::string_view head, bool moving) {
  const absl::string_view name = demuxer.name;
  const bool matroska = name == "matroska,webm" && !absl::StrContains(head.substr(0, 64), "webm");
  if (matroska) return moving ? "video/x-matroska" : "audio/x-matroska";
  if (absl::StartsWith(name, "mov") && head.substr(0, 12).substr(4) == "ftypqt  ") {
    return moving ? "video/quicktime" : "audio/quicktime";
  }
  return moving ? demuxer.video_type : demuxer.audio_type;
}

bool IsCover(const AVStream* stream) { return (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0; }

// FFmpeg takes a cut RIFF file (WAV, AVI) for a short one.
absl::Status CheckRiffSize(const Content& content) {
  const absl::string_view head = content.head();
  if (content.live() || head.size() < 8 || !absl::StartsWith(head, "RIFF")) return absl::OkStatus();
  const int64_t stated = AV_RL32(head.data() + 4);
  const bool streamed = stated == 0 || stated >= 0x7ffff000;  // Written before the size was known.
  if (streamed || content.size() >= kWholeShare * stated) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("content: this file is truncated: got ", content.size(),
                                                 " bytes of the ", stated + 8, " that it states; send the whole file"));
}

}  // namespace

int Container::Read(void* self, uint8_t* data, int size) {
  auto* container = static_cast<Container*>(self);
  Content& content = container->content_;
  const int64_t got = content.live() ? content.ReadNext(data, size) : content.ReadAt(container->position_, data, size);
  if (got < 0) return AVERROR(EIO);
  container->position_ += got;
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

int64_t Container::Seek(void* self, int64_t offset, int whence) {
  auto* container = static_cast<Container*>(self);
  if ((whence & AVSEEK_SIZE) != 0) return container->content_.size();
  whence &= ~AVSEEK_FORCE;
  if (whence == SEEK_CUR) offset += container->position_;
  if (whence == SEEK_END) offset += container->content_.size();
  if (offset < 0) return AVERROR(EINVAL);
  return container->position_ = offset;
}

absl::StatusOr<std::unique_ptr<Container>> Container::Open(Content& content, const WireRequest& request) {
  auto container = absl::WrapUnique(new Container(content));
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBuffer));
  container->io_ = avio_alloc_context(buffer, kIoBuffer, 0, container.get(), &Read, nullptr,
                                      content.live() ? nullptr : &Seek);
  if (container->io_ == nullptr) return MediaError(AVERROR(ENOMEM), "this file");
  MIXMATCH_ASSIGN_OR_RETURN(const AVInputFormat* demuxer, container->Probe(request));
  MIXMATCH_RETURN_IF_ERROR(CheckRiffSize(content));
  MIXMATCH_RETURN_IF_ERROR(container->OpenInput(demuxer));
  MIXMATCH_RETURN_IF_ERROR(container->FindTracks(request));
  return container;
}

Container::~Container() {
  avformat_close_input(&format_);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

absl::StatusOr<const AVInputFormat*> Container::Probe(const WireRequest& request) {
  const AVInputFormat* found = nullptr;
  const int score = av_probe_input_buffer2(io_, &found, "", nullptr, 0, 1 << 20);
  const Demuxer* demuxer = found == nullptr || score < kMinProbeScore ? nullptr : FindDemuxer(found->name);
  if (demuxer == nullptr) {
    MIXMATCH_RETURN_IF_ERROR(CheckHint(request.media_type_hint, "", false));
    return UnsupportedContent("");
  }
  const bool both = demuxer->audio_type != nullptr && demuxer->video_type != nullptr;
  MIXMATCH_RETURN_IF_ERROR(CheckHint(request.media_type_hint, demuxer->audio_type == nullptr ? "video" : "audio", both));
  return found;
}

absl::Status Container::OpenInput(const AVInputFormat* demuxer) {
  format_ = avformat_alloc_context();
  if (format_ == nullptr) return MediaError(AVERROR(ENOMEM), "this file");
  format_->pb = io_;
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  format_->io_open = &DenyOpen;
  format_->protocol_whitelist = av_strdup("none");
  format_->format_whitelist = av_strdup(demuxer->name);
  format_->max_streams = 64;
  if (content_.live()) {  // Soon, rather than sure to see every track.
    format_->max_analyze_duration = 2 * AV_TIME_BASE;
    format_->probesize = 1 << 20;
  }
  // FFmpeg looks through every packet of a WAV for DTS in disguise, at ten times the cost of decoding it.
  if (absl::string_view(demuxer->name) == "wav") format_->max_probe_packets = 1;
  const int error = avformat_open_input(&format_, "", demuxer, nullptr);
  return error < 0 ? MediaError(error, TypeName(*FindDemuxer(demuxer->name), content_.head(),
                                                FindDemuxer(demuxer->name)->video_type != nullptr))
                   : absl::OkStatus();
}

absl::Status Container::FindTracks(const WireRequest& request) {
  MIXMATCH_RETURN_IF_ERROR(CheckSizes(request));  // Before FFmpeg opens decoders to look for what headers leave out.
  std::vector<AVDictionary*> options(format_->nb_streams, nullptr);
  for (AVDictionary*& option : options) {
    av_dict_set(&option, "threads", "1", 0);
    av_dict_set_int(&option, "max_pixels", std::min<int64_t>(request.max_pixels, INT32_MAX), 0);
  }
  const int error = avformat_find_stream_info(format_, options.data());
  for (AVDictionary*& option : options) av_dict_free(&option);
  if (error < 0) return MediaError(error, "this file");
  MIXMATCH_RETURN_IF_ERROR(CheckSizes(request));
  for (unsigned i = 0; i < format_->nb_streams; ++i) format_->streams[i]->discard = AVDISCARD_ALL;
  const auto best = [&](AVMediaType type) -> AVStream* {
    const int index = av_find_best_stream(format_, type, -1, -1, nullptr, 0);
    return index < 0 ? nullptr : format_->streams[index];
  };
  for (unsigned i = 0; i < format_->nb_streams && cover_ == nullptr; ++i) {
    if (IsCover(format_->streams[i])) cover_ = format_->streams[i];
  }
  video_ = best(AVMEDIA_TYPE_VIDEO);
  audio_ = best(AVMEDIA_TYPE_AUDIO);
  for (unsigned i = 0; video_ != nullptr && IsCover(video_) && i < format_->nb_streams; ++i) {
    AVStream* other = format_->streams[i];
    if (other->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !IsCover(other)) video_ = other;
  }
  if (video_ != nullptr && IsCover(video_)) video_ = nullptr;
  if (video_ == nullptr && audio_ == nullptr) {
    return absl::InvalidArgumentError("content: got a file without a sound or picture track that can be decoded here; convert it");
  }
  media_type_ = TypeName(*FindDemuxer(format_->iformat->name), content_.head(), video_ != nullptr);
  return absl::OkStatus();
}

absl::Status Container::CheckSizes(const WireRequest& request) const {
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    const AVStream* stream = format_->streams[i];
    const AVCodecParameters* parameters = stream->codecpar;
    if (parameters->codec_type != AVMEDIA_TYPE_VIDEO || parameters->width == 0 || IsCover(stream)) continue;
    MIXMATCH_RETURN_IF_ERROR(
        CheckPictureSize(parameters->width, parameters->height, request.max_pixels, request.min_side));
  }
  return absl::OkStatus();
}

double Container::StatedSeconds(const AVStream* stream) const {
  if (stream->duration != AV_NOPTS_VALUE && stream->duration > 0 &&
      format_->duration_estimation_method == AVFMT_DURATION_FROM_STREAM) {
    return stream->duration * av_q2d(stream->time_base);
  }
  const bool stated = format_->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
  return stated && format_->duration > 0 ? static_cast<double>(format_->duration) / AV_TIME_BASE : 0.0;
}

double Container::LikelySeconds() const {
  return format_->duration > 0 ? static_cast<double>(format_->duration) / AV_TIME_BASE : 0.0;
}

absl::StatusOr<CodecPtr> OpenTrack(const AVStream* stream, int64_t max_pixels) {
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  if (codec == nullptr) {
    return absl::UnimplementedError(absl::StrCat("content: got a track in ",
                                                 avcodec_get_name(stream->codecpar->codec_id),
                                                 ", which this FFmpeg does not decode; convert it"));
  }
  CodecPtr context(avcodec_alloc_context3(codec));
  if (context == nullptr) return MediaError(AVERROR(ENOMEM), "a track");
  if (int error = avcodec_parameters_to_context(context.get(), stream->codecpar); error < 0) {
    return MediaError(error, "a track");
  }
  context->pkt_timebase = stream->time_base;
  context->thread_count = 1;
  context->max_pixels = max_pixels;
  if (int error = avcodec_open2(context.get(), codec, nullptr); error < 0) return MediaError(error, "a track");
  return context;
}

}  // namespace mixmatch::model
