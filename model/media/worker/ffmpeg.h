// Owners of FFmpeg's objects, and its errors as statuses.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_FFMPEG_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_FFMPEG_H_

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::model {

// A deleter that calls FFmpeg's free function with the pointer's address.
template <auto free_function>
struct FreeByAddress {
  template <typename T>
  void operator()(T* object) const {
    free_function(&object);
  }
};
struct FreeSws {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

using FramePtr = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using PacketPtr = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using SwrPtr = std::unique_ptr<SwrContext, FreeByAddress<swr_free>>;
using SwsPtr = std::unique_ptr<SwsContext, FreeSws>;

// RESOURCE_EXHAUSTED for want of memory, else INVALID_ARGUMENT "content: `what`: FFmpeg's words".
inline absl::Status MediaError(int error, absl::string_view what) {
  if (error == AVERROR(ENOMEM)) {
    return absl::ResourceExhaustedError(absl::StrCat("content: ", what, " took all the memory of a decoder; shrink it"));
  }
  char words[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, words, sizeof(words));
  return absl::InvalidArgumentError(
      absl::StrCat("content: ", what, " is damaged or cut (", words, "), wanted a whole file; make it again"));
}

// RESOURCE_EXHAUSTED or INVALID_ARGUMENT if a picture of this size is beyond the limits.
inline absl::Status CheckPictureSize(int64_t width, int64_t height, int64_t max_pixels, int min_side) {
  if (width <= 0 || height <= 0) return absl::InvalidArgumentError("content: got a picture without a size; make it again");
  if (width > max_pixels / height) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a picture of ", width, " x ", height,
                                                     " pixels, wanted at most ", max_pixels, " in all; scale it down"));
  }
  if (width < min_side || height < min_side) {
    return absl::InvalidArgumentError(absl::StrCat("content: got a picture of ", width, " x ", height,
                                                   " pixels, wanted at least ", min_side, " a side"));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_FFMPEG_H_
