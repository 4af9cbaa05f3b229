#include "model/media/worker/frame_scaler.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

bool HasAlpha(AVPixelFormat format) {
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
  return format == AV_PIX_FMT_PAL8 || (description != nullptr && (description->flags & AV_PIX_FMT_FLAG_ALPHA) != 0);
}

// RGBA onto white, alpha set to opaque.
void FlattenOnWhite(AVFrame* rgba) {
  for (int y = 0; y < rgba->height; ++y) {
    uint8_t* row = rgba->data[0] + static_cast<ptrdiff_t>(y) * rgba->linesize[0];
    for (int x = 0; x < rgba->width; ++x, row += 4) {
      const int alpha = row[3];
      if (alpha == 255) continue;
      for (int c = 0; c < 3; ++c) row[c] = static_cast<uint8_t>((row[c] * alpha + 255 * (255 - alpha) + 127) / 255);
      row[3] = 255;
    }
  }
}

// Copies packed RGB, turned as `matrix` says.
Picture Upright(const AVFrame& rgb, const int32_t* matrix) {
  static constexpr int32_t kIdentity[9] = {1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30};
  if (matrix == nullptr) matrix = kIdentity;
  const double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];  // x' = a x + c y, y' = b x + d y.
  const bool turned = std::abs(b) + std::abs(c) > std::abs(a) + std::abs(d);
  const bool flip_x = (turned ? c : a) < 0.0;
  const bool flip_y = (turned ? b : d) < 0.0;
  Picture picture;
  picture.width = turned ? rgb.height : rgb.width;
  picture.height = turned ? rgb.width : rgb.height;
  picture.rgb.resize(size_t{3} * picture.width * picture.height);
  for (int y = 0; y < picture.height; ++y) {
    char* out = picture.rgb.data() + size_t{3} * picture.width * y;
    const int v = flip_y ? picture.height - 1 - y : y;
    for (int x = 0; x < picture.width; ++x, out += 3) {
      const int u = flip_x ? picture.width - 1 - x : x;
      const uint8_t* in = rgb.data[0] + static_cast<ptrdiff_t>(turned ? u : v) * rgb.linesize[0] + 3 * (turned ? v : u);
      std::copy(in, in + 3, out);
    }
  }
  return picture;
}

}  // namespace

std::array<int, 2> FitWithin(int width, int height, int side) {
  const double scale = std::min(1.0, static_cast<double>(side) / std::max(width, height));
  const auto fit = [&](int length) { return std::clamp(static_cast<int>(std::lround(length * scale)), 1, side); };
  return {fit(width), fit(height)};
}

absl::StatusOr<Picture> FrameScaler::Scale(const AVFrame& frame, AVRational ratio, const int32_t* matrix) {
  double width = frame.width, height = frame.height;
  if (ratio.num > 0 && ratio.den > 0) {  // Shrinks the longer of a pixel's sides, so that nothing is made up.
    const double stretch = std::clamp(av_q2d(ratio), 0.1, 10.0);
    (stretch < 1.0 ? width : height) *= stretch < 1.0 ? stretch : 1.0 / stretch;
  }
  const auto [to_width, to_height] = FitWithin(std::max<int>(1, std::lround(width)), std::max<int>(1, std::lround(height)),
                                               side_);
  if (!HasAlpha(static_cast<AVPixelFormat>(frame.format))) {
    MIXMATCH_ASSIGN_OR_RETURN(FramePtr rgb, Convert(frame, AV_PIX_FMT_RGB24, to_width, to_height));
    return Upright(*rgb, matrix);
  }
  // Flattened before scaling: the colour under a transparent pixel means nothing.
  MIXMATCH_ASSIGN_OR_RETURN(FramePtr rgba, Convert(frame, AV_PIX_FMT_RGBA, frame.width, frame.height));
  FlattenOnWhite(rgba.get());
  MIXMATCH_ASSIGN_OR_RETURN(FramePtr rgb, Convert(*rgba, AV_PIX_FMT_RGB24, to_width, to_height));
  return Upright(*rgb, matrix);
}

absl::StatusOr<FramePtr> FrameScaler::Convert(const AVFrame& frame, AVPixelFormat format, int width, int height) {
  const auto from = static_cast<AVPixelFormat>(frame.format);
  const bool same_size = width == frame.width && height == frame.height;
  scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, from, width, height, format,
                                     same_size ? SWS_POINT : SWS_AREA, nullptr, nullptr, nullptr));
  if (scaler_ == nullptr) return absl::InvalidArgumentError("content: got a picture whose shape cannot be scaled");
  const int* matrix = sws_getCoefficients(frame.colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : frame.colorspace);
  sws_setColorspaceDetails(scaler_.get(), matrix, frame.color_range == AVCOL_RANGE_JPEG, matrix, 1, 0, 1 << 16, 1 << 16);
  FramePtr to(av_frame_alloc());
  if (to == nullptr) return MediaError(AVERROR(ENOMEM), "a picture");
  to->format = format;
  to->width = width;
  to->height = height;
  if (int error = av_frame_get_buffer(to.get(), 64); error < 0) return MediaError(error, "a picture");
  const int error = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, to->data, to->linesize);
  if (error < 0) return MediaError(error, "a picture");
  return to;
}

}  // namespace mixmatch::model
