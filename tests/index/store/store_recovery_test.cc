#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/index/store/open_store.h"

namespace mixmatch::index {
namespace {

// Runs `work` on the store in a process that then dies as by kill -9: nothing is closed or flushed. The process is this
// program anew, with only the running test and the same store, rather than a fork: RocksDB's threads do not outlive one.
template <typename Work>
void DieAfter(const std::string& path, Work work) {
  if (getenv(kGivenStore) != nullptr) {
    auto store = Store::Open({path});
    _exit(store.ok() && work(**store) ? 0 : 1);
  }
  std::string name = "/proc/self/exe";
  std::string filter = "--gtest_filter=StoreTest.";
  filter += testing::UnitTest::GetInstance()->current_test_info()->name();
  char* argv[] = {name.data(), filter.data(), nullptr};
  setenv(kGivenStore, path.c_str(), 1);
  pid_t child = -1;
  const int error = posix_spawn(&child, name.c_str(), nullptr, nullptr, argv, environ);
  unsetenv(kGivenStore);
  ASSERT_EQ(error, 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
}

std::string FirstFile(const std::string& directory, const std::string& extension) {
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == extension && file.file_size() > 0) return file.path().string();
  }
  return "";
}

TEST_F(StoreTest, WhatWasCommittedInSyncOutlivesAProcessThatDies) {
  store_.reset();
  DieAfter(path_, [](Store& store) {
    for (uint64_t id = 1; id <= 100; ++id) {
      if (!store.AppendContent(id, 0, std::string(8192, 'c')).ok()) return false;
      auto batch = store.NewBatch();
      batch->PutItem(Item(id, "x"));
      batch->PutPart(Part(id, 0));
      batch->PutVector(id * 65536, 1, {1.0f});
      batch->PutEvent(Event("e" + std::to_string(id), {id, id + 1}));
      if (!store.Commit(std::move(batch), true).ok()) return false;
    }
    return true;
  });
  Reopen();
  for (uint64_t id = 1; id <= 100; ++id) {
    EXPECT_TRUE(store_->GetItem(id).ok());
    EXPECT_TRUE(store_->GetVector(id * 65536, nullptr).ok());
    EXPECT_TRUE(store_->GetEvent("e" + std::to_string(id)).ok());
    uint64_t bytes = 0;
    EXPECT_TRUE(store_->ReadContent(id, 0, UINT64_MAX, [&](absl::string_view piece) {
      bytes += piece.size();
      return true;
    }).ok());
    EXPECT_EQ(bytes, 8192);
  }
}

TEST_F(StoreTest, ALogCutInTheMiddleLosesWholeBatchesOnly) {
  store_.reset();
  DieAfter(path_, [](Store& store) {
    for (uint64_t id = 1; id <= 50; ++id) {
      auto batch = store.NewBatch();
      batch->PutItem(Item(id, std::string(1000, 'n')));
      batch->PutPart(Part(id, 0));
      if (!store.Commit(std::move(batch), true).ok()) return false;
    }
    return true;
  });
  const std::string log = FirstFile(path_, ".log");
  ASSERT_FALSE(log.empty());
  std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2 + 7);
  Reopen();
  int items = 0;
  for (uint64_t id = 1; id <= 50; ++id) {
    EXPECT_EQ(store_->GetItem(id).ok(), store_->GetPart(id * 65536).ok());
    items += store_->GetItem(id).ok();
  }
  EXPECT_GT(items, 10);
  EXPECT_LT(items, 40);
}

TEST_F(StoreTest, AMissingTableFileIsDataLossAndNotACrash) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.PutItem(Item(1, "one")); }).ok());
  Reopen();  // Recovery writes the log into a table file.
  store_.reset();
  const std::string table = FirstFile(path_, ".sst");
  ASSERT_FALSE(table.empty());
  std::filesystem::remove(table);
  const auto store = Store::Open({path_});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
}

TEST_F(StoreTest, AnAlteredByteIsDataLossInAWalk) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                for (uint64_t id = 0; id < 50; ++id) batch.PutFeatures(0, id, std::vector<float>(1000, 0.5f));
              }).ok());
  Reopen();
  store_.reset();
  std::string table;
  for (const auto& file : std::filesystem::directory_iterator(path_)) {
    if (file.path().extension() == ".sst" && file.file_size() > 50'000) table = file.path().string();
  }
  ASSERT_FALSE(table.empty());
  std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(30'000);
  file.put('\x5a');
  file.close();
  Reopen();
  const absl::Status status = store_->ForEachFeatures(0, 0, [](uint64_t, absl::Span<const float>) { return true; });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

}  // namespace
}  // namespace mixmatch::index
