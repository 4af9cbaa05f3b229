// XML parts of documents, by local names: the prefixes of namespaces are the writer's choice.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_XML_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_XML_H_

#include <pugixml.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mixmatch::model {

inline constexpr int kMostXmlDepth = 1'000;  // Of elements that we walk through.

// Parses in place; `bytes` must outlive the document. No DTD is read and no entity but XML's own five is known.
// INVALID_ARGUMENT if it is not well-formed.
absl::Status ParseXml(std::string* bytes, pugi::xml_document* document);

absl::Status XmlTooDeep();

// Without prefix.
absl::string_view NameOf(const pugi::xml_node& node);
bool Is(const pugi::xml_node& node, absl::string_view name);

// The first child element of that name; a null node if there is none.
pugi::xml_node Child(const pugi::xml_node& node, absl::string_view name);

// Down a path of first children.
template <typename... Names>
pugi::xml_node Child(const pugi::xml_node& node, absl::string_view name, Names... names) {
  return Child(Child(node, name), names...);
}

// The value of an attribute; empty if there is none.
absl::string_view Attribute(const pugi::xml_node& node, absl::string_view name);

// A whole number, or `otherwise`.
int64_t NumberOf(absl::string_view text, int64_t otherwise);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_XML_H_
