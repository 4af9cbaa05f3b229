#include "server/durable_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "proto/base/sha256.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;

class DurableFilesTest : public testing::Test {
 protected:
  DurableFilesTest() : folder_(testing::TempDir() + "/durable_files") { fs::remove_all(folder_); }
  ~DurableFilesTest() override { fs::remove_all(folder_); }
  const std::string folder_;
};

TEST_F(DurableFilesTest, AFileIsReplacedAsAWholeAndReadBack) {
  const std::string path = folder_ + "/below/file";
  ASSERT_TRUE(WriteDurably(path, "first").ok());
  ASSERT_TRUE(WriteDurably(path, std::string(3 << 20, 'x')).ok());
  EXPECT_EQ(ReadWhole(path).value(), std::string(3 << 20, 'x'));
  EXPECT_FALSE(fs::exists(path + ".tmp"));
  EXPECT_EQ(BytesBelow(folder_), 3u << 20);
  EXPECT_TRUE(absl::IsNotFound(ReadWhole(folder_ + "/none").status()));
}

TEST_F(DurableFilesTest, ACopyThatIsNotWhatWasWantedOrIsCancelledLeavesNothing) {
  const std::string path = folder_ + "/file";
  ASSERT_TRUE(WriteDurably(path, "words").ok());
  const std::string digest = HashFile(path).value();
  EXPECT_TRUE(CopyDurably(path, folder_ + "/same", digest).ok());
  EXPECT_EQ(ReadWhole(folder_ + "/same").value(), "words");
  EXPECT_TRUE(absl::IsDataLoss(CopyDurably(path, folder_ + "/other", std::string(32, 'x'))));
  EXPECT_TRUE(absl::IsCancelled(CopyDurably(path, folder_ + "/other", digest, [](uint64_t) { return false; })));
  EXPECT_FALSE(fs::exists(folder_ + "/other"));
  EXPECT_FALSE(fs::exists(folder_ + "/other.tmp"));
}

}  // namespace
}  // namespace mixmatch::server
