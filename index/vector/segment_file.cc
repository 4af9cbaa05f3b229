#include "index/vector/segment_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

constexpr char kSegmentMagic[] = "MMSEGM01";  // 8 bytes.
constexpr char kManifestMagic[] = "MMINDX01";
constexpr char kManifestName[] = "MANIFEST";
constexpr size_t kHashBytes = 32;
constexpr size_t kBuffer = 1 << 20;

absl::Status IoError(const std::string& path, const char* what) {
  return absl::InternalError(absl::StrCat("index: cannot ", what, " ", path, ": ", std::strerror(errno)));
}

absl::Status Damaged(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("index: ", path, ": ", what, "; build the index anew from the store"));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void Add(const void* bytes, size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string Finish() {
    std::string hash(kHashBytes, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(&hash[0]), nullptr);
    return hash;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// A new file whose bytes are hashed as they are written. After an error, calls do nothing.
class Writer {
 public:
  explicit Writer(std::string path)
      : path_(std::move(path)), file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (file_.get() < 0) status_ = IoError(path_, "make");
    buffer_.reserve(kBuffer);
  }

  void Write(const void* bytes, size_t size) {
    if (size >= kBuffer) {
      Flush();
      return Pass(bytes, size);
    }
    if (buffer_.size() + size > kBuffer) Flush();
    buffer_.append(static_cast<const char*>(bytes), size);
  }
  template <typename Number>
  void Scalar(Number number) { Write(&number, sizeof(number)); }
  template <typename Number>
  void Array(const std::vector<Number>& numbers) { Write(numbers.data(), sizeof(Number) * numbers.size()); }

  // Syncs.
  absl::StatusOr<SegmentFileEntry> Finish(const std::string& name) {
    Flush();
    if (status_.ok() && fdatasync(file_.get()) != 0) status_ = IoError(path_, "sync");
    if (!status_.ok()) return status_;
    return SegmentFileEntry{name, size_, hash_.Finish()};
  }

 private:
  void Flush() {
    Pass(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  void Pass(const void* bytes, size_t size) {
    if (!status_.ok()) return;
    hash_.Add(bytes, size);
    size_ += size;
    const char* at = static_cast<const char*>(bytes);
    while (size > 0) {
      const ssize_t written = write(file_.get(), at, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        status_ = IoError(path_, "write");
        return;
      }
      at += written;
      size -= written;
    }
  }

  const std::string path_;
  const Descriptor file_;
  absl::Status status_;
  std::string buffer_;
  Sha256 hash_;
  uint64_t size_ = 0;
};

// A whole file in memory, taken apart from the front. Both strings must outlive it.
class Reader {
 public:
  Reader(const std::string& path, absl::string_view bytes) : path_(path), bytes_(bytes) {}

  bool Read(void* out, uint64_t size) {
    if (size > bytes_.size() - at_) return good_ = false;
    if (size > 0) std::memcpy(out, bytes_.data() + at_, size);
    at_ += size;
    return true;
  }
  template <typename Number>
  Number Scalar() {
    Number number = 0;
    Read(&number, sizeof(number));
    return number;
  }
  template <typename Number>
  std::vector<Number> Array(uint64_t count) {
    std::vector<Number> numbers;
    if (count > left() / sizeof(Number)) {
      good_ = false;
      return numbers;
    }
    numbers.resize(count);
    Read(numbers.data(), sizeof(Number) * count);
    return numbers;
  }
  bool Magic(const char* wanted) {
    char magic[8] = {};
    return Read(magic, 8) && std::memcmp(magic, wanted, 8) == 0;
  }
  uint64_t left() const { return bytes_.size() - at_; }
  bool good() const { return good_; }
  bool AtEnd() const { return good_ && left() == 0; }
  const std::string& path() const { return path_; }

 private:
  const std::string& path_;
  const absl::string_view bytes_;
  uint64_t at_ = 0;
  bool good_ = true;
};

// NOT_FOUND if there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::NotFoundError(absl::StrCat("index: there is no ", path));
    return IoError(path, "open");
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) return IoError(path, "look at");
  if (!S_ISREG(status.st_mode)) return Damaged(path, "not a file");
  std::string bytes(status.st_size, '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = read(file.get(), &bytes[at], bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return IoError(path, "read");
    if (got == 0) break;
    at += got;
  }
  bytes.resize(at);
  return bytes;
}

std::string HashOf(absl::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes.data(), bytes.size());
  return hash.Finish();
}

absl::Status SyncDirectory(const std::string& directory) {
  const Descriptor file(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || fsync(file.get()) != 0) return IoError(directory, "sync");
  return absl::OkStatus();
}

std::vector<int64_t> RowsToWrite(const Segment& segment) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < segment.size(); ++row) {
    if (segment.graph() != nullptr || segment.IsLive(row)) rows.push_back(row);
  }
  return rows;
}

void WriteGraph(const HnswGraph& graph, Writer& out) {
  const HnswParts parts = graph.ToParts();
  out.Scalar<int32_t>(parts.m);
  out.Scalar<int32_t>(parts.entry_point);
  out.Scalar<int32_t>(parts.max_level);
  out.Scalar<int32_t>(0);
  out.Scalar<uint64_t>(parts.neighbors.size());
  out.Array(parts.levels);
  out.Array(parts.neighbors);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> ReadGraph(Reader& in, int64_t rows) {
  HnswParts parts;
  parts.m = in.Scalar<int32_t>();
  parts.entry_point = in.Scalar<int32_t>();
  parts.max_level = in.Scalar<int32_t>();
  in.Scalar<int32_t>();
  const uint64_t neighbors = in.Scalar<uint64_t>();
  parts.levels = in.Array<int32_t>(rows);
  parts.neighbors = in.Array<int32_t>(neighbors);
  if (!in.good()) return Damaged(in.path(), "the graph is cut");
  return HnswGraph::FromParts(parts, rows);
}

}  // namespace

