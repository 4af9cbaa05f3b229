#include "model/media/worker/svg.h"

#include <cairo.h>
#include <librsvg/rsvg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/media/worker/scan.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kMaxFileBytes = 64 << 20;

struct FreeHandle {
  void operator()(RsvgHandle* handle) const { g_object_unref(handle); }
};
struct FreeSurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct FreeCairo {
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
};
using HandlePtr = std::unique_ptr<RsvgHandle, FreeHandle>;

absl::Status SvgError(GError* error) {
  absl::Status status = absl::InvalidArgumentError(
      "content: this image/svg+xml is truncated, damaged or too deep, wanted a well-formed SVG; make it again");
  if (error != nullptr) g_error_free(error);
  return status;
}

absl::StatusOr<HandlePtr> Parse(const std::string& bytes) {
  GError* error = nullptr;
  HandlePtr handle(rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(bytes.data()), bytes.size(), &error));
  if (handle == nullptr) return SvgError(error);
  return handle;
}

// Its own size, or its view box, or a square.
void NaturalSize(RsvgHandle* handle, double* width, double* height) {
  if (rsvg_handle_get_intrinsic_size_in_pixels(handle, width, height)) return;
  gboolean has_width, has_height, has_box;
  RsvgLength any;
  RsvgRectangle box = {};
  rsvg_handle_get_intrinsic_dimensions(handle, &has_width, &any, &has_height, &any, &has_box, &box);
  *width = has_box ? box.width : 1.0;
  *height = has_box ? box.height : 1.0;
}

absl::StatusOr<Picture> Draw(RsvgHandle* handle, double width, double height, int side) {
  const double scale = side / std::max(width, height);
  Picture picture;
  picture.width = std::clamp(static_cast<int>(std::lround(width * scale)), 1, side);
  picture.height = std::clamp(static_cast<int>(std::lround(height * scale)), 1, side);
  std::unique_ptr<cairo_surface_t, FreeSurface> surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, picture.width, picture.height));
  std::unique_ptr<cairo_t, FreeCairo> cairo(cairo_create(surface.get()));
  cairo_set_source_rgb(cairo.get(), 1.0, 1.0, 1.0);
  cairo_paint(cairo.get());
  const RsvgRectangle viewport = {0.0, 0.0, static_cast<double>(picture.width), static_cast<double>(picture.height)};
  GError* error = nullptr;
  if (!rsvg_handle_render_document(handle, cairo.get(), &viewport, &error)) return SvgError(error);
  cairo_surface_flush(surface.get());
  const unsigned char* data = cairo_image_surface_get_data(surface.get());
  if (data == nullptr) return SvgError(nullptr);
  const int stride = cairo_image_surface_get_stride(surface.get());
  picture.rgb.resize(size_t{3} * picture.width * picture.height);
  char* out = picture.rgb.data();
  for (int y = 0; y < picture.height; ++y) {
    const auto* row = reinterpret_cast<const uint32_t*>(data + static_cast<ptrdiff_t>(y) * stride);
    for (int x = 0; x < picture.width; ++x) {
      *out++ = static_cast<char>(row[x] >> 16);
      *out++ = static_cast<char>(row[x] >> 8);
      *out++ = static_cast<char>(row[x]);
    }
  }
  return picture;
}

}  // namespace

void WarmSvg() {
  // Pango keeps what it learns about fonts; cairo closes a font file with its last font, so one of each stays.
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 64, 64);
  cairo_t* cairo = cairo_create(surface);
  std::string svg = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'>";
  for (const char* family : {"sans-serif", "serif", "monospace"}) {
    for (const bool bold : {false, true}) {
      cairo_select_font_face(cairo, family, CAIRO_FONT_SLANT_NORMAL,
                             bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
      cairo_text_extents_t extents;
      cairo_text_extents(cairo, "Az", &extents);
      cairo_scaled_font_reference(cairo_get_scaled_font(cairo));
      absl::StrAppend(&svg, "<text y='30' font-family='", family, "' font-weight='", bold ? "bold" : "normal", "'>Az</text>");
    }
  }
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
  const absl::StatusOr<HandlePtr> handle = Parse(svg + "</svg>");
  if (handle.ok()) Draw(handle->get(), 64.0, 64.0, 64).IgnoreError();
}

absl::StatusOr<Picture> ReadSvg(const Content& content, const WireRequest& request, bool read_words) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(kMaxFileBytes, "an SVG"));
  MIXMATCH_ASSIGN_OR_RETURN(const HandlePtr handle, Parse(bytes));
  double width = 0.0, height = 0.0;
  NaturalSize(handle.get(), &width, &height);
  if (!(width > 0.0 && height > 0.0 && std::isfinite(width) && std::isfinite(height))) {
    return absl::InvalidArgumentError("content: got an SVG without a size, wanted a width and height above 0");
  }
  MIXMATCH_ASSIGN_OR_RETURN(Picture picture, Draw(handle.get(), width, height, request.image_side));
  if (read_words && absl::StrContains(bytes, "<text")) {
    const int side = request.scan_side / 2;
    MIXMATCH_ASSIGN_OR_RETURN(const Picture sharp, Draw(handle.get(), width, height, side));
    picture.scan = ScanOf({sharp.width, sharp.height, sharp.rgb}, request.scan_side);
  }
  return picture;
}

absl::Status DecodeSvg(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const Picture picture, ReadSvg(content, request, ReadsPictures(request)));
  writer->Frame(0.0, picture);
  writer->Done(WireKind::kImage, 0.0, "image/svg+xml");
  return absl::OkStatus();
}

}  // namespace mixmatch::model
