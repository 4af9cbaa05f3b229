#include "model/media/worker/decode.h"

#include "absl/strings/string_view.h"
#include "model/media/worker/content.h"
#include "model/media/worker/html.h"
#include "model/media/worker/markdown.h"
#include "model/media/worker/midi.h"
#include "model/media/worker/npy.h"
#include "model/media/worker/package.h"
#include "model/media/worker/pdf.h"
#include "model/media/worker/raw_series.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/still.h"
#include "model/media/worker/svg.h"
#include "model/media/worker/table.h"
#include "model/media/worker/text.h"
#include "model/media/worker/timed.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {

absl::Status DecodeContent(int fd, const WireRequest& request, ResponseWriter* writer) {
  if (request.live != 0) {
    MIXMATCH_ASSIGN_OR_RETURN(Content stream, Content::TakePipe(fd));
    if (Sniff(stream).kind != Sniffed::kTimed) return UnsupportedContent(Sniff(stream).media_type);
    return DecodeTimed(stream, request, writer);
  }
  MIXMATCH_ASSIGN_OR_RETURN(Content content, Content::Take(fd));
  if (request.first_page > 0) return DecodePdfPages(content, request, writer);
  if (IsRawSeries(request.media_type_hint)) return DecodeRawSeries(content, request, writer);
  const SniffedType type = Sniff(content);
  if (type.kind != Sniffed::kSvg && LooksLikeHtml(content.head())) return DecodeHtml(content, request, writer);
  const bool is_text = type.kind == Sniffed::kText;
  if (is_text && LooksLikeMarkdown(request.media_type_hint, content.head())) return DecodeMarkdown(content, request, writer);
  if (is_text || type.kind == Sniffed::kTimed) {  // Rows in an old encoding look like neither.
    const TableFormat rows = SniffTable(content, request.media_type_hint, is_text);
    if (rows != TableFormat::kNone) return DecodeTable(content, rows, request, writer);
  }
  if (type.kind == Sniffed::kTimed) return DecodeTimed(content, request, writer);
  const absl::string_view media_type = type.media_type;
  MIXMATCH_RETURN_IF_ERROR(CheckHint(request.media_type_hint, media_type.substr(0, media_type.find('/')), false));
  switch (type.kind) {
    case Sniffed::kStill: return DecodeStill(content, type.media_type, request, writer);
    case Sniffed::kSvg: return DecodeSvg(content, request, writer);
    case Sniffed::kZip: return DecodePackage(content, request, writer);
    case Sniffed::kNpy: return DecodeNpy(content, request, writer);
    case Sniffed::kMidi: return DecodeMidi(content, request, writer);
    case Sniffed::kText: return DecodeText(content, request, writer);
    default: return UnsupportedContent(type.media_type);
  }
}

}  // namespace mixmatch::model
