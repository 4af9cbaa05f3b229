#include "model/media/worker/still.h"

extern "C" {
#include <libavutil/display.h>
}

#include <utility>

#include "absl/strings/string_view.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/frame_scaler.h"
#include "model/media/worker/scan.h"
#include "model/media/worker/still_header.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

AVCodecID CodecOf(absl::string_view media_type) {
  if (media_type == "image/jpeg") return AV_CODEC_ID_MJPEG;
  if (media_type == "image/png") return AV_CODEC_ID_PNG;
  if (media_type == "image/webp") return AV_CODEC_ID_WEBP;
  if (media_type == "image/gif") return AV_CODEC_ID_GIF;
  return AV_CODEC_ID_BMP;
}

absl::StatusOr<CodecPtr> OpenCodec(const std::string& media_type, int64_t max_pixels) {
  const AVCodec* codec = avcodec_find_decoder(CodecOf(media_type));
  CodecPtr context(codec == nullptr ? nullptr : avcodec_alloc_context3(codec));
  if (context == nullptr) return absl::UnimplementedError(absl::StrCat("content: FFmpeg lacks ", media_type, " here"));
  context->thread_count = 1;
  context->max_pixels = max_pixels;
  context->err_recognition = AV_EF_CRCCHECK | AV_EF_BUFFER | AV_EF_EXPLODE;
  if (int error = avcodec_open2(context.get(), codec, nullptr); error < 0) return MediaError(error, media_type);
  return context;
}

// The whole file as one packet: these decoders take one.
absl::StatusOr<FramePtr> DecodeWhole(AVCodecContext* codec, const std::string& bytes, const std::string& media_type) {
  PacketPtr packet(av_packet_alloc());
  FramePtr frame(av_frame_alloc());
  if (packet == nullptr || frame == nullptr) return MediaError(AVERROR(ENOMEM), media_type);
  if (int error = av_new_packet(packet.get(), bytes.size()); error < 0) return MediaError(error, media_type);
  bytes.copy(reinterpret_cast<char*>(packet->data), bytes.size());
  packet->flags |= AV_PKT_FLAG_KEY;
  int error = avcodec_send_packet(codec, packet.get());
  if (error >= 0) error = avcodec_receive_frame(codec, frame.get());
  if (error == AVERROR(EAGAIN)) {
    avcodec_send_packet(codec, nullptr);
    error = avcodec_receive_frame(codec, frame.get());
  }
  if (error < 0) return MediaError(error, media_type);
  if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
    return MediaError(AVERROR_INVALIDDATA, media_type);
  }
  return frame;
}

}  // namespace

absl::StatusOr<Picture> ReadStill(const Content& content, const std::string& media_type, const WireRequest& request,
                                  bool read_words) {
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, content.ReadEverything(kMaxFileBytes, "a picture"));
  MIXMATCH_ASSIGN_OR_RETURN(const StillHeader header, ReadStillHeader(bytes, media_type));
  MIXMATCH_RETURN_IF_ERROR(CheckPictureSize(header.width, header.height, request.max_pixels, request.min_side));
  if (media_type == "image/webp") {
    MIXMATCH_ASSIGN_OR_RETURN(bytes, FirstWebpFrame(std::move(bytes)));
  }
  MIXMATCH_ASSIGN_OR_RETURN(CodecPtr codec, OpenCodec(media_type, request.max_pixels));
  MIXMATCH_ASSIGN_OR_RETURN(FramePtr frame, DecodeWhole(codec.get(), bytes, media_type));
  const AVFrameSideData* turn = av_frame_get_side_data(frame.get(), AV_FRAME_DATA_DISPLAYMATRIX);
  const auto* matrix = turn == nullptr ? nullptr : reinterpret_cast<const int32_t*>(turn->data);
  MIXMATCH_ASSIGN_OR_RETURN(Picture picture, FrameScaler(request.image_side).Scale(*frame, {0, 1}, matrix));
  if (read_words) {
    MIXMATCH_ASSIGN_OR_RETURN(const Picture sharp, FrameScaler(request.scan_side).Scale(*frame, {0, 1}, matrix));
    picture.scan = ScanOf({sharp.width, sharp.height, sharp.rgb}, request.scan_side);
  }
  return picture;
}

absl::Status DecodeStill(const Content& content, const std::string& media_type, const WireRequest& request,
                         ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const Picture picture, ReadStill(content, media_type, request, ReadsPictures(request)));
  writer->Frame(0.0, picture);
  writer->Done(WireKind::kImage, 0.0, media_type);
  return absl::OkStatus();
}

}  // namespace mixmatch::model
