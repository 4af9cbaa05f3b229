#include "server/port_file.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace mixmatch::server {

absl::Status WritePortFile(const char* flag, const std::string& path, int port) {
  if (path.empty()) return absl::OkStatus();
  const std::string temporary = path + ".tmp";
  std::ofstream(temporary) << port << "\n";
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return absl::FailedPreconditionError(absl::StrCat(flag, ": cannot write ", path));
  return absl::OkStatus();
}

}  // namespace mixmatch::server
