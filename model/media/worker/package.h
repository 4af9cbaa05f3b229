// Documents that are ZIP archives of XML and pictures: which one it is, and how its files refer to each other.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_PACKAGE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_PACKAGE_H_

#include <map>
#include <pugixml.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"
#include "model/media/worker/zip_file.h"

namespace mixmatch::model {

// A file of XML while it is looked at.
struct XmlFile {
  std::string bytes;  // Held by `document`.
  pugi::xml_document document;

  pugi::xml_node root() const { return document.document_element(); }
};

// INVALID_ARGUMENT if the file is missing or no XML; RESOURCE_EXHAUSTED beyond max_table_bytes.
absl::Status ReadXml(ZipFile* zip, absl::string_view name, const WireRequest& request, XmlFile* file);

// The name that `target` means in a file called `from`: "word/document.xml" and "../media/a.png" give "media/a.png". A
// fragment is dropped; what leads out of the archive ends at its root.
std::string Resolved(absl::string_view from, absl::string_view target);

// The relationships of a file of Office Open XML (ECMA-376 part 2, 9.3).
class Relationships {
 public:
  // None where it has none.
  static absl::Status Read(ZipFile* zip, absl::string_view of, const WireRequest& request, Relationships* relationships);

  // The file behind an id; empty if there is none or it is not in the archive.
  std::string Target(absl::string_view id) const;
  // The first file of a type that ends so; empty if there is none.
  std::string TargetOfType(absl::string_view ending) const;

 private:
  struct Relationship {
    std::string type;
    std::string target;
  };
  std::map<std::string, Relationship, std::less<>> by_id_;
};

// The attribute "r:id" beside which there may be an "id" of another kind.
absl::string_view RelationshipId(const pugi::xml_node& node);

// The bytes of a picture, empty if it is not there. Limits stay errors.
absl::StatusOr<std::string> ReadPicture(ZipFile* zip, absl::string_view name);

// Writes the document (Office Open XML, OpenDocument, EPUB) and the end of the response, or returns why not.
// UNIMPLEMENTED for other archives.
absl::Status DecodePackage(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_PACKAGE_H_
