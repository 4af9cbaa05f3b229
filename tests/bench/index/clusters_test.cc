#include "tests/bench/index/clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/bench/index/truth.h"

namespace mixmatch::index_bench {
namespace {

std::vector<float> Rows(const Clusters& clusters, uint64_t first, int count) {
  std::vector<float> values(count * clusters.dim());
  for (int i = 0; i < count; ++i) clusters.Row(first + i, &values[i * clusters.dim()]);
  return values;
}

TEST(ClustersTest, ARowIsTheSameWhateverWasMadeBefore) {
  const Clusters one(ClusterOptions{}), other(ClusterOptions{});
  Rows(other, 500, 20);
  EXPECT_EQ(Rows(one, 7, 1), Rows(other, 7, 1));
}

TEST(ClustersTest, RowsAndSeedsDiffer) {
  ClusterOptions options;
  const Clusters clusters(options);
  EXPECT_NE(Rows(clusters, 0, 1), Rows(clusters, 1, 1));
  options.seed = 2;
  EXPECT_NE(Rows(clusters, 0, 1), Rows(Clusters(options), 0, 1));
}

TEST(ClustersTest, VectorsHaveUnitLength) {
  const std::vector<float> values = Rows(Clusters(ClusterOptions{}), 1ull << 40, 50);
  for (int i = 0; i < 50; ++i) {
    const float* row = &values[i * 512];
    EXPECT_NEAR(std::inner_product(row, row + 512, row, 0.0), 1.0, 1e-5);
  }
}

TEST(ClustersTest, NearestNeighborsAreOfTheOwnClusterMoreOftenThanByChanceButNotAlways) {
  const Clusters clusters(ClusterOptions{});
  const int count = 20'000, queries = 100, k = 10;
  const std::vector<float> base = Rows(clusters, 0, count), asked = Rows(clusters, 1ull << 40, queries);
  const std::vector<uint32_t> nearest = ExactNeighbors({base.data(), count, 512}, {asked.data(), queries, 512}, k);
  int own = 0;
  for (int i = 0; i < queries * k; ++i) {
    own += clusters.ClusterOf(nearest[i]) == clusters.ClusterOf((1ull << 40) + i / k);
  }
  EXPECT_GT(own, 20 * queries * k / 1000);  // By chance one in a thousand.
  EXPECT_LT(own, queries * k * 9 / 10);
}

}  // namespace
}  // namespace mixmatch::index_bench
