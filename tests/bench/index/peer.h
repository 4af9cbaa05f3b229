// One index under measurement, as a process that the bench talks to: a JSON object a line, in and out.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_PEER_H_
#define MIXMATCH_TESTS_BENCH_INDEX_PEER_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/index/truth.h"

namespace mixmatch::index_bench {

class Peer {
 public:
  virtual ~Peer() = default;

  // Anew, of all rows; each is known by its number. Copies the values.
  virtual absl::Status Build(const Matrix& base, int threads) = 0;

  // Rows of the k nearest of each query, [queries.count, k], kNone where there are fewer. `breadth` is ef or the like;
  // 0 is the peer's own default.
  virtual absl::Status Search(const Matrix& queries, int k, int breadth, int threads, uint32_t* rows) = 0;

  // Requests that only this peer knows.
  virtual absl::StatusOr<nlohmann::json> Other(const nlohmann::json& request);
};

// Calls search(i) for every i below count, once each, from this many threads.
void InThreads(int64_t count, int threads, const std::function<void(int64_t)>& call);

// Answers requests from standard input until it ends; the exit status.
//   {"do": "build", "base": FILE, "count": N, "dim": D, "threads": T}  ->  {"seconds": S, "bytes": resident}
//   {"do": "search", "queries": FILE, "count": N, "dim": D, "k": K, "breadth": B, "threads": T, "seconds": at least,
//    "answers": FILE}  ->  {"queries": N, "seconds": S}; the file has the rows as uint32.
// An answer with "error" says why there is no other.
int Serve(Peer& peer);

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_PEER_H_
