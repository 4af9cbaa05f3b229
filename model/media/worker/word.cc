#include "model/media/worker/word.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "model/media/worker/office_blocks.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

enum class Style { kPlain, kHeading, kCaption };

Style StyleNamed(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  if (absl::StartsWith(lower, "heading") || lower == "title") return Style::kHeading;
  return lower == "caption" ? Style::kCaption : Style::kPlain;
}

bool HasPageMarks(const pugi::xml_node& root) {
  return !root.find_node([](const pugi::xml_node& node) { return Is(node, "lastRenderedPageBreak"); }).empty();
}

class WordReader {
 public:
  WordReader(const Relationships& relationships, ZipFile* zip, DocumentWriter* document)
      : relationships_(relationships), zip_(zip), document_(*document), blocks_(document) {}

  // Names do not change with the language of the program, ids do.
  absl::Status ReadStyles(const WireRequest& request) {
    const std::string path = relationships_.TargetOfType("/styles");
    if (path.empty() || !zip_->Has(path)) return absl::OkStatus();
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request, &file));
    for (const pugi::xml_node& style : file.root().children()) {
      if (!Is(style, "style")) continue;
      styles_[std::string(Attribute(style, "styleId"))] = StyleNamed(Attribute(Child(style, "name"), "val"));
    }
    return absl::OkStatus();
  }

  absl::Status Read(const pugi::xml_node& root) {
    if (HasPageMarks(root)) document_.SetPage(page_ = 1);
    return Walk(Child(root, "body"), 0);
  }

 private:
  struct Inside {
    std::string file;
    std::string alternative;
  };

  absl::Status Walk(const pugi::xml_node& node, int depth) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& child : node.children()) {
      const absl::string_view name = NameOf(child);
      if (name == "p") {
        MIXMATCH_RETURN_IF_ERROR(Paragraph(child, depth + 1));
      } else if (name == "tbl") {
        MIXMATCH_RETURN_IF_ERROR(Table(child, depth + 1));
      } else if (name != "sectPr" && name != "del" && name != "moveFrom") {
        MIXMATCH_RETURN_IF_ERROR(Walk(child, depth + 1));
      }
    }
    return absl::OkStatus();
  }

  Style StyleOf(const pugi::xml_node& paragraph) const {
    const absl::string_view id = Attribute(Child(paragraph, "pPr", "pStyle"), "val");
    const auto found = styles_.find(id);
    return found == styles_.end() ? StyleNamed(id) : found->second;
  }

  absl::Status Paragraph(const pugi::xml_node& node, int depth) {
    std::string words;
    std::vector<Inside> pictures;
    std::vector<pugi::xml_node> boxes;
    MIXMATCH_RETURN_IF_ERROR(Collect(node, depth, &words, &pictures, &boxes));
    for (Inside& picture : pictures) {
      MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(zip_, picture.file));
      MIXMATCH_RETURN_IF_ERROR(blocks_.Figure(std::move(bytes), picture.alternative));
    }
    for (const pugi::xml_node& box : boxes) MIXMATCH_RETURN_IF_ERROR(Walk(box, depth + 1));
    switch (StyleOf(node)) {
      case Style::kHeading: return blocks_.Heading(words);
      case Style::kCaption: return blocks_.Caption(words, IsBeforeTable(node));
      default: return blocks_.Text(words);
    }
  }

  static bool IsBeforeTable(const pugi::xml_node& paragraph) {
    pugi::xml_node next = paragraph.next_sibling();
    while (next && next.type() != pugi::node_element) next = next.next_sibling();
    return Is(next, "tbl");
  }

  // The words and pictures of a paragraph, and the boxes of text that hang on it.
  absl::Status Collect(const pugi::xml_node& node, int depth, std::string* words, std::vector<Inside>* pictures,
                       std::vector<pugi::xml_node>* boxes) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& child : node.children()) {
      const absl::string_view name = NameOf(child);
      if (name == "t") {
        *words += child.child_value();
      } else if (name == "tab" || name == "br" || name == "cr") {
        *words += ' ';
      } else if (name == "lastRenderedPageBreak") {
        document_.SetPage(++page_);
      } else if (name == "txbxContent") {
        boxes->push_back(child);
      } else if (name == "blip" || name == "imagedata") {
        const absl::string_view id = name == "blip" ? Attribute(child, "embed") : RelationshipId(child);
        pictures->push_back({relationships_.Target(id), alternative_});
      } else if (name != "Fallback" && name != "del" && name != "moveFrom" && name != "pPr") {
        if (name == "drawing") alternative_.clear();
        if (name == "docPr") alternative_ = std::string(Attribute(child, "descr"));
        MIXMATCH_RETURN_IF_ERROR(Collect(child, depth + 1, words, pictures, boxes));
      }
    }
    return absl::OkStatus();
  }

  // Tables that hold pictures or other tables only lay out a page.
  absl::Status Table(const pugi::xml_node& node, int depth) {
    Grid grid;
    bool plain = true;
    const int page = page_;
    for (const pugi::xml_node& row : node.children()) {
      if (!Is(row, "tr")) continue;
      grid.emplace_back();
      for (const pugi::xml_node& cell : row.children()) {
        if (!Is(cell, "tc")) continue;
        std::string words;
        std::vector<Inside> pictures;
        std::vector<pugi::xml_node> boxes;
        for (const pugi::xml_node& piece : cell.children()) {
          plain = plain && !Is(piece, "tbl");
          MIXMATCH_RETURN_IF_ERROR(Collect(piece, depth + 3, &words, &pictures, &boxes));
          words += ' ';
        }
        plain = plain && pictures.empty() && boxes.empty();
        grid.back().push_back(Folded(words));
      }
      plain = plain && grid.back().size() == grid.front().size();
    }
    if (plain) return blocks_.Table(std::move(grid), "");
    if (page > 0) document_.SetPage(page_ = page);
    return Walk(node, depth);
  }

  const Relationships& relationships_;
  ZipFile* const zip_;
  DocumentWriter& document_;
  OfficeBlocks blocks_;
  absl::flat_hash_map<std::string, Style> styles_;  // By id.
  std::string alternative_;                         // Of the drawing that we are in.
  int page_ = 0;
};

}  // namespace

absl::Status AddWord(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                     const WireRequest& request, DocumentWriter* document) {
  WordReader reader(relationships, zip, document);
  MIXMATCH_RETURN_IF_ERROR(reader.ReadStyles(request));
  return reader.Read(root);
}

}  // namespace mixmatch::model
