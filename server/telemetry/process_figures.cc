#include "server/telemetry/process_figures.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace mixmatch::server {
namespace {

// Fields of /proc/self/stat from the third on: what comes before, the program's name, may hold blanks.
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > line.size()) return {};
  return absl::StrSplit(line.substr(name_end + 2), ' ');
}

// By its number in proc(5).
double Field(const std::vector<std::string>& fields, size_t number) {
  double value = 0.0;
  if (number - 3 < fields.size() && !absl::SimpleAtod(fields[number - 3], &value)) value = 0.0;
  return value;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0.0;
  while (file >> word) {
    if (word == "btime") {
      file >> seconds;
      break;
    }
  }
  return seconds;
}

int64_t OpenDescriptors() {
  std::error_code error;
  int64_t count = -1;  // The one that reads them.
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

void CollectProcess(const std::string& data_dir, MetricFamilies& to) {
  const std::vector<std::string> stat = StatFields();
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  to.Counter("process_cpu_seconds_total", "CPU time of the server, without its decoders, seconds.",
             (Field(stat, 14) + Field(stat, 15)) / ticks);
  to.Gauge("process_resident_memory_bytes", "Resident memory of the server, without its decoders.",
           Field(stat, 24) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  to.Gauge("process_virtual_memory_bytes", "Address space of the server.", Field(stat, 23));
  to.Gauge("process_threads", "Threads of the server.", Field(stat, 20));
  to.Gauge("process_start_time_seconds", "When the server started, Unix time.", BootTime() + Field(stat, 22) / ticks);
  to.Gauge("process_open_fds", "Open file descriptors.", static_cast<double>(OpenDescriptors()));
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  to.Gauge("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(files.rlim_cur));
  struct statvfs disk = {};
  if (statvfs(data_dir.c_str(), &disk) != 0) return;
  const double block = static_cast<double>(disk.f_frsize);
  to.Gauge("mixmatch_disk_free_bytes", "Free space on the disk of --data-dir.", block * static_cast<double>(disk.f_bavail));
  to.Gauge("mixmatch_disk_size_bytes", "Size of the disk of --data-dir.", block * static_cast<double>(disk.f_blocks));
}

}  // namespace mixmatch::server
