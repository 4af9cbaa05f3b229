// How much each source, or each user where users are known, has taught, against what it may.
#ifndef MIXMATCH_SERVER_SOURCE_BUDGET_H_
#define MIXMATCH_SERVER_SOURCE_BUDGET_H_

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace mixmatch::server {

// To whom a link is charged: the user, whatever sources they name; the source where callers are not known (principal
// "local" or none).
inline std::string BudgetKey(absl::string_view principal, absl::string_view source) {
  const bool known = !principal.empty() && principal != "local";
  return known ? absl::StrCat("\x01", principal) : std::string(source);
}

// Weights of links by key; a function of the events in the store. Not thread-safe.
class SourceBudget {
 public:
  // `most` 0: any.
  explicit SourceBudget(double most) : most_(most) {}

  void Add(absl::string_view key, double weight) {
    double& used = used_[key];
    used = std::max(0.0, used + weight);
    if (used == 0.0) used_.erase(key);
  }
  bool Affords(absl::string_view key, double weight) const {
    return most_ <= 0.0 || used(key) + weight <= most_ * (1 + 1e-9);
  }
  double used(absl::string_view key) const {
    const auto found = used_.find(key);
    return found == used_.end() ? 0.0 : found->second;
  }

 private:
  const double most_;
  absl::flat_hash_map<std::string, double> used_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SOURCE_BUDGET_H_
