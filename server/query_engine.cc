#include "server/query_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/modality/modality.h"
#include "model/parts/parts.h"
#include "proto/base/status_macros.h"
#include "server/spool.h"

namespace mixmatch::server {
namespace {

constexpr int kMostTerms = 16;
constexpr int64_t kFirstBreadth = 4;  // Parts looked at for each hit wanted, at first.

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

absl::StatusOr<std::vector<float>> GivenVector(const v1::Vector& given, int dim) {
  if (given.values_size() != dim) {
    return absl::InvalidArgumentError(absl::StrCat("query.vector: got ", given.values_size(), " values, this space has ",
                                                   dim, "; send content instead, or a vector from ItemService.Get"));
  }
  std::vector<float> vector(given.values().begin(), given.values().end());
  for (float v : vector) {
    if (!std::isfinite(v)) return absl::InvalidArgumentError("query.vector: got a value that is not finite");
  }
  MIXMATCH_RETURN_IF_ERROR(Normalize(vector));
  return vector;
}

}  // namespace

absl::Status QueryEngine::CheckRequest(const v1::SearchRequest& request, bool streamed) const {
  const int terms = request.query_size() + (streamed ? 1 : 0);
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
    if (model::SlotOf(static_cast<model::Modality>(modality)) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("target_modalities: got ", modality, ", wanted TEXT, IMAGE, AUDIO or VIDEO"));
    }
  }
  if (!v1::GroupBy_IsValid(request.group_by())) {
    return absl::InvalidArgumentError(absl::StrCat("group_by: got ", request.group_by(), ", wanted ITEM, EVENT or PART"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SearchResponse> QueryEngine::Search(const v1::SearchRequest& request, const std::string* streamed) {
  MIXMATCH_RETURN_IF_ERROR(CheckRequest(request, streamed != nullptr));
  const absl::Time begin = absl::Now();
  const std::shared_ptr<const Serving> serving = live_.Current();
  MIXMATCH_ASSIGN_OR_RETURN(const Query query, MakeQuery(request, streamed, *serving));
  const absl::Time encoded = absl::Now();
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<v1::Hit> hits, Hits(request, query, *serving));
  v1::SearchResponse response;
  for (v1::Hit& hit : hits) *response.add_hits() = std::move(hit);
  response.set_generation(serving->generation);
  for (v1::Modality modality : query.modalities) response.add_query_modalities(modality);
  response.set_encode_milliseconds(absl::ToDoubleMilliseconds(encoded - begin));
  response.set_search_milliseconds(absl::ToDoubleMilliseconds(absl::Now() - encoded));
  ++searches_;
  return response;
}

absl::StatusOr<QueryEngine::Query> QueryEngine::MakeQuery(const v1::SearchRequest& request, const std::string* streamed,
                                                          const Serving& serving) {
  Query query;
  for (const v1::QueryTerm& term : request.query()) {
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> vector, TermVector(term, serving, query));
    Add(vector, term.weight() == 0.0f ? 1.0 : term.weight(), query.vector);
  }
  if (streamed != nullptr) {
    v1::Content content;
    content.set_data(*streamed);
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> vector, ContentVector(content, serving, query));
    Add(vector, 1.0, query.vector);
  }
  MIXMATCH_RETURN_IF_ERROR(Normalize(query.vector));
  return query;
}

absl::StatusOr<std::vector<float>> QueryEngine::TermVector(const v1::QueryTerm& term, const Serving& serving,
                                                           Query& query) {
  switch (term.kind_case()) {
    case v1::QueryTerm::kContent:
      return ContentVector(term.content(), serving, query);
    case v1::QueryTerm::kItemId:
      return ItemVector(term.item_id(), serving, query);
    case v1::QueryTerm::kPartId:
      query.items.insert(term.part_id() >> 16);
      return PartVector(term.part_id(), serving);
    case v1::QueryTerm::kUploadRequestId: {
      MIXMATCH_ASSIGN_OR_RETURN(const auto record, ingest_.Answered(term.upload_request_id()));
      if (record == nullptr) return absl::NotFoundError("query.upload_request_id: no finished upload with it");
      return ItemVector(record->item().item_id(), serving, query);
    }
    case v1::QueryTerm::kVector:
      return GivenVector(term.vector(), options_.index.dim);
    case v1::QueryTerm::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "query: got a term with nothing in it; set content, item_id, part_id, upload_request_id or vector");
}

absl::StatusOr<std::vector<float>> QueryEngine::ContentVector(const v1::Content& content, const Serving& serving,
                                                              Query& query) {
  model::DecodedMedia media;
  if (content.kind_case() == v1::Content::kText) {
    if (static_cast<int64_t>(content.text().size()) > options_.decoder.limits.max_text_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("query.content.text: wanted at most ", options_.decoder.limits.max_text_bytes, " bytes"));
    }
    media.modality = v1::MODALITY_TEXT;
    media.text = content.text();
  } else {
    if (content.data().empty()) return absl::InvalidArgumentError("query.content: got 0 bytes, wanted at least 1");
    MIXMATCH_ASSIGN_OR_RETURN(Spool spool,
                              Spool::Create(options_.data_dir, static_cast<int64_t>(content.data().size())));
    MIXMATCH_RETURN_IF_ERROR(spool.Append(content.data()));
    MIXMATCH_ASSIGN_OR_RETURN(media, ingest_.Decode(spool.fd(), content.media_type()));
  }
  query.modalities.push_back(media.modality);
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<model::PartDraft> drafts, model::MakeParts(media));
  std::vector<EncodedPart> parts;
  for (model::PartDraft& draft : drafts) {
    if (draft.modality == media.modality) parts.push_back(FromDraft(draft, 0));
  }
  MIXMATCH_RETURN_IF_ERROR(serving.encoder.EncodeAll(absl::MakeSpan(parts)));
  std::vector<float> sum;
  for (const EncodedPart& part : parts) Add(part.vector, 1.0, sum);
  MIXMATCH_RETURN_IF_ERROR(Normalize(sum));
  return sum;
}

