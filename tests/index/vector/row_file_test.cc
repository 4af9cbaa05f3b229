#include "index/vector/row_file.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/vector/rows.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

class RowFileTest : public ::testing::Test {
 protected:
  RowFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mixmatch_rows_XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~RowFileTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(RowFileTest, RowsReadBackBothWaysAndTheFileHasNoName) {
  constexpr int kDim = 100, kCount = 3000;
  const Vectors vectors(kCount, kDim, 1);
  auto writer = RowFileWriter::Create(directory_ + "/made/if/need/be");
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (int i = 0; i < kCount; ++i) (*writer)->Append(PaddedCopy(vectors[i]).get(), StrideOf(kDim));
  auto file = (*writer)->Finish();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/made/if/need/be"));
  const Rows rows(kDim, *file);
  ASSERT_EQ(rows.size(), kCount);
  EXPECT_TRUE(rows.on_disk());
  EXPECT_EQ(rows.bytes_in_memory(), 0);
  const AlignedFloats buffer = NewAlignedFloats(rows.stride());
  for (int i = 0; i < kCount; i += 17) {
    EXPECT_THAT(rows.vector(i), ::testing::ElementsAreArray(vectors[i]));
    const float* fetched = rows.Fetch(i, buffer.get());
    EXPECT_EQ(fetched, buffer.get());
    EXPECT_THAT(absl::MakeSpan(fetched, kDim), ::testing::ElementsAreArray(vectors[i]));
  }
  rows.ForgetPages();
  EXPECT_THAT(rows.vector(kCount - 1), ::testing::ElementsAreArray(vectors[kCount - 1]));
}

TEST_F(RowFileTest, NoRowsAreAFileToo) {
  auto file = (*RowFileWriter::Create(directory_))->Finish();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Rows(8, *file).size(), 0);
}

TEST_F(RowFileTest, APlaceThatCannotBeWrittenIsAnErrorWithThePath) {
  const absl::Status status = RowFileWriter::Create("/dev/null/below").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/dev/null/below"));
}

}  // namespace
}  // namespace mixmatch::index
