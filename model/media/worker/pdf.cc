#include "model/media/worker/pdf.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "model/media/worker/document_writer.h"
#include "model/media/worker/page_table.h"
#include "model/media/worker/pixels.h"
#include "model/media/worker/scan.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;

constexpr int64_t kMostBytes = int64_t{1} << 30;
constexpr size_t kMostCaptionLines = 6;  // A block of more lines that begins like a caption goes on as text.
constexpr double kBodyWidth = 0.25;      // Of the page: narrower blocks of one line are labels inside a figure.
constexpr double kLeastFigure = 0.03;    // Of the page's height.
constexpr double kHeadingRatio = 1.2;    // Of its lines' height to the usual.
constexpr size_t kMostHeading = 120;     // Bytes.
constexpr double kGap = 0.004;           // Of the page, between a caption and its figure.
constexpr int kMostTables = 64;          // Captions of a page under which rows are looked for.
constexpr size_t kProseLines = 4;        // Blocks of so many lines
constexpr size_t kProseBytes = 35;       // and so many bytes a line are text, also where they stand beside a table.

// How captions begin, lower case, in languages whose documents are common; a number follows.
constexpr absl::string_view kFigureWords[] = {"figure",  "fig.",       "fig",     "abbildung", "abb.",    "figura",
                                              "figuur",  "afbeelding", "rysunek", "rys.",      "obrázek", "рис.",
                                              "рисунок", "bild",       "図",      "图",        "圖"};
constexpr absl::string_view kTableWords[] = {"table", "tab.",    "tabelle", "tabla", "tabella", "tabela",
                                             "tabel", "tableau", "таблица", "табл.", "表"};

using Box = PageBox;

struct TextBlock {
  Box box;  // Shares of the page.
  std::vector<std::string> lines;
  std::vector<Box> line_boxes;
  std::vector<PageWord> words;
  double line_height = 0;  // Mean, share of the page's height.
  bool is_figure_caption = false;
  bool is_table_caption = false;
  bool is_caption() const { return is_figure_caption || is_table_caption; }
  bool is_body() const { return lines.size() > 1 || box.width() >= kBodyWidth || is_caption(); }
  // Whether it can hardly be a column of a table.
  bool is_prose() const { return lines.size() >= kProseLines && text().size() >= kProseBytes * lines.size(); }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines) absl::StrAppend(&all, line, "\n");
    return all;
  }
};

absl::Status Damaged() {
  return absl::InvalidArgumentError(
      "content: the programs that read PDF files made nothing of this one that can be used; make "
      "it again");
}

// "Figure 3:", "Fig. A.2", "Table IV": a word of the list and then a number or numeral.
bool BeginsWith(absl::string_view line, absl::Span<const absl::string_view> words) {
  const std::string lower = absl::AsciiStrToLower(line.substr(0, 64));
  for (absl::string_view word : words) {
    if (!absl::StartsWith(lower, word)) continue;
    absl::string_view rest = absl::string_view(lower).substr(word.size());
    const bool parted = !rest.empty() && (rest[0] == ' ' || absl::ascii_isdigit(static_cast<unsigned char>(rest[0])));
    rest = absl::StripLeadingAsciiWhitespace(rest);
    const absl::string_view number = rest.substr(0, rest.find_first_of(" :.-)"));
    const bool numbered = !number.empty() && number.size() <= 8 &&
                          (absl::ascii_isdigit(static_cast<unsigned char>(number[0])) ||
                           number.find_first_not_of("ivxlc") == absl::string_view::npos ||
                           (number.size() == 1 && rest.size() > 1 && rest[1] == '.'));
    if (parted && numbered) return true;
  }
  return false;
}

Box BoxOf(const pugi::xml_node& node, double width, double height) {
  const auto share = [](double value, double whole) { return std::min(1.0, std::max(0.0, value / whole)); };
  Box box = {share(node.attribute("xMin").as_double(), width), share(node.attribute("yMin").as_double(), height),
             share(node.attribute("xMax").as_double(), width), share(node.attribute("yMax").as_double(), height)};
  box.right = std::max(box.left, box.right);
  box.bottom = std::max(box.top, box.bottom);
  return box;
}

