// FAISS as packaged: IndexHNSWFlat by inner product.
#include <faiss/IndexHNSW.h>
#include <omp.h>

#include <memory>

#include "tests/bench/index/graph_options.h"
#include "tests/bench/index/peer.h"

namespace mixmatch::index_bench {
namespace {

class Faiss : public Peer {
 public:
  absl::Status Build(const Matrix& base, int threads) override {
    omp_set_num_threads(threads);
    index_.reset();
    index_ = std::make_unique<faiss::IndexHNSWFlat>(base.dim, kLinks, faiss::METRIC_INNER_PRODUCT);
    index_->hnsw.efConstruction = kBuildBreadth;
    index_->add(base.count, base.values);
    return absl::OkStatus();
  }

  absl::Status Search(const Matrix& queries, int k, int breadth, int threads, uint32_t* rows) override {
    omp_set_num_threads(threads);
    index_->hnsw.efSearch = breadth;
    std::vector<float> scores(queries.count * k);
    std::vector<faiss::Index::idx_t> found(queries.count * k);
    index_->search(queries.count, queries.values, k, scores.data(), found.data());
    for (size_t i = 0; i < found.size(); ++i) rows[i] = found[i] < 0 ? kNone : static_cast<uint32_t>(found[i]);
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<faiss::IndexHNSWFlat> index_;
};

}  // namespace
}  // namespace mixmatch::index_bench

int main() {
  mixmatch::index_bench::Faiss peer;
  return mixmatch::index_bench::Serve(peer);
}
