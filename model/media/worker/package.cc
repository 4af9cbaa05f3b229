#include "model/media/worker/package.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/media/worker/document_writer.h"
#include "model/media/worker/epub.h"
#include "model/media/worker/open_document.h"
#include "model/media/worker/sheets.h"
#include "model/media/worker/slides.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/word.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr char kOfficeType[] = "application/vnd.openxmlformats-officedocument.";

absl::Status DecodeOffice(ZipFile* zip, const WireRequest& request, ResponseWriter* writer) {
  Relationships relationships;
  MIXMATCH_RETURN_IF_ERROR(Relationships::Read(zip, "", request, &relationships));
  const std::string main = relationships.TargetOfType("/officeDocument");
  if (main.empty() || !zip->Has(main)) return UnsupportedContent("application/zip");
  XmlFile file;
  MIXMATCH_RETURN_IF_ERROR(ReadXml(zip, main, request, &file));
  Relationships of_main;
  MIXMATCH_RETURN_IF_ERROR(Relationships::Read(zip, main, request, &of_main));
  DocumentWriter document(request);
  const pugi::xml_node root = file.root();
  if (Is(root, "document")) {
    MIXMATCH_RETURN_IF_ERROR(AddWord(root, of_main, zip, request, &document));
    return document.Finish(absl::StrCat(kOfficeType, "wordprocessingml.document"), writer);
  }
  if (Is(root, "presentation")) {
    MIXMATCH_RETURN_IF_ERROR(AddSlides(root, of_main, zip, request, &document));
    return document.Finish(absl::StrCat(kOfficeType, "presentationml.presentation"), writer);
  }
  if (Is(root, "workbook")) {
    MIXMATCH_RETURN_IF_ERROR(AddSheets(root, of_main, zip, request, &document));
    return document.Finish(absl::StrCat(kOfficeType, "spreadsheetml.sheet"), writer);
  }
  return UnsupportedContent("application/zip");
}

}  // namespace

absl::Status ReadXml(ZipFile* zip, absl::string_view name, const WireRequest& request, XmlFile* file) {
  auto bytes = zip->Read(name);
  if (absl::IsNotFound(bytes.status())) {
    return absl::InvalidArgumentError("content: got a document without one of its files, wanted all; save it again");
  }
  MIXMATCH_RETURN_IF_ERROR(bytes.status());
  if (static_cast<int64_t>(bytes->size()) > request.max_table_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document with ", bytes->size(),
                                                     " bytes of XML in one file, wanted at most ", request.max_table_bytes,
                                                     " (--max-table-bytes); cut it into shorter ones"));
  }
  file->bytes = *std::move(bytes);
  return ParseXml(&file->bytes, &file->document);
}

std::string Resolved(absl::string_view from, absl::string_view target) {
  target = target.substr(0, target.find('#'));
  std::vector<absl::string_view> path;
  if (!absl::ConsumePrefix(&target, "/")) {
    const size_t folder = from.rfind('/');
    if (folder != absl::string_view::npos) path = absl::StrSplit(from.substr(0, folder), '/');
  }
  for (absl::string_view step : absl::StrSplit(target, '/')) {
    if (step.empty() || step == ".") continue;
    if (step != "..") {
      path.push_back(step);
    } else if (!path.empty()) {
      path.pop_back();
    }
  }
  return absl::StrJoin(path, "/");
}

absl::Status Relationships::Read(ZipFile* zip, absl::string_view of, const WireRequest& request,
                                 Relationships* relationships) {
  const size_t slash = of.rfind('/');
  const size_t name = slash == absl::string_view::npos ? 0 : slash + 1;
  const std::string path = absl::StrCat(of.substr(0, name), "_rels/", of.substr(name), ".rels");
  if (!zip->Has(path)) return absl::OkStatus();
  XmlFile file;
  MIXMATCH_RETURN_IF_ERROR(ReadXml(zip, path, request, &file));
  for (const pugi::xml_node& node : file.root().children()) {
    if (Attribute(node, "TargetMode") == "External") continue;
    relationships->by_id_[std::string(Attribute(node, "Id"))] = {std::string(Attribute(node, "Type")),
                                                                 Resolved(of, Attribute(node, "Target"))};
  }
  return absl::OkStatus();
}

std::string Relationships::Target(absl::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? "" : found->second.target;
}

std::string Relationships::TargetOfType(absl::string_view ending) const {
  for (const auto& [id, relationship] : by_id_) {
    if (absl::EndsWith(relationship.type, ending)) return relationship.target;
  }
  return "";
}

absl::string_view RelationshipId(const pugi::xml_node& node) {
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    if (absl::EndsWith(attribute.name(), ":id")) return attribute.value();
  }
  return {};
}

absl::StatusOr<std::string> ReadPicture(ZipFile* zip, absl::string_view name) {
  auto bytes = zip->Read(name);
  if (absl::IsNotFound(bytes.status())) return std::string();
  return bytes;
}

absl::Status DecodePackage(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(ZipFile zip, ZipFile::Open(content, request));
  if (zip.Has("_rels/.rels")) return DecodeOffice(&zip, request, writer);
  if (!zip.Has("mimetype")) return UnsupportedContent("application/zip");
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, zip.Read("mimetype"));
  const absl::string_view type = absl::StripAsciiWhitespace(bytes);
  DocumentWriter document(request);
  if (type == "application/epub+zip") {
    MIXMATCH_RETURN_IF_ERROR(AddEpub(&zip, request, &document));
  } else if (IsOpenDocument(type)) {
    MIXMATCH_RETURN_IF_ERROR(AddOpenDocument(&zip, request, &document));
  } else {
    return UnsupportedContent("application/zip");
  }
  return document.Finish(type, writer);
}

}  // namespace mixmatch::model
