#include "model/media/worker/slides.h"

#include <algorithm>
#include <utility>

#include "model/media/worker/office_blocks.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

class SlideReader {
 public:
  SlideReader(double width, double height, ZipFile* zip, const WireRequest& request, DocumentWriter* document)
      : width_(width), height_(height), zip_(zip), request_(request), document_(*document), blocks_(document) {}

  absl::Status Read(const std::string& path, int page) {
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    relationships_ = {};
    MIXMATCH_RETURN_IF_ERROR(Relationships::Read(zip_, path, request_, &relationships_));
    document_.SetPage(page);
    const pugi::xml_node tree = Child(file.root(), "cSld", "spTree");
    MIXMATCH_RETURN_IF_ERROR(Shapes(tree, 0, /*titles=*/true));
    MIXMATCH_RETURN_IF_ERROR(Shapes(tree, 0, /*titles=*/false));
    document_.SetBox(0, 0, 0, 0);
    return Notes(relationships_.TargetOfType("/notesSlide"));
  }

 private:
  static absl::string_view PlaceOf(const pugi::xml_node& shape) {
    return Attribute(Child(shape, "nvSpPr", "nvPr", "ph"), "type");
  }

  static bool IsTitle(const pugi::xml_node& shape) { return PlaceOf(shape) == "title" || PlaceOf(shape) == "ctrTitle"; }

  // Titles wherever they stand, or all the rest.
  absl::Status Shapes(const pugi::xml_node& tree, int depth, bool titles) {
    if (depth > kMostXmlDepth) return XmlTooDeep();
    for (const pugi::xml_node& shape : tree.children()) {
      const absl::string_view name = NameOf(shape);
      if (name == "grpSp") {
        MIXMATCH_RETURN_IF_ERROR(Shapes(shape, depth + 1, titles));
      } else if (name == "AlternateContent") {
        MIXMATCH_RETURN_IF_ERROR(Shapes(Child(shape, "Choice"), depth + 1, titles));
      } else if (name == "sp" && IsTitle(shape) == titles) {
        SetBox(shape, depth);
        MIXMATCH_RETURN_IF_ERROR(Words(shape, titles));
      } else if (name == "pic" && !titles) {
        SetBox(shape, depth);
        MIXMATCH_RETURN_IF_ERROR(Picture(shape));
      } else if (name == "graphicFrame" && !titles) {
        SetBox(shape, depth);
        MIXMATCH_RETURN_IF_ERROR(Table(Child(shape, "graphic", "graphicData", "tbl")));
      }
    }
    return absl::OkStatus();
  }

  // Places in a group are its own.
  void SetBox(const pugi::xml_node& shape, int depth) {
    pugi::xml_node place = Child(shape, "spPr", "xfrm");
    if (!place) place = Child(shape, "xfrm");
    const pugi::xml_node at = Child(place, "off"), size = Child(place, "ext");
    const auto share = [](double value, double whole) { return static_cast<float>(std::clamp(value / whole, 0.0, 1.0)); };
    const auto x = static_cast<double>(NumberOf(Attribute(at, "x"), 0)), y = static_cast<double>(NumberOf(Attribute(at, "y"), 0));
    const auto w = static_cast<double>(NumberOf(Attribute(size, "cx"), 0));
    const auto h = static_cast<double>(NumberOf(Attribute(size, "cy"), 0));
    if (depth > 0 || width_ <= 0 || height_ <= 0 || w <= 0 || h <= 0) return document_.SetBox(0, 0, 0, 0);
    document_.SetBox(share(x, width_), share(y, height_), share(x + w, width_), share(y + h, height_));
  }

  static void AppendWords(const pugi::xml_node& paragraph, std::string* words) {
    for (const pugi::xml_node& run : paragraph.children()) {
      if (Is(run, "r") || Is(run, "fld")) *words += Child(run, "t").child_value();
      if (Is(run, "br")) *words += ' ';
    }
  }

  // A text body is one text: its paragraphs are the points of a list more often than not.
  static std::string WordsOf(const pugi::xml_node& body) {
    std::string words;
    for (const pugi::xml_node& paragraph : body.children()) {
      if (!Is(paragraph, "p")) continue;
      AppendWords(paragraph, &words);
      words += '\n';
    }
    return words;
  }

  absl::Status Words(const pugi::xml_node& shape, bool title) {
    const absl::string_view place = PlaceOf(shape);
    if (place == "sldNum" || place == "dt" || place == "ftr") return absl::OkStatus();
    const std::string words = WordsOf(Child(shape, "txBody"));
    return title ? blocks_.Heading(words) : blocks_.Text(words);
  }

  absl::Status Picture(const pugi::xml_node& shape) {
    const absl::string_view id = Attribute(Child(shape, "blipFill", "blip"), "embed");
    MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(zip_, relationships_.Target(id)));
    return blocks_.Figure(std::move(bytes), Attribute(Child(shape, "nvPicPr", "cNvPr"), "descr"));
  }

  absl::Status Table(const pugi::xml_node& table) {
    Grid grid;
    for (const pugi::xml_node& row : table.children()) {
      if (!Is(row, "tr")) continue;
      grid.emplace_back();
      for (const pugi::xml_node& cell : row.children()) {
        if (Is(cell, "tc")) grid.back().push_back(Folded(WordsOf(Child(cell, "txBody"))));
      }
    }
    MIXMATCH_RETURN_IF_ERROR(Straighten(request_.max_cells, &grid));
    return blocks_.Table(std::move(grid), "");
  }

  absl::Status Notes(const std::string& path) {
    if (path.empty() || !zip_->Has(path)) return absl::OkStatus();
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    for (const pugi::xml_node& shape : Child(file.root(), "cSld", "spTree").children()) {
      if (Is(shape, "sp") && PlaceOf(shape) == "body") MIXMATCH_RETURN_IF_ERROR(Words(shape, /*title=*/false));
    }
    return absl::OkStatus();
  }

  const double width_, height_;
  ZipFile* const zip_;
  const WireRequest& request_;
  DocumentWriter& document_;
  OfficeBlocks blocks_;
  Relationships relationships_;  // Of the slide.
};

}  // namespace

absl::Status AddSlides(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                       const WireRequest& request, DocumentWriter* document) {
  const pugi::xml_node size = Child(root, "sldSz");
  SlideReader reader(static_cast<double>(NumberOf(Attribute(size, "cx"), 0)),
                     static_cast<double>(NumberOf(Attribute(size, "cy"), 0)), zip, request, document);
  int page = 0;
  for (const pugi::xml_node& slide : Child(root, "sldIdLst").children()) {
    if (!Is(slide, "sldId")) continue;
    MIXMATCH_RETURN_IF_ERROR(reader.Read(relationships.Target(RelationshipId(slide)), ++page));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
