// What the PDF tools say of pages, as hostile as the file that they read: the words of `pdftotext -bbox-layout`, and
// behind a zero the pictures of `pdftoppm`.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "model/media/wire_request.h"
#include "tests/fuzz/decode.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mixmatch::model;  // NOLINT: a program of one function.
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t words = std::min(bytes.find('\0'), size);
  PdfPagesHeader header = {};
  std::memcpy(header.magic, kPdfPagesMagic, sizeof(header.magic));
  header.text_bytes = words;
  const absl::string_view head(reinterpret_cast<const char*>(&header), sizeof(header));
  const absl::string_view pictures = words < size ? bytes.substr(words + 1) : "";
  WireRequest request = RequestOf(SmallLimits(), "application/pdf");
  request.first_page = 1;
  DecodeAndCut(absl::StrCat(head, bytes.substr(0, words), pictures), request);
  return 0;
}
