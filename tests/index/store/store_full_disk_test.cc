#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/store/store.h"

namespace mixmatch::index {
namespace {

constexpr size_t kPiece = 1 << 20;

// A small disk of its own, gone afterwards.
class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mixmatch_disk_XXXXXX").string();
    disk_ = mkdtemp(pattern.data());
    if (mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=128m") != 0) {
      GTEST_SKIP() << "cannot mount a disk here: " << strerror(errno);
    }
    mounted_ = true;
  }
  ~FullDiskTest() override {
    store_.reset();
    if (mounted_) umount2(disk_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(disk_, ignored);
  }

  void Reopen() {
    store_.reset();
    auto store = Store::Open({disk_ + "/store"});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  // An item and a piece of content in one, the item synced.
  absl::Status Put(uint64_t id) {
    absl::Status status = store_->AppendContent(id, 0, std::string(kPiece, static_cast<char>('a' + id % 26)));
    if (!status.ok()) return status;
    std::unique_ptr<StoreBatch> batch = store_->NewBatch();
    storage::ItemRecord record;
    record.mutable_item()->set_item_id(id);
    batch->PutItem(record);
    return store_->Commit(std::move(batch), /*sync=*/true);
  }

  void ExpectWhole(uint64_t id) {
    EXPECT_TRUE(store_->GetItem(id).ok()) << id;
    std::string content;
    EXPECT_TRUE(store_->ReadContent(id, 0, UINT64_MAX, [&](absl::string_view piece) {
      content.append(piece.data(), piece.size());
      return true;
    }).ok());
    EXPECT_EQ(content, std::string(kPiece, static_cast<char>('a' + id % 26))) << id;
  }

  std::string disk_;
  bool mounted_ = false;
  std::unique_ptr<Store> store_;
};

TEST_F(FullDiskTest, WritesGoOnWithoutARestartOnceThereIsRoomAgainAndNothingAckedIsLost) {
  Reopen();
  const std::string ballast = disk_ + "/ballast";
  std::ofstream(ballast) << std::string(80 << 20, 'x');
  uint64_t next = 1;
  absl::Status status;
  while ((status = Put(next)).ok()) ASSERT_LT(++next, 128u) << "the disk never filled";
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(absl::IsResourceExhausted(Put(next))) << "still full";
  for (uint64_t id = 1; id < next; ++id) ExpectWhole(id);  // Reads go on.

  std::filesystem::remove(ballast);
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (!(status = Put(next)).ok() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(10));
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(Put(next + 1).ok());
  for (uint64_t id = 1; id <= next + 1; ++id) ExpectWhole(id);
  Reopen();
  for (uint64_t id = 1; id <= next + 1; ++id) ExpectWhole(id);
}

}  // namespace
}  // namespace mixmatch::index