TextBlock ReadBlock(const pugi::xml_node& node, double width, double height) {
  TextBlock block;
  block.box = BoxOf(node, width, height);
  double heights = 0;
  for (const pugi::xml_node& line : node.children("line")) {
    std::string words;
    for (const pugi::xml_node& word : line.children("word")) {
      absl::StrAppend(&words, words.empty() ? "" : " ", word.text().get());
      block.words.push_back({BoxOf(word, width, height), word.text().get()});
    }
    block.line_boxes.push_back(BoxOf(line, width, height));
    heights += block.line_boxes.back().height();
    block.lines.push_back(std::move(words));
  }
  if (!block.lines.empty()) {
    block.line_height = heights / block.lines.size();
    block.is_figure_caption = BeginsWith(block.lines[0], kFigureWords);
    block.is_table_caption = BeginsWith(block.lines[0], kTableWords);
  }
  return block;
}

// A long block that begins with a caption is a caption of one line and a text.
void SplitCaption(TextBlock block, std::vector<TextBlock>* blocks) {
  if (!block.is_caption() || block.lines.size() <= kMostCaptionLines) {
    blocks->push_back(std::move(block));
    return;
  }
  TextBlock text = block;
  block.words.clear();  // Tables look for words wherever they are: once is enough.
  block.lines.resize(1);
  block.line_boxes.resize(1);
  block.box.bottom = block.box.top + block.line_height;
  text.lines.erase(text.lines.begin());
  text.line_boxes.erase(text.line_boxes.begin());
  text.box.top = block.box.bottom;
  text.is_figure_caption = text.is_table_caption = false;
  blocks->push_back(std::move(block));
  blocks->push_back(std::move(text));
}

bool ShareWidth(const Box& a, const Box& b) { return a.left < b.right && b.left < a.right; }
bool ShareHeight(const Box& a, const Box& b) { return a.top < b.bottom && b.top < a.bottom; }

// What a caption describes: the room between it and the next text, above or below it, as wide as texts beside it allow.
std::vector<Box> RoomsOf(const TextBlock& caption, const std::vector<TextBlock>& blocks) {
  Box above = {0, 0, 1, caption.box.top - kGap}, below = {0, caption.box.bottom + kGap, 1, 1};
  for (const TextBlock& other : blocks) {
    if (!other.is_body() || &other == &caption || !ShareWidth(other.box, caption.box)) continue;
    if (other.box.bottom <= caption.box.top + kGap) above.top = std::max(above.top, other.box.bottom + kGap);
    if (other.box.top >= caption.box.bottom - kGap) below.bottom = std::min(below.bottom, other.box.top - kGap);
  }
  for (Box* room : {&above, &below}) {
    for (const TextBlock& other : blocks) {
      if (!other.is_body() || ShareWidth(other.box, caption.box) || !ShareHeight(other.box, *room)) continue;
      if (other.box.right <= caption.box.left) room->left = std::max(room->left, other.box.right + kGap);
      if (other.box.left >= caption.box.right) room->right = std::min(room->right, other.box.left - kGap);
    }
  }
  if (caption.is_table_caption) std::swap(above, below);
  return {above, below};
}

class PageReader {
 public:
  PageReader(const WireRequest& request, DocumentWriter* document) : request_(request), document_(*document) {}

