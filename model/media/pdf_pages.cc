#include "model/media/pdf_pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "model/media/tool_process.h"
#include "model/media/wire.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr char kInfo[] = "/usr/bin/pdfinfo", kText[] = "/usr/bin/pdftotext", kRender[] = "/usr/bin/pdftoppm";
constexpr int kBatch = 8;       // Pages.
constexpr int kPageSide = 800;  // Pixels: enough to cut a figure out and make it smaller.
constexpr int64_t kToolMemory = 1LL << 30;
constexpr int64_t kMostText = 64LL << 20;  // Bytes of one batch's words with their places.

absl::StatusOr<int> MemoryFile() {
  const int fd = memfd_create("mixmatch-pages", MFD_CLOEXEC);
  if (fd < 0) return absl::InternalError(absl::StrCat("pdf: no memory file: ", strerror(errno)));
  return fd;
}

absl::Status Judge(const ToolEnd& end) {
  if (end.exit_code == 0) return absl::OkStatus();
  if (absl::StrContains(end.last_words, "Incorrect password")) {
    return absl::InvalidArgumentError(
        "content: got an encrypted PDF, wanted one that opens without a password; decrypt it");
  }
  if (end.exit_code >= 128) {
    return absl::ResourceExhaustedError(
        "content: the program that reads PDF files ended by a limit or a fault on this one; make "
        "it again, or send it in shorter pieces");
  }
  return absl::InvalidArgumentError("content: got a damaged PDF, wanted one that a reader opens; make it again");
}

class PdfReader {
 public:
  PdfReader(int fd, const std::string& launcher, const MediaLimits& limits)
      : fd_(fd),
        launcher_(launcher),
        limits_(limits),
        deadline_(absl::Now() + absl::Seconds(limits.max_wall_seconds)) {}

  absl::StatusOr<DecodedMedia> Read(const PagesDecoder& decode, const WordReader* reader, absl::Duration* reading) {
    MIXMATCH_ASSIGN_OR_RETURN(const int pages, CountPages());
    DecodedMedia whole;
    whole.modality = v1::MODALITY_DOCUMENT;
    whole.media_type = "application/pdf";
    for (int first = 1; first <= pages; first += kBatch) {
      const int last = std::min(pages, first + kBatch - 1);
      MIXMATCH_ASSIGN_OR_RETURN(const int made, MakePages(first, last));
      const absl::Cleanup close_it = [made] { close(made); };
      MIXMATCH_ASSIGN_OR_RETURN(DecodedMedia some, decode(made, first));
      if (reader != nullptr) ReadScanned(*reader, reading, some);
      MIXMATCH_RETURN_IF_ERROR(Append(std::move(some), whole));
    }
    return whole;
  }

 private:
  absl::Status Run(const char* program, std::vector<std::string> arguments, int output, int64_t most) {
    ToolLimits limits;
    limits.max_memory_bytes = kToolMemory;
    limits.max_cpu_seconds = static_cast<int>(std::max(1.0, limits_.max_cpu_seconds));
    limits.max_output_bytes = most;
    limits.deadline = deadline_;
    auto end = RunTool(launcher_, program, arguments, fd_, output, limits);
    if (absl::IsUnimplemented(end.status())) {
      return absl::UnimplementedError(absl::StrCat(end.status().message(), "; install poppler-utils there"));
    }
    MIXMATCH_RETURN_IF_ERROR(end.status());
    return Judge(*end);
  }

