// What every kind of index promises, over the factory's table.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/vector/index_factory.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kDim = 24;  // No multiple of a vector register.
constexpr int kCount = 2000;

class IndexContractTest : public ::testing::TestWithParam<IndexKind> {
 protected:
  IndexContractTest() : index_(*GetParam().make(kDim)) {}

  // Parts 7, 17, 27, ...
  void Fill(const Vectors& vectors, int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(index_->Upsert(10 * i + 7, vectors[i]).ok());
  }

  std::vector<Neighbor> Search(absl::Span<const float> query, SearchOptions options = {}) {
    auto found = index_->Search(query, options);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : std::vector<Neighbor>();
  }

  std::shared_ptr<VectorIndex> index_;
};

TEST_P(IndexContractTest, AnEmptyIndexGivesAnEmptyResult) {
  EXPECT_THAT(Search(Vectors(1, kDim, 2)[0]), IsEmpty());
  EXPECT_EQ(index_->size(), 0);
  EXPECT_EQ(index_->dim(), kDim);
}

TEST_P(IndexContractTest, APartIsItsOwnNearest) {
  const Vectors vectors(kCount, kDim, 2);
  Fill(vectors, kCount);
  int right = 0;
  for (int i = 0; i < kCount; i += 20) right += Search(vectors[i]).front().id == static_cast<PartId>(10 * i + 7);
  EXPECT_GE(right, GetParam().exact ? 100 : 98);
}

TEST_P(IndexContractTest, ResultsComeNearestFirstWithTheInnerProductAsScore) {
  const Vectors vectors(kCount, kDim, 2), queries(1, kDim, 3);
  Fill(vectors, kCount);
  const absl::Span<const float> query = queries[0];
  const std::vector<Neighbor> found = Search(query);
  ASSERT_THAT(found, SizeIs(10));
  for (size_t i = 0; i < found.size(); ++i) {
    double product = 0;
    for (int j = 0; j < kDim; ++j) product += double{query[j]} * vectors[(found[i].id - 7) / 10][j];
    EXPECT_NEAR(found[i].score, product, 1e-5);
    if (i > 0) {
      EXPECT_GE(found[i - 1].score, found[i].score);
    }
  }
}

TEST_P(IndexContractTest, TheNearestAreFound) {
  const Vectors vectors(kCount, kDim, 2), queries(50, kDim, 3);
  Fill(vectors, kCount);
  int found = 0;
  for (int q = 0; q < 50; ++q) {
    std::vector<std::pair<double, PartId>> all;
    for (int i = 0; i < kCount; ++i) {
      double product = 0;
      for (int j = 0; j < kDim; ++j) product += double{queries[q][j]} * vectors[i][j];
      all.emplace_back(-product, 10 * i + 7);
    }
    std::partial_sort(all.begin(), all.begin() + 10, all.end());
    std::set<PartId> right;
    for (int i = 0; i < 10; ++i) right.insert(all[i].second);
    for (PartId id : Ids(Search(queries[q]))) found += right.count(id);
  }
  EXPECT_GE(found, GetParam().exact ? 500 : 475) << "of 500";
}

TEST_P(IndexContractTest, TiesComeBySmallerId) {
  const Vectors vectors(1, kDim, 2);
  for (PartId id : {90, 10, 50, 30, 70}) ASSERT_TRUE(index_->Upsert(id, vectors[0]).ok());
  SearchOptions options;
  options.k = 3;
  EXPECT_THAT(Ids(Search(vectors[0], options)), ElementsAre(10, 30, 50));
}

TEST_P(IndexContractTest, MoreThanThereAreGivesAll) {
  const Vectors vectors(300, kDim, 2);
  Fill(vectors, 300);
  SearchOptions options;
  options.k = 1'000'000'000;
  EXPECT_THAT(Search(vectors[0], options), SizeIs(300));
}

TEST_P(IndexContractTest, UpsertReplaces) {
  const Vectors vectors(kCount + 1, kDim, 2);
  Fill(vectors, kCount);
  ASSERT_TRUE(index_->Upsert(7, vectors[kCount]).ok());
  EXPECT_EQ(index_->size(), kCount);
  EXPECT_THAT(*index_->Get(7), ::testing::ElementsAreArray(vectors[kCount]));
  EXPECT_EQ(Search(vectors[kCount]).front().id, 7);
  SearchOptions options;
  options.k = kCount;
  const std::vector<PartId> ids = Ids(Search(vectors[0], options));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), PartId{7}), 1);
}

