// Office documents, OpenDocuments and EPUBs by what is inside: an archive that fits is made around the files, so that
// no checksum and no compression hides them. A file's name and its bytes are parted by 0x1f, files by 0x1e.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "model/media/wire_request.h"
#include "tests/fuzz/decode.h"
#include "tests/fuzz/target.h"
#include "tests/model/media/zip_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::pair<std::string, std::string>> files;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const absl::string_view file : absl::StrSplit(bytes, '\x1e')) {
    files.push_back(absl::StrSplit(file, absl::MaxSplits('\x1f', 1)));
  }
  mixmatch::model::DecodeAndCut(mixmatch::model::MakeZip(files),
                                mixmatch::model::RequestOf(mixmatch::model::SmallLimits(), ""));
  return 0;
}
