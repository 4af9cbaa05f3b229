#include "model/media/worker/sheets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/media/worker/office_blocks.h"
#include "model/media/worker/sheet_dates.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

// "C7": 2; -1 if it names no column.
int64_t ColumnOf(absl::string_view reference) {
  int64_t column = 0;
  for (const char c : reference) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(c)) || column > 1'000'000) break;
    column = column * 26 + (c - 'A' + 1);
  }
  return column - 1;
}

// All runs of a string.
std::string WordsOf(const pugi::xml_node& string) {
  std::string words = Child(string, "t").child_value();
  for (const pugi::xml_node& run : string.children()) {
    if (Is(run, "r")) words += Child(run, "t").child_value();
  }
  return Folded(words);
}

class SheetReader {
 public:
  SheetReader(ZipFile* zip, const WireRequest& request, DocumentWriter* document)
      : zip_(zip), request_(request), document_(*document), blocks_(document) {}

  absl::Status ReadStrings(const std::string& path) {
    if (path.empty() || !zip_->Has(path)) return absl::OkStatus();
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    for (const pugi::xml_node& string : file.root().children()) {
      if (Is(string, "si")) strings_.push_back(WordsOf(string));
    }
    return absl::OkStatus();
  }

  absl::Status ReadStyles(const std::string& path, bool from_1904) {
    if (from_1904) dates_.CountFrom1904();
    if (path.empty() || !zip_->Has(path)) return absl::OkStatus();
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    dates_.ReadStyles(file.root());
    return absl::OkStatus();
  }

  absl::Status Read(const std::string& path, absl::string_view name, int page) {
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    if (!Is(file.root(), "worksheet")) return absl::OkStatus();  // A sheet of one chart.
    document_.SetPage(page);
    Grid grid;
    for (const pugi::xml_node& row : Child(file.root(), "sheetData").children()) {
      if (Is(row, "row")) MIXMATCH_RETURN_IF_ERROR(AddRow(row, &grid));
    }
    MIXMATCH_RETURN_IF_ERROR(Straighten(request_.max_cells, &grid));
    MIXMATCH_RETURN_IF_ERROR(blocks_.Table(std::move(grid), name));
    Relationships relationships;
    MIXMATCH_RETURN_IF_ERROR(Relationships::Read(zip_, path, request_, &relationships));
    const pugi::xml_node drawing = Child(file.root(), "drawing");
    return drawing ? Pictures(relationships.Target(RelationshipId(drawing))) : absl::OkStatus();
  }

 private:
  absl::Status AddRow(const pugi::xml_node& row, Grid* grid) {
    std::vector<std::string> cells;
    for (const pugi::xml_node& cell : row.children()) {
      if (!Is(cell, "c")) continue;
      const absl::string_view reference = Attribute(cell, "r");
      const int64_t column = reference.empty() ? static_cast<int64_t>(cells.size()) : ColumnOf(reference);
      if (column < 0) continue;
      std::string value = ValueOf(cell);
      if (value.empty()) continue;
      if (column >= request_.max_columns) {
        return absl::ResourceExhaustedError(absl::StrCat("content: got a sheet with something in column ", column + 1,
                                                         ", wanted at most ", request_.max_columns, " (--max-columns)"));
      }
      if (cells.size() <= static_cast<size_t>(column)) cells.resize(column + 1);
      cells[column] = std::move(value);
    }
    slots_ += static_cast<int64_t>(cells.size());
    if (slots_ > 4 * request_.max_cells) {
      return absl::ResourceExhaustedError(absl::StrCat("content: got sheets of more than ", request_.max_cells,
                                                       " cells (--max-cells); cut them into smaller ones"));
    }
    if (!cells.empty()) grid->push_back(std::move(cells));
    return absl::OkStatus();
  }

  std::string ValueOf(const pugi::xml_node& cell) const {
    const absl::string_view type = Attribute(cell, "t"), value = Child(cell, "v").child_value();
    if (type == "inlineStr") return WordsOf(Child(cell, "is"));
    if (type.empty() || type == "n") {
      std::string date = dates_.Show(value, NumberOf(Attribute(cell, "s"), 0));
      if (!date.empty()) return date;
    }
    if (type != "s") return Folded(value);
    const int64_t number = NumberOf(value, -1);
    return number >= 0 && number < static_cast<int64_t>(strings_.size()) ? strings_[number] : "";
  }

  absl::Status Pictures(const std::string& path) {
    if (path.empty() || !zip_->Has(path)) return absl::OkStatus();
    XmlFile file;
    MIXMATCH_RETURN_IF_ERROR(ReadXml(zip_, path, request_, &file));
    Relationships relationships;
    MIXMATCH_RETURN_IF_ERROR(Relationships::Read(zip_, path, request_, &relationships));
    for (const pugi::xml_node& anchor : file.root().children()) {
      const pugi::xml_node picture = Child(anchor, "pic");
      const absl::string_view id = Attribute(Child(picture, "blipFill", "blip"), "embed");
      if (id.empty()) continue;
      MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(zip_, relationships.Target(id)));
      MIXMATCH_RETURN_IF_ERROR(blocks_.Figure(std::move(bytes), Attribute(Child(picture, "nvPicPr", "cNvPr"), "descr")));
    }
    return absl::OkStatus();
  }

  ZipFile* const zip_;
  const WireRequest& request_;
  DocumentWriter& document_;
  OfficeBlocks blocks_;
  SheetDates dates_;
  std::vector<std::string> strings_;  // Shared by the sheets.
  int64_t slots_ = 0;                 // Cells so far, with the empty ones before others.
};

}  // namespace

absl::Status AddSheets(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                       const WireRequest& request, DocumentWriter* document) {
  SheetReader reader(zip, request, document);
  MIXMATCH_RETURN_IF_ERROR(reader.ReadStrings(relationships.TargetOfType("/sharedStrings")));
  const absl::string_view base = Attribute(Child(root, "workbookPr"), "date1904");
  MIXMATCH_RETURN_IF_ERROR(reader.ReadStyles(relationships.TargetOfType("/styles"), base == "1" || base == "true"));
  int page = 0;
  for (const pugi::xml_node& sheet : Child(root, "sheets").children()) {
    if (!Is(sheet, "sheet")) continue;
    MIXMATCH_RETURN_IF_ERROR(reader.Read(relationships.Target(RelationshipId(sheet)), Attribute(sheet, "name"), ++page));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
