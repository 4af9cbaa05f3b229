// index_bench_data: vectors of the bench and their exact neighbors.
//   index_bench_data clusters OUT FIRST_ROW COUNT SEED            rows of the clusters, f32
//   index_bench_data truth BASE COUNT QUERIES DIM K OUT           rows nearest to each query, uint32
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "proto/base/status_macros.h"
#include "tests/bench/index/clusters.h"
#include "tests/bench/index/files.h"
#include "tests/bench/index/peer.h"
#include "tests/bench/index/truth.h"

namespace mixmatch::index_bench {
namespace {

constexpr int64_t kChunk = 10'000;  // Rows made before they are written.

absl::Status WriteClusters(const std::string& path, uint64_t first, int64_t count, uint64_t seed) {
  ClusterOptions options;
  options.seed = seed;
  const Clusters clusters(options);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (int64_t at = 0; at < count; at += kChunk) {
    const int64_t rows = std::min(kChunk, count - at);
    std::vector<float> values(rows * clusters.dim());
    InThreads(rows, sysconf(_SC_NPROCESSORS_ONLN),
              [&](int64_t i) { clusters.Row(first + at + i, &values[i * clusters.dim()]); });
    out.write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  out.close();
  return out ? absl::OkStatus() : absl::InternalError("cannot write " + path);
}

absl::Status WriteTruth(const std::string& base_path, int64_t count, const std::string& query_path, int dim, int k,
                        const std::string& path) {
  MIXMATCH_ASSIGN_OR_RETURN(const auto base, MappedMatrix::Open(base_path, count, dim));
  MIXMATCH_ASSIGN_OR_RETURN(const auto queries, MappedMatrix::Open(query_path, 0, dim));
  const std::vector<uint32_t> truth = ExactNeighbors(base->matrix(), queries->matrix(), k);
  return WriteFile(path, truth.data(), truth.size() * sizeof(uint32_t));
}

absl::Status Run(const std::vector<std::string>& words) {
  if (words.size() == 5 && words[0] == "clusters") {
    return WriteClusters(words[1], std::stoull(words[2]), std::stoll(words[3]), std::stoull(words[4]));
  }
  if (words.size() == 7 && words[0] == "truth") {
    return WriteTruth(words[1], std::stoll(words[2]), words[3], std::stoi(words[4]), std::stoi(words[5]), words[6]);
  }
  return absl::InvalidArgumentError("clusters OUT FIRST COUNT SEED, or truth BASE COUNT QUERIES DIM K OUT");
}

}  // namespace
}  // namespace mixmatch::index_bench

int main(int argc, char** argv) {
  const absl::Status status = mixmatch::index_bench::Run({argv + 1, argv + argc});
  if (!status.ok()) std::cerr << "index_bench_data: " << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
