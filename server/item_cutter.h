// From content to parts in the form in which they are stored, in memory that only grows with the number of parts.
#ifndef MIXMATCH_SERVER_ITEM_CUTTER_H_
#define MIXMATCH_SERVER_ITEM_CUTTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "mixmatch/v1/item.pb.h"
#include "model/media/media_decoder.h"
#include "model/parts/parts.h"
#include "server/encoder.h"
#include "server/live_index.h"

namespace mixmatch::server {

// Encodes parts in groups as they come. Not thread-safe.
class PartEncoder {
 public:
  explicit PartEncoder(const LiveIndex& live) : serving_(live.Current()) {}

  // Takes over what was described.
  absl::Status Add(model::PartDraft draft);
  // Encodes what is left.
  absl::Status Finish();
  // Of sounds and videos: in the order of TimedPartComesFirst.
  void Sort(v1::Modality modality);

  size_t size() const { return parts_.size(); }
  uint64_t generation() const { return serving_->generation; }
  double seconds() const { return seconds_; }  // Spent in encoding.

  // Those that are words read in pictures.
  size_t words() const;

  // Numbers the parts from `first_position` on, words in pictures from kFirstWords on, and gives both forms of them. They
  // are gone from here.
  void Take(uint64_t item_id, size_t first_position, std::vector<v1::Part>* parts, std::vector<EncodedPart>* encoded);

 private:
  struct Entry {
    model::PartDraft draft;  // Its description moved to `part`.
    EncodedPart part;
  };
  std::shared_ptr<const Serving> serving_;
  std::vector<Entry> parts_;
  size_t encoded_ = 0;
  double seconds_ = 0.0;
};

// What is cut from one file.
struct CutItem {
  model::DecodedMedia media;  // Of a sound or video: its kind and duration alone.
  double decode_seconds = 0.0;
  double describe_seconds = 0.0;
};

// Decodes, describes and encodes all of `fd`; a sound or video while it is decoded. As MediaDecoder::DecodeTo, MakeParts.
absl::StatusOr<CutItem> Cut(model::MediaDecoder& decoder, int fd, const std::string& media_type_hint,
                            PartEncoder& parts);

// Puts parts that `current` has encoded, with all that is made from them, into `batch`; sets their generation.
void PutParts(const Serving& current, absl::Span<const EncodedPart> encoded, std::vector<v1::Part>& parts,
              index::StoreBatch& batch);

// API record of a part that was cut from `item_id`, vector and generation left out.
v1::Part PartOf(const model::PartDraft& draft, uint64_t item_id, size_t position);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ITEM_CUTTER_H_
