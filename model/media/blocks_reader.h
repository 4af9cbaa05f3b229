// The records of documents, read without belief.
#ifndef MIXMATCH_MODEL_MEDIA_BLOCKS_READER_H_
#define MIXMATCH_MODEL_MEDIA_BLOCKS_READER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"

namespace mixmatch::model {

class BlocksReader {
 public:
  explicit BlocksReader(const MediaLimits& limits) : limits_(limits) {}

  // Bytes of the largest kBlock record.
  uint32_t most_bytes() const;

  // Adds a kBlock record. False: it breaks the framing or a limit.
  bool Add(absl::string_view body, DecodedMedia* media);

  // Whether `media` holds a document and nothing else; sets its modality.
  static bool Take(DecodedMedia* media);

 private:
  bool AddTable(absl::string_view text, uint32_t columns, DecodedTable* table);

  const MediaLimits& limits_;
  int64_t text_bytes_ = 0;
  int64_t cells_ = 0;
  int pictures_ = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_BLOCKS_READER_H_
