// How much each source has taught, against what it may.
#ifndef MIXMATCH_SERVER_SOURCE_BUDGET_H_
#define MIXMATCH_SERVER_SOURCE_BUDGET_H_

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace mixmatch::server {

// Weights of links by source; a function of the events in the store. Not thread-safe.
class SourceBudget {
 public:
  // `most` 0: any.
  explicit SourceBudget(double most) : most_(most) {}

  void Add(absl::string_view source, double weight) {
    double& used = used_[source];
    used = std::max(0.0, used + weight);
    if (used == 0.0) used_.erase(source);
  }
  bool Affords(absl::string_view source, double weight) const {
    return most_ <= 0.0 || used(source) + weight <= most_ * (1 + 1e-9);
  }
  double used(absl::string_view source) const {
    const auto found = used_.find(source);
    return found == used_.end() ? 0.0 : found->second;
  }

 private:
  const double most_;
  absl::flat_hash_map<std::string, double> used_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SOURCE_BUDGET_H_
