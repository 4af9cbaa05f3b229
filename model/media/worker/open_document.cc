#include "model/media/worker/open_document.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/media/worker/office_blocks.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int kMostParents = 16;  // Of a style.
constexpr int64_t kMostSpaces = 100;
constexpr int64_t kMostRepeats = 1 << 20;  // Of a cell; more than a row may hold.

class OpenDocumentReader {
 public:
  OpenDocumentReader(ZipFile* zip, const WireRequest& request, DocumentWriter* document)
      : zip_(zip), request_(request), document_(*document), blocks_(document) {}

  absl::Status Read() {
    XmlFile content;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, "content.xml", request_, &content));
    if (zip_->Has("styles.xml")) {
      XmlFile styles;
      MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, "styles.xml", request_, &styles));
      AddStyles(Child(styles.root(), "styles"));
    }
    AddStyles(Child(content.root(), "automatic-styles"));
    for (const pugi::xml_node& kind : Child(content.root(), "body").children()) {
      const bool sheets = Is(kind, "spreadsheet");
      const auto marks_page = [](const pugi::xml_node& node) { return Is(node, "soft-page-break"); };
      if (Is(kind, "text") && !kind.find_node(marks_page).empty()) document_.SetPage(page_ = 1);
      MIXMATCH_RETURN_IF_ERROR(Walk(kind, 0, sheets));
    }
    return absl::OkStatus();
  }

 private:
  void AddStyles(const pugi::xml_node& styles) {
    for (const pugi::xml_node& style : styles.children()) {
      const absl::string_view parent = Attribute(style, "parent-style-name");
      if (Is(style, "style") && !parent.empty()) parents_[std::string(Attribute(style, "name"))] = std::string(parent);
    }
  }

  // Whether it is the style `wanted` or inherits from it.
  bool HasStyle(const pugi::xml_node& paragraph, absl::string_view wanted) const {
    absl::string_view name = Attribute(paragraph, "style-name");
    for (int i = 0; i < kMostParents; ++i) {
      if (name == wanted) return true;
      const auto parent = parents_.find(name);
      if (parent == parents_.end()) return false;
      name = parent->second;
    }
    return false;
  }

  absl::Status Walk(const pugi::xml_node& node, int depth, bool sheets) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& child : node.children()) {
      const absl::string_view name = NameOf(child);
      if (name == "h" || name == "p") {
        MIXMATCH_RETURN_IF_ERROR(Paragraph(child, depth + 1, name == "h"));
      } else if (name == "table") {
        if (sheets) document_.SetPage(++page_);
        MIXMATCH_RETURN_IF_ERROR(Table(child, depth + 1));
      } else if (name == "page") {
        document_.SetPage(++page_);
        MIXMATCH_RETURN_IF_ERROR(Walk(child, depth + 1, sheets));
      } else if (name == "frame") {
        MIXMATCH_RETURN_IF_ERROR(Frame(child, depth + 1));
      } else if (name == "soft-page-break") {
        document_.SetPage(++page_);
      } else if (name != "tracked-changes" && name != "annotation" && name != "forms") {
        MIXMATCH_RETURN_IF_ERROR(Walk(child, depth + 1, sheets));
      }
    }
    return absl::OkStatus();
  }

  // What a paragraph holds besides its words comes before them.
  absl::Status Paragraph(const pugi::xml_node& node, int depth, bool heading) {
    std::string words;
    std::vector<pugi::xml_node> frames;
    MIXMATCH_RETURN_IF_ERROR(Collect(node, depth, &words, &frames));
    for (const pugi::xml_node& frame : frames) MIXMATCH_RETURN_IF_ERROR(Frame(frame, depth + 1));
    if (heading || in_title_ || HasStyle(node, "Title")) return blocks_.Heading(words);
    if (HasStyle(node, "Caption")) return blocks_.Caption(words, IsBeforeTable(node));
    return blocks_.Text(words);
  }

  static bool IsBeforeTable(const pugi::xml_node& paragraph) {
    pugi::xml_node next = paragraph.next_sibling();
    while (next && next.type() != pugi::node_element) next = next.next_sibling();
    return Is(next, "table");
  }

  absl::Status Collect(const pugi::xml_node& node, int depth, std::string* words, std::vector<pugi::xml_node>* frames) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& child : node.children()) {
      const absl::string_view name = NameOf(child);
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        *words += child.value();
      } else if (name == "s") {
        words->append(std::clamp<int64_t>(NumberOf(Attribute(child, "c"), 1), 1, kMostSpaces), ' ');
      } else if (name == "tab" || name == "line-break") {
        *words += ' ';
      } else if (name == "soft-page-break") {
        document_.SetPage(++page_);
      } else if (name == "frame") {
        frames->push_back(child);
      } else if (name != "annotation" && name != "note-citation" && name != "bookmark-start") {
        MIXMATCH_RETURN_IF_ERROR(Collect(child, depth + 1, words, frames));
      }
    }
    return absl::OkStatus();
  }

  // The first of the forms of a picture that can be read; or a box of text; or a table.
  absl::Status Frame(const pugi::xml_node& frame, int depth) {
    std::string alternative = Child(frame, "desc").child_value();
    if (alternative.empty()) alternative = Child(frame, "title").child_value();
    const int before = document_.described();
    const bool outer_title = std::exchange(in_title_, Attribute(frame, "class") == "title");
    for (const pugi::xml_node& child : frame.children()) {
      if (Is(child, "image")) {
        if (document_.described() > before) continue;
        MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(zip_, Resolved("", Attribute(child, "href"))));
        MIXMATCH_RETURN_IF_ERROR(blocks_.Figure(std::move(bytes), alternative));
      } else if (Is(child, "text-box")) {
        MIXMATCH_RETURN_IF_ERROR(Walk(child, depth + 1, false));
      } else if (Is(child, "table")) {
        MIXMATCH_RETURN_IF_ERROR(Table(child, depth + 1));
      }
    }
    in_title_ = outer_title;
    return absl::OkStatus();
  }

  absl::Status CollectRows(const pugi::xml_node& node, int depth, Grid* grid, std::vector<pugi::xml_node>* frames) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& child : node.children()) {
      const absl::string_view name = NameOf(child);
      if (name == "table-row") {
        MIXMATCH_RETURN_IF_ERROR(AddRow(child, depth + 1, grid, frames));
      } else if (name == "table-header-rows" || name == "table-rows" || name == "table-row-group") {
        MIXMATCH_RETURN_IF_ERROR(CollectRows(child, depth + 1, grid, frames));
      } else if (name == "shapes") {
        for (const pugi::xml_node& shape : child.children()) {
          if (Is(shape, "frame")) frames->push_back(shape);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddRow(const pugi::xml_node& row, int depth, Grid* grid, std::vector<pugi::xml_node>* frames) {
    std::vector<std::string> cells;
    int64_t blank = 0;  // Cells since the last one that holds something.
    for (const pugi::xml_node& cell : row.children()) {
      if (!Is(cell, "table-cell") && !Is(cell, "covered-table-cell")) continue;
      const int64_t times = std::clamp<int64_t>(NumberOf(Attribute(cell, "number-columns-repeated"), 1), 1, kMostRepeats);
      std::string words;
      for (const pugi::xml_node& piece : cell.children()) {
        if (Is(piece, "frame")) frames->push_back(piece);
        if (!Is(piece, "p") && !Is(piece, "h") && !Is(piece, "list")) continue;
        MIXMATCH_RETURN_IF_ERROR(Collect(piece, depth + 2, &words, frames));
        words += ' ';
      }
      words = Folded(words);
      if (words.empty()) {
        blank = std::min(blank + times, kMostRepeats);
        continue;
      }
      if (static_cast<int64_t>(cells.size()) + blank + times > request_.max_columns) {
        return absl::ResourceExhaustedError(absl::StrCat("content: got a table of more than ", request_.max_columns,
                                                         " columns, wanted at most that many (--max-columns)"));
      }
      cells.resize(cells.size() + blank);
      blank = 0;
      cells.insert(cells.end(), times, words);
    }
    if (cells.empty()) return absl::OkStatus();
    const int64_t times = std::max<int64_t>(1, NumberOf(Attribute(row, "number-rows-repeated"), 1));
    if (times > 4 * request_.max_cells || (slots_ += times * static_cast<int64_t>(cells.size())) > 4 * request_.max_cells) {
      return absl::ResourceExhaustedError(absl::StrCat("content: got tables of more than ", request_.max_cells,
                                                       " cells (--max-cells); cut them into smaller ones"));
    }
    grid->insert(grid->end(), times, cells);
    return absl::OkStatus();
  }

  absl::Status Table(const pugi::xml_node& table, int depth) {
    Grid grid;
    std::vector<pugi::xml_node> frames;
    MIXMATCH_RETURN_IF_ERROR(CollectRows(table, depth, &grid, &frames));
    MIXMATCH_RETURN_IF_ERROR(Straighten(request_.max_cells, &grid));
    MIXMATCH_RETURN_IF_ERROR(blocks_.Table(std::move(grid), Attribute(table, "name")));
    for (const pugi::xml_node& frame : frames) MIXMATCH_RETURN_IF_ERROR(Frame(frame, depth + 1));
    return absl::OkStatus();
  }

  ZipFile* const zip_;
  const WireRequest& request_;
  DocumentWriter& document_;
  OfficeBlocks blocks_;
  absl::flat_hash_map<std::string, std::string> parents_;  // Of styles.
  int page_ = 0;
  bool in_title_ = false;
  int64_t slots_ = 0;  // Cells so far, with the empty ones before others.
};

bool IsEncrypted(ZipFile* zip) {
  const auto manifest = zip->Read("META-INF/manifest.xml");
  return manifest.ok() && absl::StrContains(*manifest, "encryption-data");
}

}  // namespace

bool IsOpenDocument(absl::string_view media_type) {
  for (absl::string_view kind : {"text", "spreadsheet", "presentation", "graphics"}) {
    if (media_type == absl::StrCat("application/vnd.oasis.opendocument.", kind)) return true;
  }
  return false;
}

absl::Status AddOpenDocument(ZipFile* zip, const WireRequest& request, DocumentWriter* document) {
  if (IsEncrypted(zip)) {
    return absl::InvalidArgumentError("content: got an encrypted document, wanted one that opens without a password");
  }
  return OpenDocumentReader(zip, request, document).Read();
}

}  // namespace mixmatch::model
