#include "model/media/wire_request.h"

#include <string.h>

#include <algorithm>

namespace mixmatch::model {

WireRequest RequestOf(const MediaLimits& limits, absl::string_view hint) {
  WireRequest request = {};
  request.max_pixels = limits.max_pixels;
  request.max_text_bytes = limits.max_text_bytes;
  request.min_seconds = limits.min_seconds;
  request.max_seconds = limits.max_seconds;
  request.frames_per_second = limits.frames_per_second;
  request.max_table_bytes = limits.max_table_bytes;
  request.max_cells = limits.max_cells;
  request.max_columns = limits.max_columns;
  request.max_cell_bytes = limits.max_cell_bytes;
  request.max_blocks = limits.max_blocks;
  request.max_archive_entries = limits.max_archive_entries;
  request.max_inflated_bytes = limits.max_inflated_bytes;
  request.max_inflate_ratio = limits.max_inflate_ratio;
  request.max_document_pictures = limits.max_document_pictures;
  request.min_side = limits.min_side;
  request.image_side = limits.image_side;
  request.frame_side = limits.frame_side;
  request.max_frames = limits.max_frames;
  request.max_subtitles = limits.max_subtitles;
  request.cover_side = limits.image_side;
  request.scan_side = limits.scan_side;
  request.max_scan_bytes = limits.max_scan_bytes;
  request.full_rate_seconds = limits.full_rate_seconds;
  request.slow_frames_per_second = limits.slow_frames_per_second;
  const size_t size = std::min(hint.size(), sizeof(request.media_type_hint) - 1);
  memcpy(request.media_type_hint, hint.data(), size);
  return request;
}

}  // namespace mixmatch::model
