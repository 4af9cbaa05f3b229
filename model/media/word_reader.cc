#include "model/media/word_reader.h"

#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "model/media/read_words.h"
#include "model/media/tool_process.h"

namespace mixmatch::model {
namespace {

constexpr char kData[] = "/usr/share/tesseract-ocr";  // As Debian has it: VERSION/tessdata/LANGUAGE.traineddata.
constexpr char kEnv[] = "/usr/bin/env";               // Tools are started without variables.
constexpr char kLines[] = "6", kPage[] = "3";         // A block of lines; columns, found by itself.
constexpr int64_t kMostOutput = 4 << 20;              // Bytes.

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  DIR* entries = opendir(folder.c_str());
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries)) names.push_back(entry->d_name);
  closedir(entries);
  std::sort(names.begin(), names.end());
  return names;
}

// All that is installed but what is no language: "osd" tells scripts apart, "equ" knows formulae.
std::string InstalledLanguages() {
  std::vector<std::string> languages;
  for (const std::string& version : NamesIn(kData)) {
    for (const std::string& name : NamesIn(absl::StrCat(kData, "/", version, "/tessdata"))) {
      absl::string_view language = name;
      if (!absl::ConsumeSuffix(&language, ".traineddata") || language == "osd" || language == "equ") continue;
      if (std::find(languages.begin(), languages.end(), language) == languages.end()) languages.emplace_back(language);
    }
  }
  return absl::StrJoin(languages, "+");
}

// A memory file, or -1.
int MemoryFile(const char* name) { return memfd_create(name, MFD_CLOEXEC); }

bool WriteAll(int fd, absl::string_view bytes) {
  return write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

WordReader::WordReader(const MediaDecoderOptions& options)
    : launcher_(options.tool_path), program_(options.reader_path), limits_(options.limits) {
  if (limits_.read_words == ReadWords::kOff || access(program_.c_str(), X_OK) != 0) return;
  languages_ = options.reader_languages.empty() ? InstalledLanguages() : options.reader_languages;
}

void WordReader::Read(DecodedMedia& media, absl::Duration* left) const {
  const absl::Time start = absl::Now(), deadline = start + *left;
  const auto read = [&](DecodedImage& image) {
    const DecodedScan scan = std::exchange(image.scan, {});
    if (scan.width > 0 && absl::Now() < deadline) image.words = ReadScan(scan, deadline);
  };
  for (DecodedFrame& frame : media.frames) read(frame.image);
  for (DecodedBlock& block : media.blocks) read(block.image);
  *left -= absl::Now() - start;
}

std::string WordReader::ReadPage(int fd, absl::Duration* left) const {
  const absl::Time start = absl::Now();
  std::string words = *left > absl::ZeroDuration() ? ReadFile(fd, kPage, start + *left) : "";
  *left -= absl::Now() - start;
  return words;
}

std::string WordReader::ReadScan(const DecodedScan& scan, absl::Time deadline) const {
  const int fd = MemoryFile("mixmatch-scan");
  if (fd < 0) return "";
  const absl::Cleanup close_it = [fd] { close(fd); };
  const std::string head = absl::StrCat("P5\n", scan.width, " ", scan.height, "\n255\n");  // netpbm, pgm(5).
  return WriteAll(fd, head) && WriteAll(fd, scan.gray) ? ReadFile(fd, kLines, deadline) : "";
}

std::string WordReader::ReadFile(int fd, const char* layout, absl::Time deadline) const {
  const int told = MemoryFile("mixmatch-words");
  if (languages_.empty() || told < 0) return "";
  const absl::Cleanup close_it = [told] { close(told); };
  ToolLimits limits;
  limits.max_memory_bytes = limits_.max_reader_bytes;
  limits.max_cpu_seconds = std::max(1, static_cast<int>(limits_.max_reading_cpu_seconds));
  limits.max_output_bytes = kMostOutput;
  limits.deadline = deadline;
  // One thread: several are hardly faster, and take the processors from searches.
  const auto end = RunTool(launcher_, kEnv,
                           {"OMP_THREAD_LIMIT=1", program_, "stdin", "stdout", "--psm", layout, "-l", languages_, "-c",
                            "tessedit_create_tsv=1"},
                           fd, told, limits);
  if (!end.ok() || end->exit_code != 0) return "";
  std::string tsv(static_cast<size_t>(end->output_bytes), '\0');
  tsv.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(told, tsv.data(), tsv.size(), 0))));
  return WordsOf(tsv);
}

}  // namespace mixmatch::model
