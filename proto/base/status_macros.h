// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status, which abseil 20220623 lacks. Goes away with a newer abseil.
#ifndef MIXMATCH_PROTO_BASE_STATUS_MACROS_H_
#define MIXMATCH_PROTO_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define MIXMATCH_RETURN_IF_ERROR(expr)                                    \
  do {                                                                    \
    if (::absl::Status mixmatch_status = (expr); !mixmatch_status.ok()) { \
      return mixmatch_status;                                             \
    }                                                                     \
  } while (false)

#define MIXMATCH_CONCAT_INNER(a, b) a##b
#define MIXMATCH_CONCAT(a, b) MIXMATCH_CONCAT_INNER(a, b)

// MIXMATCH_ASSIGN_OR_RETURN(auto value, StatusOrExpression());
#define MIXMATCH_ASSIGN_OR_RETURN(lhs, expr) \
  MIXMATCH_ASSIGN_OR_RETURN_IMPL(MIXMATCH_CONCAT(mixmatch_statusor_, __LINE__), lhs, expr)

#define MIXMATCH_ASSIGN_OR_RETURN_IMPL(statusor, lhs, expr) \
  auto statusor = (expr);                                   \
  if (!statusor.ok()) return std::move(statusor).status();  \
  lhs = *std::move(statusor)

#endif  // MIXMATCH_PROTO_BASE_STATUS_MACROS_H_
