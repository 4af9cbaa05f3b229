// hnswlib as its users compile it: this file alone has -march=native.
#include <hnswlib/hnswlib.h>

#include <memory>

#include "tests/bench/index/graph_options.h"
#include "tests/bench/index/peer.h"

namespace mixmatch::index_bench {
namespace {

class Hnswlib : public Peer {
 public:
  absl::Status Build(const Matrix& base, int threads) override {
    index_.reset();
    space_ = std::make_unique<hnswlib::InnerProductSpace>(base.dim);
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), base.count, kLinks, kBuildBreadth);
    index_->addPoint(base.row(0), 0);  // The first alone: it becomes the entry point.
    InThreads(base.count - 1, threads, [&](int64_t i) { index_->addPoint(base.row(i + 1), i + 1); });
    return absl::OkStatus();
  }

  absl::Status Search(const Matrix& queries, int k, int breadth, int threads, uint32_t* rows) override {
    index_->setEf(breadth);
    InThreads(queries.count, threads, [&](int64_t i) {
      auto found = index_->searchKnn(queries.row(i), k);
      for (int64_t at = found.size(); at > 0; found.pop()) rows[i * k + --at] = found.top().second;  // Farthest first.
    });
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<hnswlib::InnerProductSpace> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace
}  // namespace mixmatch::index_bench

int main() {
  mixmatch::index_bench::Hnswlib peer;
  return mixmatch::index_bench::Serve(peer);
}
