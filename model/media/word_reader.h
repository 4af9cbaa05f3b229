// Words in pictures, read by Tesseract (Apache-2.0), which is run for each picture and never linked.
#ifndef MIXMATCH_MODEL_MEDIA_WORD_READER_H_
#define MIXMATCH_MODEL_MEDIA_WORD_READER_H_

#include <string>

#include "absl/time/time.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"

namespace mixmatch::model {

// Thread-safe.
class WordReader {
 public:
  explicit WordReader(const MediaDecoderOptions& options);

  // The languages that are read, e.g. "deu+eng"; empty: nothing is, since there is no program, or no language of it, or
  // words are not wanted.
  const std::string& languages() const { return languages_; }

  // Reads the scans of all pictures in `media` into their words and drops the scans. What takes longer than *left is left
  // without words, as is what cannot be read; *left is less by the time that it took. Blocks.
  void Read(DecodedMedia& media, absl::Duration* left) const;

  // The words of the page of text whose look is behind `fd`, a PGM or PPM picture; within *left, as above.
  std::string ReadPage(int fd, absl::Duration* left) const;

 private:
  std::string ReadScan(const DecodedScan& scan, absl::Time deadline) const;
  // `layout`: a page segmentation mode of Tesseract.
  std::string ReadFile(int fd, const char* layout, absl::Time deadline) const;

  const std::string launcher_;
  const std::string program_;
  const MediaLimits limits_;
  std::string languages_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORD_READER_H_
