#include "server/hit_search.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/part_slot.h"

namespace mixmatch::server {
namespace {

constexpr int64_t kFirstBreadth = 4;  // Parts looked at for each hit wanted, at first.
// Fetching one vector by its id takes about as long as asking the filter of this many.
constexpr int64_t kRowsForAFetch = 128;
constexpr int64_t kFewParts = 32;

bool Nearer(const index::Neighbor& a, const index::Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

// Of two lists, nearest first, each part once.
std::vector<index::Neighbor> Merged(const std::vector<index::Neighbor>& a, const std::vector<index::Neighbor>& b) {
  std::vector<index::Neighbor> both;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both), Nearer);
  absl::flat_hash_set<uint64_t> seen;
  both.erase(std::remove_if(both.begin(), both.end(), [&](const index::Neighbor& one) { return !seen.insert(one.id).second; }),
             both.end());
  return both;
}

float InnerProduct(const std::vector<float>& a, const std::vector<float>& b) {
  float sums[8] = {};  // Side by side, so that the compiler may use vector instructions.
  size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0.0f;
  for (; i < a.size(); ++i) sum += a[i] * b[i];
  for (float s : sums) sum += s;
  return sum;
}

}  // namespace

// Items are documents, parts are not.
absl::StatusOr<std::vector<HitSearch::Plan>> HitSearch::MakePlans(const v1::SearchRequest& request,
                                                                  const Serving& serving, const SearchCall& call) {
  std::vector<bool> targets(serving.slots.size(), request.target_modalities().empty());
  bool documents = false, words = request.target_modalities().empty();
  for (int modality : request.target_modalities()) {
    if (modality == v1::MODALITY_DOCUMENT) {
      documents = true;
    } else {
      words |= modality == v1::MODALITY_IMAGE;
      targets[model::SlotOf(static_cast<model::Modality>(modality))] = true;
    }
  }
  std::vector<Plan> plans;
  if (std::find(targets.begin(), targets.end(), true) != targets.end()) {
    MIXMATCH_ASSIGN_OR_RETURN(plans.emplace_back(), MakePlan(targets, words, request.filter(), serving, call));
  }
  if (!documents) return plans;
  v1::Filter filter;
  if (request.filter().kind_case() != v1::Filter::KIND_NOT_SET) *filter.mutable_all()->add_filters() = request.filter();
  v1::Condition& condition = *filter.mutable_all()->add_filters()->mutable_condition();
  condition.set_field("modality");
  condition.mutable_equals()->set_text("document");
  targets.assign(targets.size(), true);
  MIXMATCH_ASSIGN_OR_RETURN(plans.emplace_back(), MakePlan(targets, /*words=*/true, filter, serving, call));
  return plans;
}

absl::StatusOr<HitSearch::Plan> HitSearch::MakePlan(std::vector<bool> targets, bool words, const v1::Filter& filter,
                                                    const Serving& serving, const SearchCall& call) {
  Plan plan;
  plan.targets = std::move(targets);
  plan.all_words = catalog_.words_parts();
  plan.words = words && plan.all_words > 0;
  for (size_t slot = 0; slot < serving.slots.size(); ++slot) {
    if (plan.targets[slot]) plan.live += serving.slots[slot]->size();
  }
  if (plan.words && !plan.targets[TextSlot()]) plan.live += plan.all_words;
  MIXMATCH_ASSIGN_OR_RETURN(plan.matches, matches_.Match(filter, call));
  if (plan.matches == nullptr) return plan;
  plan.parts.assign(serving.slots.size(), 0);
  plan.matches->ForEachPartCount([&](v1::Modality modality, int64_t parts) {
    plan.all_parts += parts;
    const int own = model::SlotOf(static_cast<model::Modality>(modality));
    const bool of_several = modality == v1::MODALITY_VIDEO || modality == v1::MODALITY_AUDIO || own < 0;
    if (!of_several) {
      plan.parts[own] += parts;
      if (modality == v1::MODALITY_IMAGE && plan.words) plan.parts[TextSlot()] += std::min(parts, plan.all_words);
      return;
    }
    // Parts of several modalities, in shares that are not known. Too few is safe: it costs a scan, not recall.
    const auto slots = static_cast<int64_t>(plan.parts.size());
    const int64_t share = (parts + slots - 1) / slots;
    for (int64_t& count : plan.parts) count += share;
  });
  return plan;
}

