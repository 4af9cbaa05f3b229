// Exact scans by sketches against products with every row.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "index/vector/flat/flat_index.h"
#include "index/vector/scan.h"
#include "index/vector/segmented_index.h"
#include "index/vector/sketches.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

using Matrix = std::vector<std::vector<float>>;

void ToUnit(std::vector<float>& vector) {
  double square = 0;
  for (float value : vector) square += double{value} * value;
  for (float& value : vector) value /= static_cast<float>(std::sqrt(square));
}

Matrix Clustered(int count, int dim, int seed) {
  const Vectors vectors(count, dim, seed);
  Matrix all;
  for (int i = 0; i < count; ++i) all.emplace_back(vectors[i].begin(), vectors[i].end());
  return all;
}

// A few vectors, each many times over with a little noise.
Matrix NearDuplicates(int count, int dim, float noise, int seed) {
  const Matrix originals = Clustered(5, dim, 99);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, noise / std::sqrt(static_cast<float>(dim)));
  Matrix all;
  for (int i = 0; i < count; ++i) {
    all.push_back(originals[i % 5]);
    for (float& value : all.back()) value += normal(random);
    ToUnit(all.back());
  }
  return all;
}

// Few values that are not 0, in places that rows share.
Matrix Sparse(int count, int dim, int seed) {
  std::mt19937 random(seed);
  Matrix all;
  for (int i = 0; i < count; ++i) {
    all.emplace_back(dim);
    for (int j = 0; j < 6; ++j) all.back()[random() % 40 * 3] = 1 + static_cast<float>(random() % 4);
    ToUnit(all.back());
  }
  return all;
}

// Share of the exact 10 nearest that the index finds.
double RecallOf(const Matrix& rows, const Matrix& queries, int dim) {
  const auto index = *FlatIndex::Create(dim);
  Rows plain(dim);
  std::vector<PartId> ids;
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(index->Upsert(i, rows[i]).ok());
    plain.Append(rows[i].data());
    ids.push_back(i);
  }
  int64_t same = 0, wanted = 0;
  for (const std::vector<float>& query : queries) {
    TopK exact(10);
    Scan(plain, nullptr, PaddedCopy(query).get(), ids, [](int64_t) { return true; },
         -std::numeric_limits<float>::infinity(), nullptr, exact);
    const std::vector<PartId> truth = Ids(exact.Take()), found = Ids(*index->Search(query, {}));
    wanted += truth.size();
    for (PartId id : truth) same += std::find(found.begin(), found.end(), id) != found.end();
  }
  return static_cast<double>(same) / wanted;
}

TEST(ScanTest, FindsTheNearestOfClusters) {
  EXPECT_GE(RecallOf(Clustered(6000, 512, 2), Clustered(200, 512, 3), 512), 0.999);
}

TEST(ScanTest, FindsTheNearestOfNearDuplicates) {
  for (float noise : {0.3f, 0.03f, 0.001f}) {
    EXPECT_GE(RecallOf(NearDuplicates(4000, 512, noise, 2), NearDuplicates(100, 512, noise, 3), 512), 0.999) << noise;
  }
}

TEST(ScanTest, FindsTheNearestOfSparseVectorsAndOfOtherDimensions) {
  EXPECT_GE(RecallOf(Sparse(4000, 512, 2), Sparse(100, 512, 3), 512), 0.999);
  for (int dim : {256, 300, 768}) EXPECT_GE(RecallOf(Clustered(2000, dim, 2), Clustered(50, dim, 3), dim), 0.999) << dim;
}

TEST(ScanTest, FindsTheNearestOfVectorsOfAnyLength) {
  Matrix rows = Clustered(3000, 512, 2);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (float& value : rows[i]) value *= 0.01f * static_cast<float>(i % 700);
  }
  Matrix queries = Clustered(50, 512, 3);
  for (std::vector<float>& query : queries) {
    for (float& value : query) value *= 40;
  }
  queries.emplace_back(512);  // Everything is as near to nothing.
  EXPECT_GE(RecallOf(rows, queries, 512), 0.999);
}

