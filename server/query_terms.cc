#include "server/query_terms.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "model/modality/modality.h"
#include "model/parts/parts.h"
#include "proto/base/status_macros.h"
#include "server/spool.h"

namespace mixmatch::server {
namespace {

constexpr int kMostTerms = 16;

// To unit length. INVALID_ARGUMENT if there is no direction.
absl::Status Normalize(std::vector<float>& vector) {
  double sum = 0.0;
  for (float v : vector) sum += double{v} * v;
  if (!std::isfinite(sum) || sum <= 1e-20) {
    return absl::InvalidArgumentError("query: the terms add up to no direction; change the weights or the vector");
  }
  const float scale = static_cast<float>(1.0 / std::sqrt(sum));
  for (float& v : vector) v *= scale;
  return absl::OkStatus();
}

void Add(const std::vector<float>& from, double weight, std::vector<float>& to) {
  if (to.empty()) to.resize(from.size(), 0.0f);
  for (size_t i = 0; i < from.size(); ++i) to[i] += static_cast<float>(weight * from[i]);
}

absl::StatusOr<std::vector<float>> MeanOf(absl::Span<const EncodedPart> parts) {
  std::vector<float> sum;
  for (const EncodedPart& part : parts) Add(part.vector, 1.0, sum);
  MIXMATCH_RETURN_IF_ERROR(Normalize(sum));
  return sum;
}

absl::StatusOr<std::vector<float>> GivenVector(const v1::Vector& given, int dim) {
  if (given.values_size() != dim) {
    return absl::InvalidArgumentError(absl::StrCat("query.vector: got ", given.values_size(),
                                                   " values, this space has ", dim,
                                                   "; send content instead, or a vector from ItemService.Get"));
  }
  std::vector<float> vector(given.values().begin(), given.values().end());
  for (float v : vector) {
    if (!std::isfinite(v)) return absl::InvalidArgumentError("query.vector: got a value that is not finite");
  }
  MIXMATCH_RETURN_IF_ERROR(Normalize(vector));
  return vector;
}

}  // namespace

absl::Status QueryTerms::Check(const Query& query) const {
  const v1::SearchRequest& request = *query.request;
  const int terms = request.query_size() + (query.streamed != nullptr ? 1 : 0);
  if (terms < 1 || terms > kMostTerms) {
    return absl::InvalidArgumentError(absl::StrCat("query: got ", terms, " terms, wanted 1 to ", kMostTerms));
  }
  if (request.k() < 1 || request.k() > options_.limits.max_k) {
    return absl::InvalidArgumentError(absl::StrCat("k: got ", request.k(), ", wanted 1 to ", options_.limits.max_k));
  }
  for (const v1::QueryTerm& term : request.query()) {
    if (!std::isfinite(term.weight())) return absl::InvalidArgumentError("query.weight: got a value that is not finite");
  }
  for (int modality : request.target_modalities()) {
    if (modality != v1::MODALITY_DOCUMENT && model::SlotOf(static_cast<model::Modality>(modality)) < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "target_modalities: got ", modality, ", wanted TEXT, IMAGE, AUDIO, VIDEO, DOCUMENT, TABLE, SERIES or SCORE"));
    }
  }
  if (!v1::GroupBy_IsValid(request.group_by())) {
    return absl::InvalidArgumentError(absl::StrCat("group_by: got ", request.group_by(), ", wanted ITEM, EVENT or PART"));
  }
  return absl::OkStatus();
}

absl::Status QueryTerms::Decode(Query& query) const {
  for (const v1::QueryTerm& term : query.request->query()) {
    if (!term.has_content()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(model::DecodedMedia media, DecodeOne(term.content()));
    query.media.push_back(std::move(media));
  }
  if (query.streamed != nullptr) {
    v1::Content content;
    content.set_data(*query.streamed);
    MIXMATCH_ASSIGN_OR_RETURN(model::DecodedMedia media, DecodeOne(content));
    query.media.push_back(std::move(media));
  }
  for (const model::DecodedMedia& media : query.media) query.modalities.push_back(media.modality);
  return absl::OkStatus();
}

absl::StatusOr<model::DecodedMedia> QueryTerms::DecodeOne(const v1::Content& content) const {
  if (content.kind_case() != v1::Content::kText) {
    if (content.data().empty()) return absl::InvalidArgumentError("query.content: got 0 bytes, wanted at least 1");
    MIXMATCH_ASSIGN_OR_RETURN(Spool spool,
                              Spool::Create(options_.data_dir, static_cast<int64_t>(content.data().size())));
    MIXMATCH_RETURN_IF_ERROR(spool.Append(content.data()));
    return ingest_.Decode(spool.fd(), content.media_type());
  }
  if (static_cast<int64_t>(content.text().size()) > options_.decoder.limits.max_text_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("query.content.text: wanted at most ", options_.decoder.limits.max_text_bytes, " bytes"));
  }
  model::DecodedMedia media;
  media.modality = v1::MODALITY_TEXT;
  media.text = content.text();
  return media;
}