  absl::Status Read(const pugi::xml_node& page, int number, const Pixels& pixels) {
    document_.SetPage(number);
    MIXMATCH_RETURN_IF_ERROR(
        document_.Add(Kind::kPage, Shrunk(pixels, {0, 0, pixels.width, pixels.height}, request_.image_side)));
    const double width = page.attribute("width").as_double(), height = page.attribute("height").as_double();
    if (!(width > 0 && height > 0)) return absl::OkStatus();
    aspect_ = height / width;
    tables_ = 0;
    std::vector<TextBlock> blocks;
    for (const pugi::xml_node& flow : page.children("flow")) {
      for (const pugi::xml_node& block : flow.children("block")) SplitCaption(ReadBlock(block, width, height), &blocks);
    }
    const double usual = UsualHeight(blocks);
    for (const TextBlock& block : blocks) {
      document_.SetBox(block.box.left, block.box.top, block.box.right, block.box.bottom);
      MIXMATCH_RETURN_IF_ERROR(AddBlock(block, blocks, usual, pixels));
      document_.SetBox(0, 0, 0, 0);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AddBlock(const TextBlock& block, const std::vector<TextBlock>& blocks, double usual,
                        const Pixels& pixels) {
    if (block.is_table_caption && ++tables_ <= kMostTables) {
      const std::optional<PageTable> table = TableOf(block, blocks);
      if (table.has_value()) return AddTable(block, *table);
    }
    if (block.is_caption()) {
      const std::optional<PixelBox> figure = FigureOf(block, blocks, pixels);
      if (!figure.has_value()) return document_.Text(block.text());
      document_.SetBox(static_cast<float>(figure->left) / pixels.width, static_cast<float>(figure->top) / pixels.height,
                       static_cast<float>(figure->right) / pixels.width,
                       static_cast<float>(figure->bottom) / pixels.height);
      MIXMATCH_RETURN_IF_ERROR(document_.Add(Kind::kFigure, PictureOf(pixels, *figure)));
      document_.SetBox(block.box.left, block.box.top, block.box.right, block.box.bottom);
      return document_.Caption(block.text());
    }
    const std::string text = block.text();
    const bool heading = block.lines.size() <= 2 && text.size() <= kMostHeading && usual > 0 &&
                         block.line_height >= kHeadingRatio * usual;
    return heading ? document_.Heading(text) : document_.Text(text);
  }

  // The table below a caption, else above it, up to the next caption.
  std::optional<PageTable> TableOf(const TextBlock& caption, const std::vector<TextBlock>& blocks) const {
    const double under = caption.line_boxes[0].bottom;
    double least = 0, most = 1;
    for (const TextBlock& other : blocks) {
      if (!other.is_caption() || &other == &caption || !ShareWidth(other.box, caption.box)) continue;
      if (other.box.top >= under) most = std::min(most, other.box.top);
      if (other.box.bottom <= caption.box.top) least = std::max(least, other.box.bottom);
    }
    std::vector<PageWord> words;
    for (const TextBlock& block : blocks) {
      if (block.is_prose() && !ShareWidth(block.box, caption.box)) continue;
      for (const PageWord& word : block.words) {
        if (word.box.top >= least && word.box.bottom <= most) words.push_back(word);
      }
    }
    std::optional<PageTable> table = FindTableBelow(words, under, aspect_);
    return table.has_value() ? table : FindTableAbove(words, caption.box.top, aspect_);
  }

  // Rows that were taken for lines of the caption are none.
  absl::Status AddTable(const TextBlock& caption, const PageTable& table) {
    document_.SetBox(table.box.left, table.box.top, table.box.right, table.box.bottom);
    MIXMATCH_RETURN_IF_ERROR(document_.Table(table.table));
    TextBlock words = caption;
    const bool below = table.box.top >= caption.line_boxes[0].bottom - kGap;
    while (below && words.lines.size() > 1 && words.line_boxes.back().bottom > table.box.top + kGap) {
      words.lines.pop_back();
      words.line_boxes.pop_back();
    }
    document_.SetBox(caption.box.left, caption.box.top, caption.box.right,
                     std::max(caption.box.top, words.line_boxes.back().bottom));
    return document_.Caption(words.text());
  }

  Picture PictureOf(const Pixels& pixels, const PixelBox& box) const {
    Picture picture = Shrunk(pixels, box, request_.image_side);
    if (ReadsFigures(request_)) {
      const Picture sharp = Shrunk(pixels, box, request_.scan_side);
      picture.scan = ScanOf({sharp.width, sharp.height, sharp.rgb}, request_.scan_side);
    }
    return picture;
  }

  std::optional<PixelBox> FigureOf(const TextBlock& caption, const std::vector<TextBlock>& blocks,
                                   const Pixels& pixels) {
    for (const Box& room : RoomsOf(caption, blocks)) {
      if (room.height() < kLeastFigure) continue;
      const PixelBox ink =
          InkBox(pixels, {static_cast<int>(room.left * pixels.width), static_cast<int>(room.top * pixels.height),
                          static_cast<int>(room.right * pixels.width), static_cast<int>(room.bottom * pixels.height)});
      if (!ink.empty() && ink.bottom - ink.top >= kLeastFigure * pixels.height) return ink;
    }
    return std::nullopt;
  }

  static double UsualHeight(const std::vector<TextBlock>& blocks) {
    std::vector<double> heights;
    for (const TextBlock& block : blocks) heights.insert(heights.end(), block.lines.size(), block.line_height);
    if (heights.empty()) return 0;
    std::nth_element(heights.begin(), heights.begin() + heights.size() / 2, heights.end());
    return heights[heights.size() / 2];
  }

  const WireRequest& request_;
  DocumentWriter& document_;
  double aspect_ = 1;  // Of the page: its height over its width.
  int tables_ = 0;     // Captions of tables on it, so far.
};

// The next picture of `ppm`, taken off it. (netpbm, ppm(5): P6, a maximum of 255, no comments)
std::optional<Pixels> TakePicture(absl::string_view* ppm, int64_t max_pixels) {
  int64_t numbers[3] = {0, 0, 0};
  absl::string_view rest = *ppm;
  if (!absl::ConsumePrefix(&rest, "P6")) return std::nullopt;
  for (int64_t& number : numbers) {
    rest = absl::StripLeadingAsciiWhitespace(rest);
    size_t digits = 0;
    while (digits < rest.size() && absl::ascii_isdigit(static_cast<unsigned char>(rest[digits])) && digits < 9) {
      number = 10 * number + (rest[digits++] - '0');
    }
    if (digits == 0) return std::nullopt;
    rest.remove_prefix(digits);
  }
  if (rest.empty() || numbers[0] < 1 || numbers[1] < 1 || numbers[0] * numbers[1] > max_pixels || numbers[2] != 255) {
    return std::nullopt;
  }
  rest.remove_prefix(1);
  const size_t bytes = static_cast<size_t>(3 * numbers[0] * numbers[1]);
  if (rest.size() < bytes) return std::nullopt;
  *ppm = rest.substr(bytes);
  return Pixels{static_cast<int>(numbers[0]), static_cast<int>(numbers[1]), rest.substr(0, bytes)};
}

}  // namespace

absl::Status DecodePdfPages(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, content.ReadEverything(kMostBytes, "pages of a PDF"));
  PdfPagesHeader header;
  if (bytes.size() < sizeof(header)) return Damaged();
  std::memcpy(&header, bytes.data(), sizeof(header));
  const size_t rest = bytes.size() - sizeof(header);
  if (std::memcmp(header.magic, kPdfPagesMagic, sizeof(header.magic)) != 0 || header.text_bytes > rest)
    return Damaged();
  pugi::xml_document words;
  // No document types: entities beyond those of XML itself stay as they are.
  const auto parsed =
      words.load_buffer(bytes.data() + sizeof(header), header.text_bytes, pugi::parse_default, pugi::encoding_utf8);
  const pugi::xml_node pages = words.child("html").child("body").child("doc");
  if (!parsed || !pages) return Damaged();
  absl::string_view pictures = absl::string_view(bytes).substr(sizeof(header) + header.text_bytes);
  DocumentWriter document(request);
  PageReader reader(request, &document);
  int number = request.first_page;
  for (const pugi::xml_node& page : pages.children("page")) {
    const std::optional<Pixels> pixels = TakePicture(&pictures, request.max_pixels);
    if (!pixels.has_value()) return Damaged();
    MIXMATCH_RETURN_IF_ERROR(reader.Read(page, number++, *pixels));
  }
  return document.Finish("application/pdf", writer);
}

}  // namespace mixmatch::model
