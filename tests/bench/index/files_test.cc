#include "tests/bench/index/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mixmatch::index_bench {
namespace {

TEST(MappedMatrixTest, ReadsTheFirstRowsOfWhatWasWritten) {
  const std::string path = testing::TempDir() + "/mapped-matrix";
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(WriteFile(path, values.data(), values.size() * sizeof(float)).ok());
  const auto two = MappedMatrix::Open(path, 2, 2);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ((*two)->matrix().count, 2);
  EXPECT_EQ((*two)->matrix().row(1)[1], 4);
  const auto all = MappedMatrix::Open(path, 0, 2);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ((*all)->matrix().count, 3);
}

TEST(MappedMatrixTest, MoreRowsThanTheFileHasAreRefused) {
  const std::string path = testing::TempDir() + "/mapped-matrix-short";
  const std::vector<float> values = {1, 2, 3, 4};
  ASSERT_TRUE(WriteFile(path, values.data(), values.size() * sizeof(float)).ok());
  EXPECT_EQ(MappedMatrix::Open(path, 3, 2).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MappedMatrix::Open(path + "-absent", 1, 2).status().code(), absl::StatusCode::kNotFound);
}

TEST(ResidentBytesTest, GrowsByWhatIsAllocatedAndTouched) {
  const int64_t before = ResidentBytes();
  const std::vector<char> memory(64 << 20, 1);
  EXPECT_GT(ResidentBytes() - before, (60 << 20) * int64_t{memory[0]});
}

}  // namespace
}  // namespace mixmatch::index_bench