absl::Status QueryTerms::Describe(Query& query) const {
  for (const model::DecodedMedia& media : std::exchange(query.media, {})) {
    MIXMATCH_ASSIGN_OR_RETURN(std::vector<model::PartDraft> drafts, model::MakeParts(media));
    for (model::PartDraft& draft : drafts) {
      if (draft.modality == media.modality) query.parts.push_back(FromDraft(draft, 0));
    }
    query.ends.push_back(query.parts.size());
  }
  return absl::OkStatus();
}

absl::Status QueryTerms::Combine(const Serving& serving, Query& query) const {
  size_t content = 0;
  const auto content_vector = [&] {
    const size_t begin = content == 0 ? 0 : query.ends[content - 1];
    const size_t end = query.ends[content++];
    return MeanOf(absl::MakeConstSpan(query.parts).subspan(begin, end - begin));
  };
  for (const v1::QueryTerm& term : query.request->query()) {
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> vector,
                              term.has_content() ? content_vector() : TermVector(term, serving, query));
    Add(vector, term.weight() == 0.0f ? 1.0 : term.weight(), query.vector);
  }
  if (query.streamed != nullptr) {
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> vector, content_vector());
    Add(vector, 1.0, query.vector);
  }
  return Normalize(query.vector);
}

absl::StatusOr<std::vector<float>> QueryTerms::TermVector(const v1::QueryTerm& term, const Serving& serving,
                                                          Query& query) const {
  switch (term.kind_case()) {
    case v1::QueryTerm::kItemId:
      return ItemVector(term.item_id(), serving, query);
    case v1::QueryTerm::kPartId: {
      query.items.insert(term.part_id() >> 16);
      return PartVector(serving, term.part_id());
    }
    case v1::QueryTerm::kUploadRequestId: {
      MIXMATCH_ASSIGN_OR_RETURN(const auto record, ingest_.Answered(term.upload_request_id()));
      if (record == nullptr) return absl::NotFoundError("query.upload_request_id: no finished upload with it");
      return ItemVector(record->item().item_id(), serving, query);
    }
    case v1::QueryTerm::kVector:
      return GivenVector(term.vector(), options_.index.dim);
    case v1::QueryTerm::kContent:
    case v1::QueryTerm::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "query: got a term with nothing in it; set content, item_id, part_id, upload_request_id or vector");
}

absl::StatusOr<std::vector<float>> QueryTerms::ItemVector(uint64_t item_id, const Serving& serving,
                                                          Query& query) const {
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError(absl::StrCat("query.item_id: no item ", item_id));
  query.items.insert(item_id);
  MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store_.GetParts(item_id));
  std::vector<float> sum;
  for (const auto& part : parts) {
    if (part.part().modality() != record->item().modality() ||
        part.part().kind() == v1::PART_KIND_WORDS) {
      continue;
    }
    const auto vector = PartVector(serving, part.part().part_id());
    if (vector.ok()) Add(*vector, 1.0, sum);
  }
  if (sum.empty()) return absl::NotFoundError(absl::StrCat("query.item_id: item ", item_id, " has no part"));
  MIXMATCH_RETURN_IF_ERROR(Normalize(sum));
  return sum;
}

absl::StatusOr<std::vector<float>> PartVector(const Serving& serving, uint64_t part_id) {
  for (const auto& slot : serving.slots) {
    auto vector = slot->Get(part_id);
    if (vector.ok() || !absl::IsNotFound(vector.status())) return vector;
  }
  return absl::NotFoundError(absl::StrCat("query.part_id: no part ", part_id));
}

}  // namespace mixmatch::server
