// Markdown: CommonMark with GitHub's tables, read by way of HTML.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_MARKDOWN_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_MARKDOWN_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Whether a text says so: by the hint text/markdown, or where it has none or is text/plain, by a "# heading" in its first
// 4096 bytes that follows an empty line or nothing, and another mark of Markdown: a second heading, a fence of code, a
// link or picture, or the line under a table's header. A text in another encoding than UTF-8 is none.
bool LooksLikeMarkdown(absl::string_view hint, absl::string_view head);

// Writes the document and the end of the response, or returns why not. Pictures must be data: URIs; the words in
// brackets before a picture describe it.
absl::Status DecodeMarkdown(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_MARKDOWN_H_