absl::StatusOr<SegmentFileEntry> WriteSegment(const Segment& segment, const std::string& directory,
                                              const std::string& name) {
  const std::vector<int64_t> rows = RowsToWrite(segment);
  Writer out(absl::StrCat(directory, "/", name));
  out.Write(kSegmentMagic, 8);
  out.Scalar<uint64_t>(segment.data().rows.dim());
  out.Scalar<uint64_t>(rows.size());
  out.Scalar<uint64_t>(segment.graph() != nullptr);
  for (int64_t row : rows) out.Scalar<uint64_t>(segment.data().ids[row]);
  std::vector<uint64_t> dead((rows.size() + 63) / 64);
  for (size_t i = 0; i < rows.size(); ++i) dead[i / 64] |= uint64_t{!segment.IsLive(rows[i])} << (i % 64);
  out.Array(dead);
  const size_t row_bytes = sizeof(float) * segment.data().rows.dim();
  for (int64_t row : rows) out.Write(segment.data().rows.row(row), row_bytes);
  if (segment.graph() != nullptr) WriteGraph(*segment.graph(), out);
  return out.Finish(name);
}

absl::StatusOr<std::shared_ptr<const Segment>> ReadSegment(const std::string& directory, const SegmentFileEntry& entry,
                                                           int dim) {
  const std::string path = absl::StrCat(directory, "/", entry.name);
  absl::StatusOr<std::string> bytes = ReadFile(path);
  if (absl::IsNotFound(bytes.status())) return Damaged(path, "the file is missing");
  MIXMATCH_RETURN_IF_ERROR(bytes.status());
  if (bytes->size() != entry.size || HashOf(*bytes) != entry.sha256) return Damaged(path, "the file is cut or altered");
  Reader in(path, *bytes);
  if (!in.Magic(kSegmentMagic)) return Damaged(path, "not a segment of this version");
  if (in.Scalar<uint64_t>() != static_cast<uint64_t>(dim)) return Damaged(path, "of another dimension");
  const uint64_t rows = in.Scalar<uint64_t>();
  const bool has_graph = in.Scalar<uint64_t>() != 0;
  auto data = std::make_shared<SegmentRows>(dim);
  data->ids = in.Array<uint64_t>(rows);
  const std::vector<uint64_t> dead = in.Array<uint64_t>(rows / 64 + (rows % 64 != 0));
  const uint64_t row_bytes = sizeof(float) * static_cast<uint64_t>(dim);
  if (!in.good() || in.left() / row_bytes < rows) return Damaged(path, "shorter than it says");
  auto tombstones = std::make_shared<Tombstones>(rows);
  std::vector<float> row(dim);
  for (uint64_t i = 0; i < rows; ++i) {
    if (i > 0 && data->ids[i] <= data->ids[i - 1]) return Damaged(path, "the ids do not ascend");
    in.Read(row.data(), row_bytes);
    data->rows.Append(row.data());
    if (dead[i / 64] >> (i % 64) & 1) tombstones->Set(i);
  }
  std::shared_ptr<const HnswGraph> graph;
  if (has_graph) {
    MIXMATCH_ASSIGN_OR_RETURN(graph, ReadGraph(in, rows));
  }
  if (!in.AtEnd()) return Damaged(path, "of another length than it says");
  return std::make_shared<const Segment>(std::move(data), std::move(tombstones), std::move(graph));
}

absl::Status WriteManifest(const std::string& directory, const IndexManifest& manifest) {
  std::string bytes(kManifestMagic, 8);
  auto number = [&](uint64_t value) { bytes.append(reinterpret_cast<const char*>(&value), 8); };
  number(manifest.generation);
  number(manifest.dim);
  number(manifest.files.size());
  for (const SegmentFileEntry& file : manifest.files) {
    number(file.name.size());
    bytes += file.name;
    number(file.size);
    bytes += file.sha256;
  }
  bytes += HashOf(bytes);
  const std::string path = absl::StrCat(directory, "/", kManifestName);
  const std::string fresh = path + ".new";
  Writer out(fresh);
  out.Write(bytes.data(), bytes.size());
  MIXMATCH_RETURN_IF_ERROR(out.Finish(fresh).status());
  if (rename(fresh.c_str(), path.c_str()) != 0) return IoError(path, "replace");
  return SyncDirectory(directory);
}

absl::StatusOr<IndexManifest> ReadManifest(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kManifestName);
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const absl::string_view all = bytes;
  if (all.size() < kHashBytes || HashOf(all.substr(0, all.size() - kHashBytes)) != all.substr(all.size() - kHashBytes)) {
    return Damaged(path, "cut or altered");
  }
  Reader in(path, all.substr(0, all.size() - kHashBytes));
  if (!in.Magic(kManifestMagic)) return Damaged(path, "not a manifest of this version");
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
    entry.size = in.Scalar<uint64_t>();
    const std::vector<char> hash = in.Array<char>(kHashBytes);
    entry.sha256.assign(hash.begin(), hash.end());
    if (absl::StrContains(entry.name, "/")) return Damaged(path, "names a file elsewhere");
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
