#include "server/item_cutter.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/parts/timed_parts.h"
#include "proto/base/status_macros.h"
#include "server/part_slot.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr size_t kGroup = 16;  // Parts encoded in one go.

double Since(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

}  // namespace

absl::Status PartEncoder::Add(model::PartDraft draft) {
  EncodedPart part = FromDraft(draft, 0);
  draft.described = {};
  parts_.push_back({std::move(draft), std::move(part)});
  return parts_.size() - encoded_ < kGroup ? absl::OkStatus() : Finish();
}

absl::Status PartEncoder::Finish() {
  const absl::Time start = absl::Now();
  std::vector<EncodedPart> group;
  for (size_t i = encoded_; i < parts_.size(); ++i) group.push_back(std::move(parts_[i].part));
  const absl::Status encoded = serving_->encoder.EncodeAll(absl::MakeSpan(group));
  for (size_t i = 0; i < group.size(); ++i) parts_[encoded_ + i].part = std::move(group[i]);
  encoded_ = parts_.size();
  seconds_ += Since(start);
  return encoded;
}

void PartEncoder::Sort(v1::Modality modality) {
  std::stable_sort(parts_.begin(), parts_.end(), [&](const Entry& a, const Entry& b) {
    return model::TimedPartComesFirst(modality, a.draft, b.draft);
  });
}

size_t PartEncoder::words() const {
  return static_cast<size_t>(std::count_if(
      parts_.begin(), parts_.end(), [](const Entry& entry) { return entry.draft.kind == v1::PART_KIND_WORDS; }));
}

void PartEncoder::Take(uint64_t item_id, size_t first_position, std::vector<v1::Part>* parts,
                       std::vector<EncodedPart>* encoded) {
  size_t words = kFirstWords;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool is_words = parts_[i].draft.kind == v1::PART_KIND_WORDS;
    parts->push_back(PartOf(parts_[i].draft, item_id, is_words ? words++ : first_position + i));
    encoded->push_back(std::move(parts_[i].part));
    encoded->back().part_id = parts->back().part_id();
  }
  parts_.clear();
  encoded_ = 0;
}

absl::StatusOr<CutItem> Cut(model::MediaDecoder& decoder, int fd, const std::string& media_type_hint,
                            PartEncoder& parts) {
  const absl::Time start = absl::Now();
  CutItem cut;
  model::TimedPartMaker maker([&](model::PartDraft draft) { return parts.Add(std::move(draft)); });
  MIXMATCH_ASSIGN_OR_RETURN(cut.media, decoder.DecodeTo(fd, media_type_hint, maker));
  if (maker.begun()) {
    MIXMATCH_RETURN_IF_ERROR(maker.Finish(cut.media.duration_seconds));
    cut.describe_seconds = maker.describe_seconds();
    cut.decode_seconds = Since(start) - cut.describe_seconds - parts.seconds();
  } else {
    cut.decode_seconds = Since(start);
    MIXMATCH_ASSIGN_OR_RETURN(std::vector<model::PartDraft> drafts, model::MakeParts(cut.media));
    cut.describe_seconds = Since(start) - cut.decode_seconds;
    for (model::PartDraft& draft : drafts) MIXMATCH_RETURN_IF_ERROR(parts.Add(std::move(draft)));
  }
  MIXMATCH_RETURN_IF_ERROR(parts.Finish());
  if (maker.begun()) parts.Sort(cut.media.modality);
  if (parts.size() == 0) {
    return absl::InvalidArgumentError("content: got nothing that can be seen, heard or read");
  }
  return cut;
}

void PutParts(const Serving& current, absl::Span<const EncodedPart> encoded, std::vector<v1::Part>& parts,
              index::StoreBatch& batch) {
  for (size_t i = 0; i < encoded.size(); ++i) {
    const EncodedPart& ready = encoded[i];
    parts[i].set_generation(current.generation);
    storage::v1::PartRecord record;
    *record.mutable_part() = parts[i];
    batch.PutPart(record);
    batch.PutVector(ready.part_id, current.generation, ready.vector);
    batch.PutFeatures(ready.slot, ready.part_id, ready.features);
    batch.PutTrunkFeatures(TrunkKey(current.encoder.trunk_number(), ready.slot), ready.part_id, ready.trunk_features);
    batch.PutTokens(ready.part_id, ready.tokens);
  }
}

v1::Part PartOf(const model::PartDraft& draft, uint64_t item_id, size_t position) {
  v1::Part part;
  part.set_part_id(item_id << 16 | position);
  part.set_item_id(item_id);
  part.set_modality(draft.modality);
  part.set_start_seconds(draft.start_seconds);
  part.set_end_seconds(draft.end_seconds);
  part.set_start_byte(draft.start_byte);
  part.set_end_byte(draft.end_byte);
  part.set_snippet(draft.snippet);
  part.set_kind(draft.kind);
  part.set_page(draft.page);
  if (draft.box.right() > 0.0f) *part.mutable_box() = draft.box;
  part.set_start_row(draft.start_row);
  part.set_end_row(draft.end_row);
  if (draft.describes >= 0) part.set_describes_part_id(item_id << 16 | static_cast<uint64_t>(draft.describes));
  part.set_title(draft.title);
  part.set_start_character(draft.start_character);
  part.set_end_character(draft.end_character);
  return part;
}

}  // namespace mixmatch::server
