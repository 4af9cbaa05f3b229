#include "server/backup/backup_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "proto/base/sha256.h"
#include "server/durable_files.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool GoOn(uint64_t) { return true; }

class BackupFolderTest : public testing::Test {
 protected:
  BackupFolderTest() : path_(testing::TempDir() + "/backup_folder") {
    fs::remove_all(path_);
    store_ = index::Store::Open({path_ + "/data/store"}).value();
    EXPECT_TRUE(WriteDurably(path_ + "/data/trunks/trunk-0.bin", "weights").ok());
  }
  ~BackupFolderTest() override {
    store_.reset();
    fs::remove_all(path_);
  }
  std::string folder() const { return path_ + "/backups"; }

  BackupFolder::Record Make(BackupFolder& backups, bool commit = true) {
    BackupFolder::Record record;
    *record.add_files() = backups.AddFile(path_ + "/data/trunks/trunk-0.bin", "trunks/trunk-0.bin", GoOn).value();
    const index::StoreBackup made = backups.store().Create(*store_, {}).value();
    record.mutable_set()->set_backup_id(made.id);
    record.mutable_set()->set_bytes(made.bytes + 7);
    if (commit) {
      EXPECT_TRUE(backups.Commit(record).ok());
    }
    return record;
  }
  // A record with this content, whole in itself.
  void Forge(const BackupFolder::Record& record) {
    std::string bytes = record.SerializeAsString();
    Sha256 hash;
    hash.Update(bytes);
    std::ofstream(folder() + "/sets/" + std::to_string(record.set().backup_id()), std::ios::binary) << bytes << hash.Finish();
  }

  const std::string path_;
  std::unique_ptr<index::Store> store_;
};

TEST_F(BackupFolderTest, WhatNoRecordNamesIsNoBackupAndIsCollected) {
  auto backups = BackupFolder::Open(folder()).value();
  Make(*backups, /*commit=*/false);
  EXPECT_THAT(BackupFolder::List(folder()), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(backups->Read(0).status()));
  ASSERT_TRUE(backups->CollectGarbage().ok());
  EXPECT_THAT(backups->store().List(), IsEmpty());
  EXPECT_TRUE(fs::is_empty(folder() + "/files"));
}

TEST_F(BackupFolderTest, ARemovedOneLeavesTheFilesOfOthers) {
  auto backups = BackupFolder::Open(folder()).value();
  const uint32_t first = Make(*backups).set().backup_id();
  const BackupFolder::Record second = Make(*backups);
  ASSERT_TRUE(backups->Remove(first).ok());
  EXPECT_TRUE(backups->Verify(second, GoOn).ok());
  EXPECT_EQ(backups->Read(0)->set().backup_id(), second.set().backup_id());
  EXPECT_TRUE(absl::IsNotFound(backups->Remove(first)));
  ASSERT_TRUE(backups->Restore(second, path_ + "/restored", GoOn).ok());
  EXPECT_EQ(ReadWhole(path_ + "/restored/trunks/trunk-0.bin").value(), "weights");
  EXPECT_TRUE(index::Store::Open({path_ + "/restored/store"}).ok());
}

TEST_F(BackupFolderTest, OneProcessWritesAtATimeAndOthersRead) {
  auto backups = BackupFolder::Open(folder()).value();
  const BackupFolder::Record record = Make(*backups);
  EXPECT_TRUE(absl::IsFailedPrecondition(BackupFolder::Open(folder()).status()));
  EXPECT_TRUE(BackupFolder::OpenReadOnly(folder()).value()->Verify(record, GoOn).ok());
  EXPECT_TRUE(absl::IsNotFound(BackupFolder::OpenReadOnly(path_ + "/none").status()));
}

TEST_F(BackupFolderTest, ADamagedOrForgedRecordIsDataLossAndNeverNamesAFileElsewhere) {
  auto backups = BackupFolder::Open(folder()).value();
  BackupFolder::Record record = Make(*backups);
  for (const char* path : {"../outside", "/etc/passwd", "trunks/../../x", "store/CURRENT", "trunks//x"}) {
    record.mutable_files(0)->set_path(path);
    Forge(record);
    EXPECT_TRUE(absl::IsDataLoss(backups->Read(record.set().backup_id()).status())) << path;
  }
  fs::resize_file(folder() + "/sets/1", 3);
  EXPECT_TRUE(absl::IsDataLoss(backups->Read(1).status()));
  EXPECT_THAT(BackupFolder::List(folder()), IsEmpty());
  ASSERT_TRUE(backups->CollectGarbage().ok());
  EXPECT_THAT(backups->store().List(), SizeIs(1)) << "its copy is kept for whoever wants to look";
}

TEST(BackupFolderNameTest, TakesShortPlainNamesOnly) {
  EXPECT_EQ(BackupFolderName("").value(), "default");
  EXPECT_EQ(BackupFolderName("daily_2-a").value(), "daily_2-a");
  for (const char* bad : {".", "..", "a/b", "A", " ", "a.b"}) EXPECT_FALSE(BackupFolderName(bad).ok()) << bad;
  EXPECT_FALSE(BackupFolderName(std::string(65, 'a')).ok());
}

}  // namespace
}  // namespace mixmatch::server
