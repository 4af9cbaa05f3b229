// From the vector of a query to its hits: plans the filter, searches the slots, gathers by group, fills what is known.
#ifndef MIXMATCH_SERVER_HIT_SEARCH_H_
#define MIXMATCH_SERVER_HIT_SEARCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "index/vector/vector_index.h"
#include "mixmatch/v1/search_service.pb.h"
#include "server/catalog.h"
#include "server/live_index.h"
#include "server/match_sets.h"
#include "server/query_terms.h"
#include "server/search_call.h"

namespace mixmatch::server {

// Thread-safe.
class HitSearch {
 public:
  HitSearch(index::Store& store, Catalog& catalog) : store_(store), catalog_(catalog), matches_(catalog) {}

  // At most request.k hits of `query`, nearest first; looks at the call before each slot and during long scans.
  // INVALID_ARGUMENT: a bad filter.
  absl::StatusOr<std::vector<v1::Hit>> Find(const Query& query, const Serving& serving, const SearchCall& call);

 private:
  // Which slots are searched, and how.
  struct Plan {
    std::shared_ptr<const MatchSet> matches;  // Null: all items.
    std::vector<bool> targets;                // Of each slot: whether its parts are wanted, words in pictures aside;
    bool words = false;                       // and whether these are, which lie in the slot of texts.
    int64_t all_words = 0;                    // Such parts that there are, of any item.
    std::vector<int64_t> parts;               // Of each slot, with a filter: about how many parts match, at most.
    int64_t all_parts = 0;                    // Parts of the matching items, in any slot.
    int64_t live = 0;                         // Vectors in the wanted slots.
  };
  // One, or two where parts of some modalities are wanted and beside them all parts of documents.
  absl::StatusOr<std::vector<Plan>> MakePlans(const v1::SearchRequest& request, const Serving& serving,
                                              const SearchCall& call);
  absl::StatusOr<Plan> MakePlan(std::vector<bool> targets, bool words, const v1::Filter& filter,
                                const Serving& serving, const SearchCall& call);
  // Whether the slot has parts that are wanted.
  static bool IsSearched(const Plan& plan, size_t slot);
  // Whether the part, found in the slot, is wanted.
  static bool IsWanted(const Plan& plan, size_t slot, uint64_t part_id);
  // The nearest `breadth` over all wanted slots; `all` is set if there are no more.
  absl::StatusOr<std::vector<index::Neighbor>> Neighbors(const Query& query, const Serving& serving, const Plan& plan,
                                                         int64_t breadth, const SearchCall& call, bool* all) const;
  // Whether so few parts match that it is cheaper to compare with each of them; does so, and gives all.
  static bool IsForFew(const Plan& plan);
  std::vector<index::Neighbor> FewNeighbors(const Query& query, const Serving& serving, const Plan& plan) const;
  std::vector<v1::Hit> Gather(const v1::SearchRequest& request, const std::vector<index::Neighbor>& neighbors) const;

  index::Store& store_;
  Catalog& catalog_;
  MatchSets matches_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_HIT_SEARCH_H_