TEST(ScanTest, WhatIsReplacedOrRemovedIsNotFoundWhereItWas) {
  const Matrix rows = Clustered(1000, 512, 2), others = Clustered(1000, 512, 4);
  const auto index = *FlatIndex::Create(512);
  for (size_t i = 0; i < rows.size(); ++i) ASSERT_TRUE(index->Upsert(i, rows[i]).ok());
  for (size_t i = 0; i < 500; ++i) ASSERT_TRUE(index->Upsert(i, others[i]).ok());
  for (size_t i = 900; i < 1000; ++i) ASSERT_TRUE(index->Remove(i - 600).ok());
  for (size_t i = 0; i < 1000; ++i) {
    if (i >= 300 && i < 400) continue;
    EXPECT_EQ(index->Search(i < 500 ? others[i] : rows[i], {})->front().id, i);
  }
}

TEST(ScanTest, AFilterAndAFloorLeaveTheNearestThatPass) {
  const Matrix rows = Clustered(3000, 512, 2), queries = Clustered(50, 512, 3);
  const auto index = *FlatIndex::Create(512);
  for (size_t i = 0; i < rows.size(); ++i) ASSERT_TRUE(index->Upsert(i, rows[i]).ok());
  const PartFilter filter = [](PartId id) { return id % 7 == 0; };
  for (const std::vector<float>& query : queries) {
    SearchOptions options;
    options.k = 3000;
    std::vector<Neighbor> all = *index->Search(query, options);
    ASSERT_EQ(all.size(), 3000);
    all.erase(std::remove_if(all.begin(), all.end(), [](const Neighbor& n) { return n.id % 7 != 0; }), all.end());
    options.filter = &filter;
    options.k = 20;
    const std::vector<Neighbor> found = *index->Search(query, options);
    TopK above(20);
    index->SearchInto(PaddedCopy(query).get(), &filter, all[9].score, nullptr, above);
    const std::vector<Neighbor> few = above.Take();
    ASSERT_GE(few.size(), 10);
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(found[i].id, all[i].id);
      if (i < 10) {
        EXPECT_EQ(few[i].id, all[i].id);
      }
    }
  }
}

TEST(ScanTest, FewRowsAreReadWhereTheyDiffer) {
  const Matrix rows = Clustered(6000, 512, 2), queries = Clustered(20, 512, 3);
  Sketches sketches(512);
  for (const std::vector<float>& row : rows) sketches.Append(row.data());
  int64_t near = 0;
  for (const std::vector<float>& query : queries) {
    std::vector<float> scores;
    for (const std::vector<float>& row : rows) {
      scores.push_back(BestKernels().dot(PaddedCopy(query).get(), PaddedCopy(row).get(), 512));
    }
    std::nth_element(scores.begin(), scores.begin() + 9, scores.end(), std::greater<>());
    const SketchQuery sketched = sketches.Query(query.data());
    const float least = sketches.Least(sketched, scores[9]);
    std::vector<float> estimates(rows.size());
    for (int64_t first = 0; first < sketches.size(); first += Rows::kBlock) {
      const int64_t count = std::min(Rows::kBlock, sketches.size() - first);
      sketches.Estimate(sketched, first, count, &estimates[first]);
    }
    for (float estimate : estimates) near += estimate >= least;
  }
  EXPECT_LT(near, static_cast<int64_t>(queries.size() * rows.size() / 10));
}

TEST(ScanTest, EndsWithCancelledWhenItIsToldToStop) {
  const Matrix rows = Clustered(3000, 512, 2);
  SegmentedIndexOptions options;
  options.memtable_limit = 1000;
  options.exact_below = 1'000'000;
  const auto index = *SegmentedIndex::Create(options, 1);
  for (size_t i = 0; i < 2000; ++i) ASSERT_TRUE(index->Upsert(i, rows[i]).ok());
  while (*index->Maintain()) {
  }
  for (size_t i = 2000; i < 2900; ++i) ASSERT_TRUE(index->Upsert(i, rows[i]).ok());
  int asked = 0;
  for (int at : {0, 1, 2, 3, 4}) {
    asked = 0;
    const StopCheck stop = [&] { return asked++ >= at; };
    SearchOptions search;
    search.stop = &stop;
    EXPECT_EQ(index->Search(rows[0], search).status().code(), absl::StatusCode::kCancelled) << at;
    EXPECT_LE(asked, at + 3);
  }
  const StopCheck never = [&] { return ++asked < 0; };
  asked = 0;
  SearchOptions search;
  search.stop = &never;
  EXPECT_TRUE(index->Search(rows[0], search).ok());
  EXPECT_GT(asked, 4);
}

}  // namespace
}  // namespace mixmatch::index
