// Decoding of bytes by a real decoding process and the real tools.
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "model/media/media_decoder.h"

namespace mixmatch::model {

inline MediaDecoderOptions OneDecoder() {
  MediaDecoderOptions options;
  options.worker_path = MIXMATCH_DECODER;
  options.tool_path = MIXMATCH_TOOL;
  options.workers = 1;
  return options;
}

inline absl::StatusOr<DecodedMedia> DecodeBytes(const std::string& bytes,
                                                const MediaDecoderOptions& options = OneDecoder()) {
  auto decoder = MediaDecoder::Create(options);
  if (!decoder.ok()) return decoder.status();
  const int fd = memfd_create("item", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  absl::StatusOr<DecodedMedia> media = (*decoder)->Decode(fd, "");
  close(fd);
  return media;
}

inline std::vector<DecodedBlock::Kind> KindsOf(const DecodedMedia& media) {
  std::vector<DecodedBlock::Kind> kinds;
  for (const DecodedBlock& block : media.blocks) kinds.push_back(block.kind);
  return kinds;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_DECODE_BYTES_H_
