#include "index/vector/manifest_file.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "index/vector/validate.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr char kMagic[] = "MMINDX02";
constexpr char kMagicWithChanges[] = "MMINDX03";  // Some files have tombstones or a breadth in the manifest.
constexpr char kName[] = "MANIFEST";

}  // namespace

absl::Status WriteManifest(const std::string& directory, const IndexManifest& manifest) {
  const bool changes = std::any_of(manifest.files.begin(), manifest.files.end(), [](const auto& f) { return f.ef > 0; });
  std::string bytes(changes ? kMagicWithChanges : kMagic, 8);
  auto number = [&](uint64_t value) { bytes.append(reinterpret_cast<const char*>(&value), 8); };
  number(manifest.generation);
  number(manifest.dim);
  number(manifest.files.size());
  for (const SegmentFileEntry& file : manifest.files) {
    number(file.name.size());
    bytes += file.name;
    number(file.live);
    for (const FileRegion& region : file.regions) {
      number(region.bytes);
      bytes += region.sha256;
    }
    if (!changes) continue;
    number(file.ef);
    number(file.dead.size());
    for (uint64_t word : file.dead) number(word);
  }
  bytes += HashOf(bytes);
  const std::string path = absl::StrCat(directory, "/", kName);
  const std::string fresh = path + ".new";
  FileWriter out(fresh);
  out.Write(bytes.data(), bytes.size());
  MIXMATCH_RETURN_IF_ERROR(out.Finish());
  if (rename(fresh.c_str(), path.c_str()) != 0) return FileError(path, "replace");
  return SyncDirectory(directory);
}

absl::StatusOr<IndexManifest> ReadManifest(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kName);
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const absl::string_view all = bytes;
  if (all.size() < kHashBytes || HashOf(all.substr(0, all.size() - kHashBytes)) != all.substr(all.size() - kHashBytes)) {
    return Damaged(path, "cut or altered");
  }
  Reader in(all.substr(0, all.size() - kHashBytes));
  const bool changes = absl::StartsWith(all, kMagicWithChanges);
  if (!in.Magic(changes ? kMagicWithChanges : kMagic)) return Damaged(path, "not a manifest of this version");
  IndexManifest manifest;
  manifest.generation = in.Scalar<uint64_t>();
  const uint64_t dim = in.Scalar<uint64_t>();
  if (dim < 1 || dim > static_cast<uint64_t>(kLargestDim)) return Damaged(path, "an impossible dimension");
  manifest.dim = static_cast<int>(dim);
  const uint64_t files = in.Scalar<uint64_t>();
  for (uint64_t i = 0; i < files && in.good(); ++i) {
    SegmentFileEntry entry;
    const std::vector<char> name = in.Array<char>(in.Scalar<uint64_t>());
    entry.name.assign(name.begin(), name.end());
    if (absl::StrContains(entry.name, "/")) return Damaged(path, "names a file elsewhere");
    entry.live = in.Scalar<uint64_t>();
    for (FileRegion& region : entry.regions) {
      region.bytes = in.Scalar<uint64_t>();
      const std::vector<char> hash = in.Array<char>(kHashBytes);
      region.sha256.assign(hash.begin(), hash.end());
    }
    if (changes) {
      entry.ef = static_cast<uint32_t>(in.Scalar<uint64_t>());
      entry.dead = in.Array<uint64_t>(in.Scalar<uint64_t>());
    }
    manifest.files.push_back(std::move(entry));
  }
  if (!in.AtEnd()) return Damaged(path, "of another length than it says");
  return manifest;
}

void RemoveStrays(const std::string& directory, const IndexManifest& manifest) {
  std::set<std::string> named;
  for (const SegmentFileEntry& file : manifest.files) named.insert(file.name);
  std::vector<std::filesystem::path> strays;
  std::error_code error;
  for (std::filesystem::directory_iterator file(directory, error), end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (absl::StartsWith(name, "segment-") && named.count(name) == 0) strays.push_back(file->path());
  }
  for (const auto& stray : strays) std::filesystem::remove(stray, error);
}

}  // namespace mixmatch::index
