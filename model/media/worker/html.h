// HTML and XHTML: headings, texts, figures with their captions, tables. Pictures must be inside the file, as data:
// URIs; nothing is fetched.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_HTML_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_HTML_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/document_writer.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Whether a text is an HTML document by its first tags.
bool LooksLikeHtml(absl::string_view head);

// The bytes that a link to a picture stands for; empty: not here.
using PictureOf = std::function<std::string(absl::string_view link)>;

// Of data: URIs (RFC 2397).
std::string DataUriBytes(absl::string_view link);

// Adds what the document holds. Navigation, scripts and styles are left out; tables that only lay out a page are read
// as texts. INVALID_ARGUMENT if it is nested too deep.
absl::Status AddHtml(absl::string_view utf8, const PictureOf& picture, DocumentWriter* document);

// Writes the document and the end of the response, or returns why not.
absl::Status DecodeHtml(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_HTML_H_