  absl::StatusOr<int> CountPages() {
    MIXMATCH_ASSIGN_OR_RETURN(const int told, MemoryFile());
    const absl::Cleanup close_it = [told] { close(told); };
    MIXMATCH_RETURN_IF_ERROR(Run(kInfo, {"-"}, told, 1 << 20));
    std::string text(1 << 20, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(told, text.data(), text.size(), 0))));
    int pages = 0;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      if (absl::ConsumePrefix(&line, "Pages:") && !absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &pages))
        pages = 0;
    }
    if (pages < 1) return absl::InvalidArgumentError("content: got a PDF without pages, wanted at least one");
    if (pages > limits_.max_pages) {
      return absl::ResourceExhaustedError(absl::StrCat("content: got a PDF of ", pages, " pages, wanted at most ",
                                                       limits_.max_pages, " (--max-pages); cut it into shorter ones"));
    }
    return pages;
  }

  // A memory file of pages `first` to `last`, the caller's to close.
  absl::StatusOr<int> MakePages(int first, int last) {
    MIXMATCH_ASSIGN_OR_RETURN(const int made, MemoryFile());
    absl::Cleanup close_it = [made] { close(made); };
    PdfPagesHeader header = {};
    memcpy(header.magic, kPdfPagesMagic, sizeof(header.magic));
    header.pages = static_cast<uint32_t>(last - first + 1);
    if (lseek(made, sizeof(header), SEEK_SET) < 0) return absl::InternalError("pdf: cannot write a memory file");
    const std::vector<std::string> range = {"-q", "-f", absl::StrCat(first), "-l", absl::StrCat(last)};
    std::vector<std::string> words = range, picture = range;
    words.insert(words.end(), {"-bbox-layout", "-", "-"});
    picture.insert(picture.end(), {"-scale-to", absl::StrCat(kPageSide), "-"});
    MIXMATCH_RETURN_IF_ERROR(Run(kText, std::move(words), made, kMostText));
    header.text_bytes = static_cast<uint64_t>(lseek(made, 0, SEEK_CUR)) - sizeof(header);
    const int64_t most = int64_t{kBatch} * (3 * kPageSide * kPageSide + 64);
    MIXMATCH_RETURN_IF_ERROR(Run(kRender, std::move(picture), made, most));
    if (pwrite(made, &header, sizeof(header), 0) != sizeof(header)) {
      return absl::InternalError("pdf: cannot write a memory file");
    }
    std::move(close_it).Cancel();
    return made;
  }

  // Pages that have a look and nothing else. A page that cannot be drawn is left without words: it was drawn before.
  void ReadScanned(const WordReader& reader, absl::Duration* reading, DecodedMedia& some) {
    std::vector<DecodedBlock>& blocks = some.blocks;
    for (size_t b = 0; b < blocks.size() && *reading > absl::ZeroDuration(); ++b) {
      const bool last = b + 1 == blocks.size() || blocks[b + 1].kind == DecodedBlock::Kind::kPage;
      if (blocks[b].kind != DecodedBlock::Kind::kPage || !last) continue;
      const auto drawn = MemoryFile();
      if (!drawn.ok()) return;
      const absl::Cleanup close_it = [&drawn] { close(*drawn); };
      const std::string page = absl::StrCat(blocks[b].page), side = absl::StrCat(limits_.scan_side);
      const int64_t most = int64_t{limits_.scan_side} * limits_.scan_side + 64;
      if (!Run(kRender, {"-q", "-gray", "-f", page, "-l", page, "-scale-to", side, "-"}, *drawn, most).ok()) return;
      blocks[b].image.words = reader.ReadPage(*drawn, reading);
    }
  }

  absl::Status Append(DecodedMedia some, DecodedMedia& whole) {
    const int before = static_cast<int>(whole.blocks.size());
    for (DecodedBlock& block : some.blocks) {
      if (block.describes >= 0) block.describes += before;
      pictures_ += !block.image.rgb.empty();
    }
    if (whole.blocks.size() + some.blocks.size() > static_cast<size_t>(limits_.max_blocks) ||
        pictures_ > limits_.max_document_pictures) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "content: got a document of more than ", limits_.max_blocks, " texts, pictures and tables (--max-blocks) or ",
          limits_.max_document_pictures, " pictures (--max-document-pictures); cut it into shorter ones"));
    }
    std::move(some.blocks.begin(), some.blocks.end(), std::back_inserter(whole.blocks));
    return absl::OkStatus();
  }

  const int fd_;
  const std::string& launcher_;
  const MediaLimits& limits_;
  const absl::Time deadline_;
  int pictures_ = 0;
};

}  // namespace

bool IsPdf(int fd) {
  char head[5];
  return pread(fd, head, sizeof(head), 0) == sizeof(head) && absl::string_view(head, sizeof(head)) == "%PDF-";
}

absl::StatusOr<DecodedMedia> DecodePdf(int fd, const std::string& launcher, const MediaLimits& limits,
                                       const PagesDecoder& decode, const WordReader* reader, absl::Duration* reading) {
  return PdfReader(fd, launcher, limits).Read(decode, reader, reading);
}

}  // namespace mixmatch::model
