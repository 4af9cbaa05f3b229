// Which items meet a filter, as a bit an item, kept from one search to the next.
#ifndef MIXMATCH_SERVER_MATCH_SETS_H_
#define MIXMATCH_SERVER_MATCH_SETS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "mixmatch/v1/filter.pb.h"
#include "server/catalog.h"
#include "server/item_filter.h"
#include "server/search_call.h"

namespace mixmatch::server {

// Immutable once given out.
class MatchSet {
 public:
  bool Has(uint64_t item_id) const {
    return item_id / 64 < words_.size() && (words_[item_id / 64] >> (item_id % 64) & 1) != 0;
  }
  int64_t items() const { return items_; }
  // Calls visit(modality, parts) for each modality of items: how many parts those of the set have, of any modality.
  // Never too few; up to an eighth too many where items left the set.
  template <typename Visit>
  void ForEachPartCount(Visit visit) const {
    for (const auto& [modality, parts] : parts_) visit(static_cast<v1::Modality>(modality), parts);
  }
  // Calls visit(item id) for each, ascending.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (uint64_t word = 0; word < words_.size(); ++word) {
      for (uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        visit(word * 64 + static_cast<uint64_t>(__builtin_ctzll(bits)));
      }
    }
  }

 private:
  friend class MatchSets;
  void Insert(const v1::Item& item);
  void Erase(uint64_t item_id);

  uint64_t version_ = 0;  // Of the catalog: nothing before it was missed.
  int64_t items_ = 0;
  int64_t erased_ = 0;    // Items whose parts are still counted.
  absl::flat_hash_map<int, int64_t> parts_;  // By modality of the item.
  std::vector<uint64_t> words_;
};

// Thread-safe. The first search with a filter asks it of every item; later ones only of what changed since. Sets of the
// last 64 filters are kept, each an eighth of a byte an item.
class MatchSets {
 public:
  explicit MatchSets(const Catalog& catalog) : catalog_(catalog) {}

  // As of some moment during this call; nullptr for the empty filter. INVALID_ARGUMENT as of CompileFilter; CANCELLED
  // and DEADLINE_EXCEEDED where the call ended before.
  absl::StatusOr<std::shared_ptr<const MatchSet>> Match(const v1::Filter& filter, const SearchCall& call);

 private:
  struct Entry {
    std::string key;
    ItemPredicate predicate;
    absl::Mutex mutex;  // Held while the set is made, so that searches beside each other make it once.
    std::shared_ptr<const MatchSet> set ABSL_GUARDED_BY(mutex);
  };
  absl::StatusOr<std::shared_ptr<Entry>> Find(const v1::Filter& filter);
  absl::StatusOr<std::shared_ptr<const MatchSet>> All(const ItemPredicate& predicate, const SearchCall& call) const;

  const Catalog& catalog_;
  absl::Mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);  // The last used first.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_MATCH_SETS_H_
