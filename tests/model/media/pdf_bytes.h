// A plain PDF for tests. (ISO 32000-1, classic cross-reference table)
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_PDF_BYTES_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_PDF_BYTES_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mixmatch::model {

// Where it begins, in points from the page's lower left corner.
struct PdfWord {
  double x = 0;
  double y = 0;
  std::string text;
};

// One page each, A4: a filled square of 300 points in the upper half where the words have a caption, which goes below
// it; then the words, a line each; then words at places of their own. All of 10 points.
struct PdfPage {
  std::string caption;
  std::vector<std::string> lines;
  std::vector<PdfWord> words = {};
};

// A table whose first column begins at `x` and the next ones `step` points to the right each; its rows go down from `y`,
// 14 points each.
inline std::vector<PdfWord> PdfTable(double x, double y, double step,
                                     const std::vector<std::vector<std::string>>& rows) {
  std::vector<PdfWord> words;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      if (rows[r][c].empty()) continue;
      words.push_back({x + step * static_cast<double>(c), y - 14.0 * static_cast<double>(r), rows[r][c]});
    }
  }
  return words;
}

// A file of these objects, the first of which is the catalog.
inline std::string PdfOf(const std::vector<std::string>& objects) {
  std::string bytes = "%PDF-1.4\n", table;
  for (size_t i = 0; i < objects.size(); ++i) {
    absl::StrAppendFormat(&table, "%010d 00000 n \n", bytes.size());
    absl::StrAppend(&bytes, i + 1, " 0 obj\n", objects[i], "\nendobj\n");
  }
  const size_t place = bytes.size();
  absl::StrAppend(&bytes, "xref\n0 ", objects.size() + 1, "\n0000000000 65535 f \n", table, "trailer << /Size ",
                  objects.size() + 1, " /Root 1 0 R >>\nstartxref\n", place, "\n%%EOF\n");
  return bytes;
}

// One page, A4, that is a JPEG of this size and nothing else, as a scanner makes it.
inline std::string ScannedPdfBytes(const std::string& jpeg, int width, int height) {
  const std::string draw = "595 0 0 842 0 0 cm /Im0 Do";
  return PdfOf({"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /Im0 5 0 R "
                ">> >> >>",
                absl::StrCat("<< /Length ", draw.size(), " >>\nstream\n", draw, "\nendstream"),
                absl::StrCat("<< /Type /XObject /Subtype /Image /Width ", width, " /Height ", height,
                             " /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length ", jpeg.size(),
                             " >>\nstream\n", jpeg, "\nendstream")});
}

inline std::string PdfBytes(const std::vector<PdfPage>& pages) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (const PdfPage& page : pages) {
    std::string stream;
    if (!page.caption.empty()) {
      stream = absl::StrCat("1 0 0 rg 100 450 300 300 re f 0 g BT /F1 10 Tf 72 415 Td (", page.caption, ") Tj ET ");
    }
    absl::StrAppend(&stream, "BT /F1 10 Tf 72 380 Td 12 TL ");
    for (const std::string& line : page.lines) absl::StrAppend(&stream, "(", line, ") ' ");
    stream += "ET";
    for (const PdfWord& word : page.words) {
      absl::StrAppend(&stream, " BT /F1 10 Tf ", word.x, " ", word.y, " Td (", word.text, ") Tj ET");
    }
    objects.push_back(absl::StrCat("<< /Length ", stream.size(), " >>\nstream\n", stream, "\nendstream"));
    objects.push_back(absl::StrCat("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ", objects.size(),
                                   " 0 R /Resources << /Font << /F1 3 0 R >> >> >>"));
    absl::StrAppend(&kids, objects.size(), " 0 R ");
  }
  objects[1] = absl::StrCat("<< /Type /Pages /Count ", pages.size(), " /Kids [", kids, "] >>");
  return PdfOf(objects);
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_PDF_BYTES_H_
