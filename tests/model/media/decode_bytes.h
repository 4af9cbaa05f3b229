// Decoding of bytes by a real decoding process and the real tools.
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_

#include <dirent.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/media/media_decoder.h"

namespace mixmatch::model {

inline MediaDecoderOptions OneDecoder() {
  MediaDecoderOptions options;
  options.worker_path = MIXMATCH_DECODER;
  options.tool_path = MIXMATCH_TOOL;
  options.workers = 1;
  return options;
}

// A memory file of these bytes, the caller's to close.
inline int FileOf(const std::string& bytes) {
  const int fd = memfd_create("item", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

inline absl::StatusOr<DecodedMedia> DecodeBytes(MediaDecoder* decoder, const std::string& bytes,
                                                absl::string_view hint = "") {
  const int fd = FileOf(bytes);
  absl::StatusOr<DecodedMedia> media = decoder->Decode(fd, hint);
  close(fd);
  return media;
}

inline absl::StatusOr<DecodedMedia> DecodeBytes(const std::string& bytes,
                                                const MediaDecoderOptions& options = OneDecoder(),
                                                absl::string_view hint = "") {
  auto decoder = MediaDecoder::Create(options);
  if (!decoder.ok()) return decoder.status();
  return DecodeBytes(decoder->get(), bytes, hint);
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

inline std::string ScratchPath(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", getpid(), "-", name);
}

// The bytes of the file `name` that the ffmpeg command line makes with `arguments`.
inline std::string MadeByFfmpeg(const std::string& name, const std::string& arguments) {
  const std::string path = ScratchPath(name);
  const std::string command = absl::StrCat("ffmpeg -nostdin -v error -y ", arguments, " ", path);
  EXPECT_EQ(system(command.c_str()), 0) << command;
  std::string bytes = ReadFile(path);
  unlink(path.c_str());
  return bytes;
}

// The only child of this process. Only one decoder with one worker may be alive.
inline pid_t WorkerPid() {
  DIR* tasks = opendir("/proc/self/task");
  pid_t found = 0;
  while (const dirent* entry = readdir(tasks)) {
    const std::string children = ReadFile(absl::StrCat("/proc/self/task/", entry->d_name, "/children"));
    for (absl::string_view child : absl::StrSplit(children, ' ', absl::SkipWhitespace())) {
      EXPECT_TRUE(absl::SimpleAtoi(child, &found));
    }
  }
  closedir(tasks);
  return found;
}

inline std::vector<DecodedBlock::Kind> KindsOf(const DecodedMedia& media) {
  std::vector<DecodedBlock::Kind> kinds;
  for (const DecodedBlock& block : media.blocks) kinds.push_back(block.kind);
  return kinds;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_
