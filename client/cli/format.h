// Items, events and messages as text, for people and for programs. Names from the server are hostile.
#ifndef MIXMATCH_CLIENT_CLI_FORMAT_H_
#define MIXMATCH_CLIENT_CLI_FORMAT_H_

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::client {

// One line of proto3 JSON with the proto's field names, without the line's end.
std::string Json(const google::protobuf::Message& message);
// `text` as a JSON string with its quotes.
std::string JsonString(absl::string_view text);

// `text` with what could steer a terminal replaced by "?": C0 and C1 control characters, DEL and text direction marks;
// broken UTF-8 too. Safe in one line of a table.
std::string Printable(absl::string_view text);
// `text` with & < > " ' as entities and broken UTF-8 replaced: safe in HTML text and in quoted attributes.
std::string HtmlEscape(absl::string_view text);

// "image", "video", ...; "any" for the unspecified.
std::string ModalityName(v1::Modality modality);
// False if there is no such name; "any" is MODALITY_UNSPECIFIED.
bool ParseModality(absl::string_view name, v1::Modality& modality);

// "12 B", "3.4 MiB".
std::string Bytes(uint64_t bytes);
// Where it is, what it is to its item, and the snippet of a text or table: "page 12, figure", "0:03.5-0:07.0",
// "page 3, caption: A red engine", "rows 1-50: bird | calls", "The crow calls."; "" of a whole picture.
std::string PartText(const v1::Part& part);
// "key=value key=value".
std::string MetadataText(const v1::Item& item);

// A table of columns as wide as their content.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  // Cells are made printable here.
  void Add(std::vector<std::string> cells);
  void Print(std::ostream& out, bool color) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_FORMAT_H_