TEST_P(IndexContractTest, ARemovedPartIsNeverReturned) {
  const Vectors vectors(kCount, kDim, 2);
  Fill(vectors, kCount);
  for (int i = 0; i < kCount; i += 2) ASSERT_TRUE(index_->Remove(10 * i + 7).ok());
  EXPECT_EQ(index_->size(), kCount / 2);
  EXPECT_EQ(index_->Get(7).status().code(), absl::StatusCode::kNotFound);
  for (int i = 0; i < kCount; i += 10) {
    for (PartId id : Ids(Search(vectors[i]))) EXPECT_EQ((id - 7) / 10 % 2, 1);
  }
  SearchOptions options;
  options.k = kCount;
  EXPECT_THAT(Search(vectors[0], options), SizeIs(kCount / 2));
}

TEST_P(IndexContractTest, AllCanBeRemovedAndComeBack) {
  const Vectors vectors(600, kDim, 2);
  Fill(vectors, 600);
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(index_->Remove(10 * i + 7).ok());
  EXPECT_THAT(Search(vectors[0]), IsEmpty());
  Fill(vectors, 600);
  EXPECT_THAT(Search(vectors[0]), SizeIs(10));
}

TEST_P(IndexContractTest, RemovingOrGettingAnAbsentPartIsNotFound) {
  EXPECT_EQ(index_->Remove(1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(index_->Get(1).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(index_->Upsert(1, Vectors(1, kDim, 2)[0]).ok());
  ASSERT_TRUE(index_->Remove(1).ok());
  EXPECT_EQ(index_->Remove(1).code(), absl::StatusCode::kNotFound);
}

TEST_P(IndexContractTest, AFilterIsHonouredAndFindsAllThatPassIt) {
  const Vectors vectors(kCount, kDim, 2);
  Fill(vectors, kCount);
  for (int every : {2, 10, 200, 1000, kCount, 2 * kCount}) {
    const PartFilter filter = [&](PartId id) { return (id - 7) / 10 % every == 0 && id != 7; };
    const size_t passing = (kCount - 1) / every;
    for (int64_t hint : {int64_t{0}, static_cast<int64_t>(passing)}) {
      SearchOptions options;
      options.filter = &filter;
      options.filter_matches = hint;
      const std::vector<Neighbor> found = Search(vectors[3], options);
      EXPECT_THAT(found, SizeIs(std::min<size_t>(10, passing))) << "one in " << every;
      for (PartId id : Ids(found)) EXPECT_TRUE(filter(id));
    }
  }
}

TEST_P(IndexContractTest, BadVectorsAndQueriesAreRefused) {
  const Vectors vectors(1, kDim, 2);
  std::vector<float> bad(vectors[0].begin(), vectors[0].end());
  for (float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    bad[kDim - 1] = value;
    EXPECT_EQ(index_->Upsert(1, bad).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(index_->Search(bad, {}).status().code(), absl::StatusCode::kInvalidArgument);
  }
  bad.pop_back();
  EXPECT_EQ(index_->Upsert(1, bad).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(index_->Search(bad, {}).status().code(), absl::StatusCode::kInvalidArgument);
  SearchOptions options;
  options.k = 0;
  EXPECT_EQ(index_->Search(vectors[0], options).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(index_->size(), 0);
}

TEST_P(IndexContractTest, EqualVectorsWithoutNumberAreAllFound) {
  const Vectors vectors(1, kDim, 2);
  for (PartId id = 0; id < 1000; ++id) ASSERT_TRUE(index_->Upsert(id, vectors[0]).ok());
  EXPECT_THAT(Search(vectors[0]), SizeIs(10));
}

INSTANTIATE_TEST_SUITE_P(AllKinds, IndexContractTest, ::testing::ValuesIn(IndexKinds().begin(), IndexKinds().end()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(c); }, '_');
                           return name;
                         });

TEST(IndexFactoryTest, AnUnknownKindIsRefusedWithTheKnownOnes) {
  const auto index = MakeIndex("ivf", 8);
  EXPECT_EQ(index.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(index.status().message()), ::testing::HasSubstr("segmented"));
  EXPECT_FALSE(MakeIndex("flat", 0).ok());
  EXPECT_TRUE(MakeIndex("flat", 8).ok());
}

}  // namespace
}  // namespace mixmatch::index