absl::StatusOr<std::vector<float>> QueryEngine::ItemVector(uint64_t item_id, const Serving& serving, Query& query) {
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError(absl::StrCat("query.item_id: no item ", item_id));
  query.items.insert(item_id);
  MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store_.GetParts(item_id));
  std::vector<float> sum;
  for (const auto& part : parts) {
    if (part.part().modality() != record->item().modality()) continue;
    const auto vector = PartVector(part.part().part_id(), serving);
    if (vector.ok()) Add(*vector, 1.0, sum);
  }
  if (sum.empty()) return absl::NotFoundError(absl::StrCat("query.item_id: item ", item_id, " has no part"));
  MIXMATCH_RETURN_IF_ERROR(Normalize(sum));
  return sum;
}

absl::StatusOr<std::vector<float>> QueryEngine::PartVector(uint64_t part_id, const Serving& serving) const {
  for (const auto& slot : serving.slots) {
    auto vector = slot->Get(part_id);
    if (vector.ok() || !absl::IsNotFound(vector.status())) return vector;
  }
  return absl::NotFoundError(absl::StrCat("query.part_id: no part ", part_id));
}

absl::StatusOr<std::vector<v1::Hit>> QueryEngine::Hits(const v1::SearchRequest& request, const Query& query,
                                                       const Serving& serving) const {
  MIXMATCH_ASSIGN_OR_RETURN(const ItemPredicate predicate, CompileFilter(request.filter()));
  const bool exclude = request.exclude_query_items();
  absl::flat_hash_map<uint64_t, bool> verdicts;  // By item.
  const index::PartFilter filter = [&](uint64_t part_id) {
    const uint64_t item_id = part_id >> 16;
    if (exclude && query.items.contains(item_id)) return false;
    if (!predicate) return true;
    auto [verdict, fresh] = verdicts.emplace(item_id, false);
    if (fresh) {
      const auto record = catalog_.Get(item_id);
      verdict->second = record != nullptr && predicate(record->item());
    }
    return verdict->second;
  };
  absl::flat_hash_set<int> targets;
  for (int modality : request.target_modalities()) targets.insert(model::SlotOf(static_cast<model::Modality>(modality)));

  int64_t breadth = request.group_by() == v1::GROUP_BY_PART ? request.k() : request.k() * kFirstBreadth;
  while (true) {
    std::vector<index::Neighbor> neighbors;
    bool all = true;
    for (size_t slot = 0; slot < serving.slots.size(); ++slot) {
      if (!targets.empty() && !targets.contains(static_cast<int>(slot))) continue;
      index::SearchOptions options;
      options.k = breadth;
      if (predicate || exclude) options.filter = &filter;
      MIXMATCH_ASSIGN_OR_RETURN(const auto found, serving.slots[slot]->Search(query.vector, options));
      all = all && static_cast<int64_t>(found.size()) < breadth;
      neighbors.insert(neighbors.end(), found.begin(), found.end());
    }
    std::sort(neighbors.begin(), neighbors.end(), [](const index::Neighbor& a, const index::Neighbor& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    if (static_cast<int64_t>(neighbors.size()) > breadth) neighbors.resize(breadth);
    std::vector<v1::Hit> hits = Gather(request, neighbors);
    if (static_cast<int64_t>(hits.size()) >= request.k() || all || request.group_by() == v1::GROUP_BY_PART) {
      for (v1::Hit& hit : hits) {
        hit.set_generation(serving.generation);
        hit.mutable_part()->set_generation(serving.generation);
        if (!request.include_vectors()) continue;
        MIXMATCH_ASSIGN_OR_RETURN(const auto vector, PartVector(hit.part().part_id(), serving));
        hit.mutable_part()->mutable_vector()->Assign(vector.begin(), vector.end());
      }
      return hits;
    }
    breadth *= 4;
  }
}

std::vector<v1::Hit> QueryEngine::Gather(const v1::SearchRequest& request,
                                         const std::vector<index::Neighbor>& neighbors) const {
  std::vector<v1::Hit> hits;
  absl::flat_hash_set<std::string> groups;
  for (const index::Neighbor& neighbor : neighbors) {
    if (static_cast<int64_t>(hits.size()) >= request.k()) break;
    const uint64_t item_id = neighbor.id >> 16;
    const auto record = catalog_.Get(item_id);
    if (record == nullptr) continue;  // Deleted since.
    const auto& events = record->item().event_ids();
    std::string group = absl::StrCat("item:", item_id);
    if (request.group_by() == v1::GROUP_BY_PART) group = absl::StrCat(neighbor.id);
    if (request.group_by() == v1::GROUP_BY_EVENT && !events.empty()) group = absl::StrCat("event:", events[0]);
    if (!groups.insert(group).second) continue;
    const auto part = store_.GetPart(neighbor.id);
    if (!part.ok()) continue;
    v1::Hit hit;
    *hit.mutable_item() = record->item();
    *hit.mutable_part() = part->part();
    hit.set_score(std::clamp(neighbor.score, -1.0f, 1.0f));
    if (request.group_by() == v1::GROUP_BY_EVENT && !events.empty()) hit.set_event_id(events[0]);
    hits.push_back(std::move(hit));
  }
  return hits;
}

}  // namespace mixmatch::server
