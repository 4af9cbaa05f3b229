#include "model/media/worker/xml.h"

#include "absl/strings/numbers.h"

namespace mixmatch::model {
namespace {

absl::string_view Local(absl::string_view name) {
  const size_t colon = name.find(':');
  return colon == absl::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

absl::Status ParseXml(std::string* bytes, pugi::xml_document* document) {
  constexpr unsigned kHow = pugi::parse_default | pugi::parse_ws_pcdata;
  const pugi::xml_parse_result result = document->load_buffer_inplace(bytes->data(), bytes->size(), kHow);
  if (result.status == pugi::status_out_of_memory) {
    return absl::ResourceExhaustedError("content: took all the memory of a decoder; cut the document into shorter ones");
  }
  if (result) return absl::OkStatus();
  return absl::InvalidArgumentError("content: got a document with XML that is not well-formed; save it again");
}

absl::Status XmlTooDeep() {
  return absl::InvalidArgumentError("content: got a document with elements nested too deep, wanted at most 1,000; simplify it");
}

absl::string_view NameOf(const pugi::xml_node& node) { return Local(node.name()); }

bool Is(const pugi::xml_node& node, absl::string_view name) { return NameOf(node) == name; }

pugi::xml_node Child(const pugi::xml_node& node, absl::string_view name) {
  for (const pugi::xml_node& child : node.children()) {
    if (Is(child, name)) return child;
  }
  return {};
}

absl::string_view Attribute(const pugi::xml_node& node, absl::string_view name) {
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    if (Local(attribute.name()) == name) return attribute.value();
  }
  return {};
}

int64_t NumberOf(absl::string_view text, int64_t otherwise) {
  int64_t number;
  return absl::SimpleAtoi(text, &number) ? number : otherwise;
}

}  // namespace mixmatch::model
