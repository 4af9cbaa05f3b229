#include "model/media/worker/epub.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/media/worker/html.h"
#include "model/media/worker/xml.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

// "a%20b" as "a b".
std::string Unescaped(absl::string_view link) {
  std::string plain;
  for (size_t i = 0; i < link.size(); ++i) {
    const absl::string_view digits = link.substr(i, 3);
    if (digits.size() == 3 && digits[0] == '%' && absl::ascii_isxdigit(static_cast<unsigned char>(digits[1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(digits[2]))) {
      plain += absl::HexStringToBytes(digits.substr(1));
      i += 2;
    } else {
      plain += link[i];
    }
  }
  return plain;
}

bool IsVoid(absl::string_view name) {
  static constexpr absl::string_view kVoid[] = {"area", "base", "br",   "col",  "embed", "hr",    "img",
                                                "input", "link", "meta", "source", "track", "wbr"};
  for (absl::string_view one : kVoid) {
    if (name == one) return true;
  }
  return false;
}

// "<title/>" as "<title></title>": the HTML parser takes the former for a beginning without an end.
std::string WithEndTags(absl::string_view xhtml) {
  std::string html;
  html.reserve(xhtml.size());
  size_t told = 0;
  for (size_t at = xhtml.find('<'); at != absl::string_view::npos; at = xhtml.find('<', at)) {
    const size_t begin = ++at;
    if (at >= xhtml.size() || !absl::ascii_isalpha(static_cast<unsigned char>(xhtml[at]))) continue;
    char quote = 0;
    for (; at < xhtml.size() && (quote != 0 || xhtml[at] != '>'); ++at) {
      if (quote != 0) {
        quote = xhtml[at] == quote ? 0 : quote;
      } else if (xhtml[at] == '"' || xhtml[at] == '\'') {
        quote = xhtml[at];
      }
    }
    if (at >= xhtml.size()) break;
    const absl::string_view tag = xhtml.substr(begin, at - begin);
    const absl::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    if (!absl::EndsWith(tag, "/") || IsVoid(name)) continue;
    absl::StrAppend(&html, xhtml.substr(told, at - 1 - told), "></", name, ">");
    told = at + 1;
  }
  absl::StrAppend(&html, xhtml.substr(told));
  return html;
}

bool HasWord(absl::string_view words, absl::string_view wanted) {
  for (absl::string_view word : absl::StrSplit(words, ' ', absl::SkipWhitespace())) {
    if (word == wanted) return true;
  }
  return false;
}

struct Book {
  std::vector<std::string> chapters;
  std::string cover;
};

absl::Status ReadBook(ZipFile* zip, const WireRequest& request, Book* book) {
  XmlFile container, package;
  MIXMATCH_RETURN_IF_ERROR(ReadXml(zip, "META-INF/container.xml", request, &container));
  const std::string path(Attribute(Child(container.root(), "rootfiles", "rootfile"), "full-path"));
  MIXMATCH_RETURN_IF_ERROR(ReadXml(zip, path, request, &package));
  std::string cover_id;  // As EPUB 2 names it.
  for (const pugi::xml_node& meta : Child(package.root(), "metadata").children()) {
    if (Attribute(meta, "name") == "cover") cover_id = std::string(Attribute(meta, "content"));
  }
  std::map<std::string, std::string, std::less<>> files;
  for (const pugi::xml_node& item : Child(package.root(), "manifest").children()) {
    if (!Is(item, "item") || HasWord(Attribute(item, "properties"), "nav")) continue;
    std::string file = Resolved(path, Unescaped(Attribute(item, "href")));
    const absl::string_view id = Attribute(item, "id");
    if (HasWord(Attribute(item, "properties"), "cover-image") || (!cover_id.empty() && id == cover_id)) book->cover = file;
    files[std::string(id)] = std::move(file);
  }
  for (const pugi::xml_node& chapter : Child(package.root(), "spine").children()) {
    const auto found = files.find(Attribute(chapter, "idref"));
    if (found != files.end()) book->chapters.push_back(found->second);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddEpub(ZipFile* zip, const WireRequest& request, DocumentWriter* document) {
  Book book;
  MIXMATCH_RETURN_IF_ERROR(ReadBook(zip, request, &book));
  if (!book.cover.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(zip, book.cover));
    MIXMATCH_RETURN_IF_ERROR(document->Cover(std::move(bytes)));
  }
  int page = 0;
  for (const std::string& chapter : book.chapters) {
    document->SetPage(++page);
    auto bytes = zip->Read(chapter);
    if (absl::IsNotFound(bytes.status())) continue;
    MIXMATCH_RETURN_IF_ERROR(bytes.status());
    absl::Status limit;
    const PictureOf picture = [&](absl::string_view link) {
      if (absl::StartsWithIgnoreCase(link, "data:")) return DataUriBytes(link);
      auto file = ReadPicture(zip, Resolved(chapter, Unescaped(link)));
      if (absl::IsResourceExhausted(file.status())) limit = file.status();
      return file.ok() ? *std::move(file) : std::string();
    };
    MIXMATCH_RETURN_IF_ERROR(AddHtml(WithEndTags(*bytes), picture, document));
    MIXMATCH_RETURN_IF_ERROR(limit);
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
