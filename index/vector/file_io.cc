#include "index/vector/file_io.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mixmatch::index {
namespace {

constexpr size_t kBuffer = 1 << 20;

}  // namespace

absl::Status FileError(const std::string& path, absl::string_view what) {
  return absl::InternalError(absl::StrCat("index: cannot ", what, " ", path, ": ", std::strerror(errno)));
}

absl::Status Damaged(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("index: ", path, ": ", what, "; build the index anew from the store"));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

struct Sha256::Impl {
  Impl() : context(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~Impl() { EVP_MD_CTX_free(context); }
  EVP_MD_CTX* const context;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
void Sha256::Add(const void* bytes, size_t size) { EVP_DigestUpdate(impl_->context, bytes, size); }
std::string Sha256::Finish() {
  std::string hash(kHashBytes, '\0');
  EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(hash.data()), nullptr);
  EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr);
  return hash;
}

std::string HashOf(absl::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes.data(), bytes.size());
  return hash.Finish();
}

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)), file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (file_.get() < 0) status_ = FileError(path_, "make");
  buffer_.reserve(kBuffer);
}

void FileWriter::Write(const void* bytes, size_t size) {
  if (size >= kBuffer) {
    Flush();
    return Pass(bytes, size);
  }
  if (buffer_.size() + size > kBuffer) Flush();
  buffer_.append(static_cast<const char*>(bytes), size);
}

FileRegion FileWriter::EndRegion() {
  const uint64_t bytes = region_ + buffer_.size();
  const std::string zeros((kPageBytes - bytes % kPageBytes) % kPageBytes, '\0');
  Write(zeros.data(), zeros.size());
  Flush();
  FileRegion region{region_, hash_.Finish()};
  region_ = 0;
  return region;
}

absl::Status FileWriter::Finish() {
  Flush();
  if (status_.ok() && fdatasync(file_.get()) != 0) status_ = FileError(path_, "sync");
  return status_;
}

void FileWriter::Flush() {
  Pass(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void FileWriter::Pass(const void* bytes, size_t size) {
  if (!status_.ok()) return;
  hash_.Add(bytes, size);
  region_ += size;
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(file_.get(), at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      status_ = FileError(path_, "write");
      return;
    }
    at += written;
    size -= written;
  }
}

bool Reader::Read(void* out, uint64_t size) {
  if (size > bytes_.size() - at_) return good_ = false;
  if (size > 0) std::memcpy(out, bytes_.data() + at_, size);
  at_ += size;
  return true;
}

bool Reader::Magic(absl::string_view wanted) {
  std::string magic(wanted.size(), '\0');
  return Read(magic.data(), magic.size()) && magic == wanted;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::NotFoundError(absl::StrCat("index: there is no ", path));
    return FileError(path, "open");
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) return FileError(path, "look at");
  if (!S_ISREG(status.st_mode)) return Damaged(path, "not a file");
  std::string bytes(status.st_size, '\0');
  if (!ReadAt(file.get(), 0, bytes.data(), bytes.size())) return FileError(path, "read");
  return bytes;
}

bool ReadAt(int descriptor, uint64_t offset, void* out, size_t size) {
  char* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = pread(descriptor, at, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    offset += got;
    size -= got;
  }
  return true;
}

absl::Status SyncDirectory(const std::string& directory) {
  const Descriptor file(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || fsync(file.get()) != 0) return FileError(directory, "sync");
  return absl::OkStatus();
}

}  // namespace mixmatch::index
