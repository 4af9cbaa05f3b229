#include "index/store/store_backup.h"

#include <fstream>

#include "index/store/store_check.h"
#include "tests/index/store/open_store.h"

namespace mixmatch::index {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreBackupTest : public StoreTest {
 protected:
  StoreBackupTest() : folder_(path_ + "-backups") {}
  ~StoreBackupTest() override {
    fs::remove_all(folder_);
    fs::remove_all(folder_ + "-restored");
  }

  void Put(uint64_t id) {
    ASSERT_TRUE(store_->AppendContent(id, 0, std::string(20'000, static_cast<char>(id))).ok());
    ASSERT_TRUE(Commit([&](StoreBatch& batch) { batch.PutItem(Item(id, "named")); }, /*sync=*/true).ok());
  }
  static uint64_t BytesIn(const std::string& folder) {
    uint64_t bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(folder)) {
      if (file.is_regular_file()) bytes += file.file_size();
    }
    return bytes;
  }
  static std::vector<uint32_t> Ids(const StoreBackups& backups) {
    std::vector<uint32_t> ids;
    for (const StoreBackup& backup : backups.List()) ids.push_back(backup.id);
    return ids;
  }
  // Flips a byte in the middle of the largest file below `folder`.
  static void Damage(const std::string& folder) {
    fs::path largest;
    for (const auto& file : fs::recursive_directory_iterator(folder)) {
      if (file.is_regular_file() && (largest.empty() || file.file_size() > fs::file_size(largest))) largest = file.path();
    }
    std::fstream stream(largest, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<int64_t>(fs::file_size(largest) / 2);
    stream.seekg(middle);
    const char byte = static_cast<char>(stream.get());
    stream.seekp(middle);
    stream.put(static_cast<char>(byte ^ 0x55));
  }

  const std::string folder_;
};

TEST_F(StoreBackupTest, ACopyHasWhatWasCommittedBeforeItsMomentAndNothingThatCameAfter) {
  Put(1);
  auto backups = StoreBackups::Open(folder_).value();
  StoreBackupHooks hooks;
  int moments = 0;
  hooks.moment_passed = [&] {
    ++moments;
    Put(2);
  };
  const auto made = backups->Create(*store_, hooks);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(moments, 1);
  ASSERT_TRUE(backups->Verify(made->id).ok());
  ASSERT_TRUE(backups->Restore(made->id, folder_ + "-restored").ok());
  const auto restored = Store::Open({folder_ + "-restored"});
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_TRUE((*restored)->GetItem(1).ok());
  EXPECT_TRUE(absl::IsNotFound((*restored)->GetItem(2).status()));
  EXPECT_TRUE(store_->GetItem(2).ok());
}

TEST_F(StoreBackupTest, ASecondCopySharesTheFilesOfTheFirstAndOutlivesItsDeletion) {
  for (uint64_t id = 1; id <= 50; ++id) Put(id);
  auto backups = StoreBackups::Open(folder_).value();
  const uint32_t first = backups->Create(*store_, {}).value().id;
  const uint64_t one = BytesIn(folder_);
  Put(51);
  const uint32_t second = backups->Create(*store_, {}).value().id;
  EXPECT_LT(BytesIn(folder_) - one, one / 2);
  ASSERT_TRUE(backups->Delete(first).ok());
  EXPECT_THAT(Ids(*backups), ElementsAre(second));
  EXPECT_TRUE(backups->Verify(second).ok());
  EXPECT_TRUE(absl::IsNotFound(backups->Delete(first))) << backups->Delete(first);
}

TEST_F(StoreBackupTest, ACancelledCopyIsNoCopyAndLeavesNoGarbage) {
  for (uint64_t id = 1; id <= 50; ++id) Put(id);
  auto backups = StoreBackups::Open(folder_).value();
  StoreBackupHooks hooks;
  hooks.progress = [](uint64_t) { return false; };
  const absl::Status cancelled = backups->Create(*store_, hooks).status();
  EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
  EXPECT_THAT(backups->List(), IsEmpty());
  ASSERT_TRUE(backups->CollectGarbage().ok());
  EXPECT_LT(BytesIn(folder_), 10'000u);
  backups = StoreBackups::Open(folder_).value();
  EXPECT_TRUE(backups->Create(*store_, {}).ok());
}

TEST_F(StoreBackupTest, ADamagedFileOfACopyIsDataLoss) {
  for (uint64_t id = 1; id <= 10; ++id) Put(id);
  uint32_t id = 0;
  {
    auto backups = StoreBackups::Open(folder_).value();
    id = backups->Create(*store_, {}).value().id;
  }
  Damage(folder_);
  auto backups = StoreBackups::OpenReadOnly(folder_).value();
  EXPECT_TRUE(absl::IsDataLoss(backups->Verify(id))) << backups->Verify(id);
  EXPECT_TRUE(absl::IsNotFound(backups->Verify(id + 1))) << backups->Verify(id + 1);
}

class StoreCheckTest : public StoreBackupTest {
 protected:
  std::vector<std::string> DamagedFiles() {
    std::vector<std::string> files;
    const absl::Status checked = CheckFiles(
        *store_, [&](const std::string& file, const std::string&) { files.push_back(file); },
        [](uint64_t, uint64_t) { return true; });
    EXPECT_TRUE(checked.ok()) << checked;
    return files;
  }
  std::vector<std::string> Unreadable() {
    std::vector<std::string> records;
    const absl::Status checked = CheckRecords(
        *store_, [&](const std::string& family, const std::string& key) { records.push_back(family + " " + key); },
        [] { return true; });
    EXPECT_TRUE(checked.ok()) << checked;
    return records;
  }
};

TEST_F(StoreCheckTest, AWholeStoreHasNothingDamaged) {
  for (uint64_t id = 1; id <= 20; ++id) Put(id);
  std::atomic<bool> stop{false};
  ASSERT_TRUE(Compact(*store_, stop, [](int, int) {}).ok());
  EXPECT_THAT(DamagedFiles(), IsEmpty());
  EXPECT_THAT(Unreadable(), IsEmpty());
}

TEST_F(StoreCheckTest, AFlippedByteInAFileOfTheDatabaseIsFound) {
  for (uint64_t id = 1; id <= 20; ++id) Put(id);
  std::atomic<bool> stop{false};
  ASSERT_TRUE(Compact(*store_, stop, [](int, int) {}).ok());  // All that was in the log is in files now.
  Reopen();
  fs::path blob;
  for (const auto& file : fs::directory_iterator(path_)) {
    if (file.path().extension() == ".blob") blob = file.path();
  }
  ASSERT_FALSE(blob.empty());
  std::fstream stream(blob, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<int64_t>(fs::file_size(blob) / 2));
  stream.put('!');
  stream.close();
  EXPECT_THAT(DamagedFiles(), ElementsAre(blob.filename().string()));
}

TEST_F(StoreCheckTest, ContentThatWasDeletedIsGoneFromDiskAfterACompaction) {
  for (uint64_t id = 1; id <= 100; ++id) Put(id);
  std::atomic<bool> stop{false};
  ASSERT_TRUE(Compact(*store_, stop, [](int, int) {}).ok());
  const uint64_t full = store_->DiskBytes().value();
  for (uint64_t id = 1; id <= 90; ++id) {
    ASSERT_TRUE(Commit([&](StoreBatch& batch) {
                  batch.DeleteItem(id);
                  batch.DeleteContent(id);
                }).ok());
  }
  ASSERT_TRUE(Compact(*store_, stop, [](int, int) {}).ok());
  EXPECT_LT(store_->DiskBytes().value(), full / 2);
  EXPECT_EQ(ContentSize(*store_, 100).value(), 20'000u);
  EXPECT_TRUE(absl::IsNotFound(ContentSize(*store_, 1).status()));
}

}  // namespace
}  // namespace mixmatch::index
