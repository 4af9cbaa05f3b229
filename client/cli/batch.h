// Many queries from a file, one a line, for `search --batch`.
#ifndef MIXMATCH_CLIENT_CLI_BATCH_H_
#define MIXMATCH_CLIENT_CLI_BATCH_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::client {

struct BatchQuery {
  size_t line = 0;    // In the file, from 1.
  std::string shown;  // How a table names it.
  v1::SearchRequest request;
};

// A line that begins with { is a SearchRequest in proto3 JSON, any other is words to search for; empty lines are left
// out. What a line does not say (k, target_modalities, filter, group_by, flags) is taken from `defaults`.
// INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<BatchQuery>> ReadBatch(std::istream& in, const v1::SearchRequest& defaults);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_BATCH_H_
