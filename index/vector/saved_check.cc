#include "index/vector/saved_check.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "index/vector/manifest_file.h"

namespace mixmatch::index {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr std::array<const char*, 4> kRegions = {"ids", "vectors", "codes", "links"};

}  // namespace

std::vector<absl::Status> CheckSaved(absl::string_view directory, const std::function<bool()>& go_on) {
  const auto manifest = ReadManifest(std::string(directory));
  if (!manifest.ok()) return {manifest.status()};
  std::vector<absl::Status> damage;
  std::string piece(kPieceBytes, '\0');
  for (const SegmentFileEntry& entry : manifest->files) {
    const std::string path = absl::StrCat(directory, "/", entry.name);
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
      damage.push_back(Damaged(path, "it is gone"));
      continue;
    }
    uint64_t at = 0;
    for (size_t i = 0; i < entry.regions.size(); ++i) {
      const FileRegion& region = entry.regions[i];
      Sha256 hash;
      bool read = true;
      for (uint64_t left = region.bytes; left > 0 && read;) {
        if (!go_on()) return damage;
        const size_t size = static_cast<size_t>(std::min<uint64_t>(left, piece.size()));
        read = ReadAt(file.get(), at, piece.data(), size);
        hash.Add(piece.data(), size);
        at += size;
        left -= size;
      }
      if (!read) {
        damage.push_back(Damaged(path, "it is cut short"));
        break;
      }
      if (region.bytes > 0 && hash.Finish() != region.sha256) {
        damage.push_back(Damaged(path, absl::StrCat("the region of ", kRegions[i], " is not what was written")));
      }
    }
  }
  return damage;
}

}  // namespace mixmatch::index
