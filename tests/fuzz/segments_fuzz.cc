// The files of an index, altered where checksums would tell and with these made to fit again: whatever stands in them,
// Load refuses or gives an index that can be used.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/vector/file_io.h"
#include "index/vector/segmented_index.h"
#include "tests/fuzz/target.h"

namespace {

using mixmatch::index::LoadReport;
using mixmatch::index::SegmentedIndex;
using mixmatch::index::SegmentedIndexOptions;

constexpr int kDim = 8;
constexpr int kParts = 96;
constexpr uint64_t kGeneration = 1;
constexpr size_t kEditBytes = 7;  // File, 4 bytes of offset, 2 of value.
constexpr int kRegions = 4;

SegmentedIndexOptions Options() {
  SegmentedIndexOptions options;
  options.dim = kDim;
  options.exact_below = 0;
  options.memtable_limit = kParts / 2;
  options.hnsw_m = 4;
  options.storage = mixmatch::index::Storage::kInt8;
  return options;
}

std::vector<float> Vector(int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDim);
  for (float& value : vector) value = normal(random);
  return vector;
}

// Where an honest index lies, and where altered ones are written.
class Scratch {
 public:
  Scratch() {
    char path[] = "/tmp/mixmatch-fuzz-XXXXXX";
    if (mkdtemp(path) == nullptr) std::abort();
    directory_ = path;
    auto index = SegmentedIndex::Create(Options(), kGeneration).value();
    for (int part = 1; part <= kParts; ++part) {
      if (!index->Upsert(part, Vector(part)).ok()) std::abort();
      if (part == kParts / 2) (void)index->Maintain();
    }
    (void)index->Maintain();
    (void)index->Remove(3);
    if (!index->Save(directory_).ok()) std::abort();
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      files_[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
  }
  ~Scratch() { std::filesystem::remove_all(directory_); }

  const std::string& directory() const { return directory_; }
  const std::map<std::string, std::string>& files() const { return files_; }  // MANIFEST is the first.

 private:
  std::string directory_;
  std::map<std::string, std::string> files_;
};

uint64_t Number(const std::string& bytes, size_t at) {
  uint64_t number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

void PutHash(absl::string_view of, char* to) {
  std::memcpy(to, mixmatch::index::HashOf(of).data(), mixmatch::index::kHashBytes);
}

// Writes the hash of each region into an honest manifest.
void HashRegions(std::map<std::string, std::string>& files) {
  std::string& manifest = files["MANIFEST"];
  size_t at = 24;
  const uint64_t count = Number(manifest, at);
  at += 8;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t length = Number(manifest, at);
    const std::string& bytes = files[manifest.substr(at + 8, length)];
    at += 8 + length + 8;
    size_t begin = 0;
    for (int region = 0; region < kRegions; ++region, at += 8 + mixmatch::index::kHashBytes) {
      const uint64_t size = Number(manifest, at);
      PutHash(absl::string_view(bytes).substr(begin, size), &manifest[at + 8]);
      begin += size;
    }
    if (manifest.compare(0, 8, "MMINDX03") == 0) at += 16 + 8 * Number(manifest, at + 8);
  }
}

void Use(SegmentedIndex& index) {
  mixmatch::index::SearchOptions options;
  options.k = 10;
  for (int seed = 0; seed < 4; ++seed) (void)index.Search(Vector(seed), options).status();
  index.ForEach([](mixmatch::index::PartId, absl::Span<const float>) { return true; });
  (void)index.Upsert(1000, Vector(1000));
  (void)index.Remove(5);
  (void)index.Maintain().status();
  (void)index.Search(Vector(1000), options).status();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  auto files = scratch.files();
  std::vector<std::string*> order;
  for (auto& [name, bytes] : files) order.push_back(&bytes);
  const auto edit = [&](bool of_manifest) {
    for (size_t at = 0; at + kEditBytes <= size; at += kEditBytes) {
      const size_t file = data[at] % order.size();
      if ((file == 0) != of_manifest) continue;
      uint32_t offset;
      std::memcpy(&offset, data + at + 1, sizeof(offset));
      std::string& bytes = *order[file];
      offset %= bytes.size() - 1;
      std::memcpy(&bytes[offset], data + at + 5, 2);
    }
  };
  edit(/*of_manifest=*/false);
  HashRegions(files);
  edit(/*of_manifest=*/true);
  std::string& manifest = files["MANIFEST"];
  const size_t hashed = manifest.size() - mixmatch::index::kHashBytes;
  PutHash(absl::string_view(manifest).substr(0, hashed), &manifest[hashed]);
  for (const auto& [name, bytes] : files) {
    std::ofstream(absl::StrCat(scratch.directory(), "/", name), std::ios::binary) << bytes;
  }
  LoadReport report;
  const auto index = SegmentedIndex::Load(Options(), scratch.directory(), kGeneration, &report);
  if (index.ok()) Use(**index);
  return 0;
}
