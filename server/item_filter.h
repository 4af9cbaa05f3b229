// Compiles a Filter of the API into a predicate over items.
#ifndef MIXMATCH_SERVER_ITEM_FILTER_H_
#define MIXMATCH_SERVER_ITEM_FILTER_H_

#include <functional>

#include "absl/status/statusor.h"
#include "mixmatch/v1/filter.pb.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::server {

using ItemPredicate = std::function<bool(const v1::Item&)>;

// An empty filter gives an empty function, which stands for "all". The predicate is thread-safe and owns what it needs.
// INVALID_ARGUMENT: an unknown field, an empty condition, too deep or too many.
absl::StatusOr<ItemPredicate> CompileFilter(const v1::Filter& filter);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ITEM_FILTER_H_