bool HitSearch::IsSearched(const Plan& plan, size_t slot) {
  const bool wanted = plan.targets[slot] || (plan.words && static_cast<int>(slot) == TextSlot());
  return wanted && (plan.matches == nullptr || plan.parts[slot] > 0);
}

bool HitSearch::IsWanted(const Plan& plan, size_t slot, uint64_t part_id) {
  return static_cast<int>(slot) == TextSlot() && IsWords(part_id) ? plan.words : plan.targets[slot];
}

bool HitSearch::IsForFew(const Plan& plan) {
  return plan.matches != nullptr && plan.all_parts <= std::max(kFewParts, plan.live / kRowsForAFetch);
}

std::vector<index::Neighbor> HitSearch::FewNeighbors(const Query& query, const Serving& serving,
                                                     const Plan& plan) const {
  std::vector<index::Neighbor> neighbors;
  plan.matches->ForEach([&](uint64_t item_id) {
    if (query.request->exclude_query_items() && query.items.contains(item_id)) return;
    const auto record = catalog_.Get(item_id);
    if (record == nullptr) return;
    const int own = model::SlotOf(static_cast<model::Modality>(record->item().modality()));
    const uint32_t words = std::min(record->words_parts(), record->item().part_count());
    const uint32_t others = record->item().part_count() - words;
    for (uint64_t part = 0; part < record->item().part_count(); ++part) {
      const uint64_t part_id = item_id << 16 | (part < others ? part : kFirstWords + part - others);
      for (size_t i = 0; i < serving.slots.size(); ++i) {
        // The item's own modality first: most parts are there.
        const size_t slot = own < 0 ? i : (static_cast<size_t>(own) + i) % serving.slots.size();
        if (plan.parts[slot] == 0) continue;
        const auto vector = serving.slots[slot]->Get(part_id);
        if (!vector.ok()) continue;
        if (IsWanted(plan, slot, part_id)) neighbors.push_back({part_id, InnerProduct(query.vector, *vector)});
        break;
      }
    }
  });
  std::sort(neighbors.begin(), neighbors.end(), Nearer);
  return neighbors;
}

absl::StatusOr<std::vector<index::Neighbor>> HitSearch::Neighbors(const Query& query, const Serving& serving,
                                                                  const Plan& plan, int64_t breadth,
                                                                  const SearchCall& call, bool* all) const {
  const bool exclude = query.request->exclude_query_items() && !query.items.empty();
  size_t slot = 0;
  const index::PartFilter filter = [&](uint64_t part_id) {
    const uint64_t item_id = part_id >> 16;
    return IsWanted(plan, slot, part_id) && (plan.matches == nullptr || plan.matches->Has(item_id)) &&
           !(exclude && query.items.contains(item_id));
  };
  const index::StopCheck stop = [&] { return !call.Check().ok(); };
  std::vector<index::Neighbor> neighbors;
  *all = true;
  for (; slot < serving.slots.size(); ++slot) {
    if (!IsSearched(plan, slot)) continue;
    const bool texts = static_cast<int>(slot) == TextSlot();
    const bool some_kinds = texts && plan.all_words > 0 && plan.words != plan.targets[slot];
    MIXMATCH_RETURN_IF_ERROR(call.Check());
    index::SearchOptions options;
    options.k = breadth;
    if (plan.matches != nullptr || exclude || some_kinds) options.filter = &filter;
    options.stop = &stop;
    options.filter_matches = plan.matches != nullptr ? plan.parts[slot] : serving.slots[slot]->size();
    if (some_kinds && plan.words) options.filter_matches = std::min(options.filter_matches, plan.all_words);
    const auto found = serving.slots[slot]->Search(query.vector, options);
    MIXMATCH_RETURN_IF_ERROR(call.Check());  // Says better than the index why it stopped.
    MIXMATCH_RETURN_IF_ERROR(found.status());
    *all = *all && static_cast<int64_t>(found->size()) < breadth;
    neighbors.insert(neighbors.end(), found->begin(), found->end());
  }
  std::sort(neighbors.begin(), neighbors.end(), Nearer);
  if (static_cast<int64_t>(neighbors.size()) > breadth) neighbors.resize(breadth);
  return neighbors;
}

