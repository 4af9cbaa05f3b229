// PDF documents, read by Poppler's programs (GPL, run and never linked), some pages at a time.
#ifndef MIXMATCH_MODEL_MEDIA_PDF_PAGES_H_
#define MIXMATCH_MODEL_MEDIA_PDF_PAGES_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"
#include "model/media/word_reader.h"

namespace mixmatch::model {

// Whether the file behind `fd` begins as a PDF does.
bool IsPdf(int fd);

// Reads what the tools made of some pages: `pages` is a memfd in the form of PdfPagesHeader, `first` the number of its
// first page. Their output is as hostile as the file, so this is done in a decoding process.
using PagesDecoder = std::function<absl::StatusOr<DecodedMedia>(int pages, int first)>;

// The document, a batch of pages after the other: memory is bounded by a batch and by what is kept, a small picture a
// page and figure. Pages without a text, as scanners make them, are read by `reader` while *reading is left, unless
// it is null; without words they are pictures. UNIMPLEMENTED where poppler-utils is not installed. INVALID_ARGUMENT: encrypted, damaged, without
// pages. RESOURCE_EXHAUSTED beyond limits.max_pages, max_blocks, max_document_pictures, or the time for one item.
absl::StatusOr<DecodedMedia> DecodePdf(int fd, const std::string& launcher, const MediaLimits& limits,
                                       const PagesDecoder& decode, const WordReader* reader, absl::Duration* reading);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_PDF_PAGES_H_