absl::StatusOr<std::vector<v1::Hit>> HitSearch::Find(const Query& query, const Serving& serving,
                                                     const SearchCall& call) {
  const v1::SearchRequest& request = *query.request;
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<Plan> plans, MakePlans(request, serving, call));
  std::vector<v1::Hit> hits;
  int64_t breadth = request.group_by() == v1::GROUP_BY_PART ? request.k() : request.k() * kFirstBreadth;
  for (bool all = false; !all; breadth *= 4) {
    all = true;
    std::vector<index::Neighbor> neighbors;
    for (const Plan& plan : plans) {
      bool all_of_plan = true;
      MIXMATCH_RETURN_IF_ERROR(call.Check());
      absl::StatusOr<std::vector<index::Neighbor>> found =
          IsForFew(plan) ? FewNeighbors(query, serving, plan)
                         : Neighbors(query, serving, plan, breadth, call, &all_of_plan);
      MIXMATCH_RETURN_IF_ERROR(found.status());
      all = all && all_of_plan;
      neighbors = neighbors.empty() ? *std::move(found) : Merged(neighbors, *found);
    }
    hits = Gather(request, neighbors);
    if (static_cast<int64_t>(hits.size()) >= request.k() || request.group_by() == v1::GROUP_BY_PART) break;
  }
  for (v1::Hit& hit : hits) {
    hit.set_generation(serving.generation);
    if (!request.ids_only()) hit.mutable_part()->set_generation(serving.generation);
    if (!request.include_vectors()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(const auto vector, PartVector(serving, hit.part().part_id()));
    hit.mutable_part()->mutable_vector()->Assign(vector.begin(), vector.end());
  }
  return hits;
}

std::vector<v1::Hit> HitSearch::Gather(const v1::SearchRequest& request,
                                       const std::vector<index::Neighbor>& neighbors) const {
  const bool by_event = request.group_by() == v1::GROUP_BY_EVENT;
  std::vector<v1::Hit> hits;
  hits.reserve(std::min<size_t>(request.k(), neighbors.size()));
  absl::flat_hash_set<uint64_t> items;  // Parts differ anyway.
  absl::flat_hash_set<std::string> events;
  for (const index::Neighbor& neighbor : neighbors) {
    if (static_cast<int64_t>(hits.size()) >= request.k()) break;
    const uint64_t item_id = neighbor.id >> 16;
    // By ids alone a part may be named that was deleted just now.
    const bool needs_record = !request.ids_only() || by_event;
    const auto record = needs_record ? catalog_.Get(item_id) : nullptr;
    if (needs_record && record == nullptr) continue;  // Deleted since.
    const std::string* event = by_event && !record->item().event_ids().empty() ? &record->item().event_ids(0) : nullptr;
    const bool fresh = event != nullptr ? events.insert(*event).second
                                        : request.group_by() == v1::GROUP_BY_PART || items.insert(item_id).second;
    if (!fresh) continue;
    v1::Hit& hit = hits.emplace_back();
    if (request.ids_only()) {
      hit.mutable_item()->set_item_id(item_id);
      hit.mutable_part()->set_part_id(neighbor.id);
    } else {
      auto part = store_.GetPart(neighbor.id);
      if (!part.ok()) {
        hits.pop_back();
        continue;
      }
      *hit.mutable_item() = record->item();
      *hit.mutable_part() = std::move(*part->mutable_part());
    }
    hit.set_score(std::clamp(neighbor.score, -1.0f, 1.0f));
    if (event != nullptr) hit.set_event_id(*event);
  }
  return hits;
}

}  // namespace mixmatch::server
