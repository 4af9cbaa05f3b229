// A file system that forgets what was not synced, writes less than it was given, is full, or fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/faults/faulty_disk.h"
#include "tests/integration/faults/model_run.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::HasSubstr;

void ExpectNothingLost(const ModelPlan& plan) {
  ModelRun run(plan);
  run.All();
  std::cout << run.Summary() << std::endl;
  for (const std::string& finding : run.findings().all()) ADD_FAILURE() << "seed " << plan.seed << ": " << finding;
}

TEST(PowerCutTest, NothingAcknowledgedIsLostWithWhatWasNotSynced) {
  ModelPlan plan;
  plan.seed = 11;
  plan.operations = 1500;
  plan.kills = 10;
  plan.items = 200;
  plan.power_cuts = true;
  ExpectNothingLost(plan);
}

TEST(ShortWriteTest, NothingIsLostWhereWritesWriteLessThanTheyWereGiven) {
  ModelPlan plan;
  plan.seed = 12;
  plan.operations = 600;
  plan.kills = 3;
  plan.items = 150;
  plan.short_writes_of_1024 = 400;
  ExpectNothingLost(plan);
}

class FailingDiskTest : public testing::Test {
 protected:
  FailingDiskTest()
      : disk_(dir_.path() + "/data", dir_.path() + "/disk"),
        server_(dir_.path() + "/data", {"--slow-learning", "off", "--checkpoint-seconds", "1"}, disk_.environment()) {}

  void Fill() {
    ASSERT_TRUE(server_.Start());
    api_ = std::make_unique<Api>(server_.address());
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(Put(i % 4 == 3 ? LongText(i) : absl::StrCat("entry ", i, " of the log")).ok());
    }
    api_->WaitLearned();
    ASSERT_GT(disk_.control().writes, 0u) << "the shim is not in the way";
  }

  static std::string LongText(int i) {  // Of a size that goes into a blob file.
    std::string text;
    while (text.size() < 9000) absl::StrAppend(&text, "line ", text.size(), " of tale ", i, ".\n");
    return text;
  }

  absl::Status Put(const std::string& content) {
    const auto response = api_->Upload(content);
    if (response.ok()) stored_[response->item().item_id()] = content;
    return response.status();
  }

  // All that was acknowledged can be listed, read and found.
  void ExpectReads() {
    EXPECT_EQ(api_->ListAll()->size(), stored_.size());
    for (const auto& [item_id, content] : stored_) EXPECT_EQ(api_->Download(item_id).value_or("nothing"), content);
    const auto& [item_id, content] = *stored_.begin();
    EXPECT_THAT(HitItems(api_->Search(ByText(content))), testing::Contains(item_id));
    EXPECT_EQ(api_->Health().value_or(0), 1);
  }

  void Restart() {
    ASSERT_EQ(server_.Stop(), 0) << server_.LogTail();
    ASSERT_TRUE(server_.Start());
    api_ = std::make_unique<Api>(server_.address());
  }

  ScratchDir dir_;
  FaultyDisk disk_;
  ServerProcess server_;
  std::unique_ptr<Api> api_;
  std::map<uint64_t, std::string> stored_;
};

TEST_F(FailingDiskTest, AFullDiskRefusesWritesClearlyServesReadsAndTakesWritesAgainOnceThereIsSpace) {
  Fill();
  const uint64_t some = stored_.begin()->first;
  for (int64_t bytes : {int64_t{0}, int64_t{1500}}) {  // Full, and full in the middle of a write.
    SCOPED_TRACE(absl::StrCat(bytes, " bytes left"));
    disk_.control().space_left = bytes;
    absl::Status refused = Put("one more");
    for (int i = 0; refused.ok() && i < 20; ++i) refused = Put(absl::StrCat("one more ", i));
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("free"));
    EXPECT_EQ(api_->Link("event", {some, stored_.rbegin()->first}).status().code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(api_->Delete(some).code(), absl::StatusCode::kResourceExhausted);
    ExpectReads();
    EXPECT_TRUE(absl::IsNotFound(api_->GetEvent("event").status()));
    disk_.control().space_left = kNever;
    absl::Status taken = Put(absl::StrCat("again ", bytes));
    for (int i = 0; !taken.ok() && i < 100'000; ++i) taken = Put(absl::StrCat("again ", bytes, " ", i));
    EXPECT_TRUE(taken.ok()) << taken;
    ExpectReads();
  }
  Restart();
  ExpectReads();
  EXPECT_TRUE(Put("after the restart").ok());
}

TEST_F(FailingDiskTest, AfterAFailedSyncNothingIsAcknowledgedUntilARestartAndNothingIsLost) {
  Fill();
  disk_.control().sync_fails_after = 0;
  absl::Status refused = Put("not synced");
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("restart"));
  ExpectReads();
  disk_.control().sync_fails_after = kNever;
  // What the disk dropped is not known: only a start reads what is there.
  refused = Put("still not");
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal) << refused;
  ExpectReads();
  server_.Kill();
  ASSERT_TRUE(server_.Start());
  api_ = std::make_unique<Api>(server_.address());
  // The refused one may be there: it was not acknowledged, not denied.
  const auto items = api_->ListAll();
  ASSERT_TRUE(items.ok());
  for (const v1::Item& item : *items) stored_.emplace(item.item_id(), api_->Download(item.item_id()).value_or(""));
  ExpectReads();
  EXPECT_TRUE(Put("after the restart").ok());
}

TEST_F(FailingDiskTest, AFailedWriteRefusesThatCallAndLosesNothing) {
  Fill();
  disk_.control().write_fails_after = 0;
  const absl::Status refused = Put("not written");
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("restart"));
  ExpectReads();
  disk_.control().write_fails_after = kNever;
  server_.Kill();
  ASSERT_TRUE(server_.Start());
  api_ = std::make_unique<Api>(server_.address());
  ExpectReads();
  EXPECT_TRUE(Put("after the restart").ok());
}

TEST_F(FailingDiskTest, AFailedReadIsAnErrorOfThatCallAlone) {
  Fill();
  Restart();  // So that contents are in files and no cache.
  disk_.control().read_fails_after = 0;
  int failed = 0;
  for (const auto& [item_id, content] : stored_) {
    const auto read = api_->Download(item_id);
    if (read.ok()) {
      EXPECT_EQ(*read, content);
      continue;
    }
    ++failed;
    EXPECT_THAT(read.status().code(), testing::AnyOf(absl::StatusCode::kInternal, absl::StatusCode::kDataLoss));
  }
  EXPECT_GT(failed, 0);
  disk_.control().read_fails_after = kNever;
  ExpectReads();
  EXPECT_TRUE(Put("after the failed reads").ok());
}

TEST(FaultyDiskTest, ACutTakesExactlyWhatWasNotSynced) {
  ScratchDir dir;
  FaultyDisk disk(dir.path() + "/data", dir.path() + "/disk");
  disk.Begin();
  const std::string data = dir.path() + "/data";
  std::string script = "import os\nd = '" + data + "'\n"
                       "def sync(path):\n fd = os.open(path, os.O_RDONLY)\n os.fsync(fd)\n os.close(fd)\n"
                       "a = os.open(d + '/a', os.O_WRONLY | os.O_CREAT)\nos.write(a, b'synced')\nos.fsync(a)\n"
                       "sync(d)\nos.write(a, b' and not')\n"
                       "b = os.open(d + '/b', os.O_WRONLY | os.O_CREAT)\nos.write(b, b'no name')\nos.fsync(b)\n"
                       "os.rename(d + '/a', d + '/c')\n";
  std::string command;
  for (const std::string& variable : disk.environment()) command += variable + " ";
  ASSERT_EQ(system((command + "/usr/bin/python3 -c \"" + script + "\"").c_str()), 0);
  const PowerCut cut = disk.Cut(1, Unsynced::kNothing);
  EXPECT_EQ(cut.files_cut, 1);
  EXPECT_EQ(cut.bytes_dropped, 8);
  EXPECT_EQ(cut.names_undone, 2);
  EXPECT_EQ(system(("test \"$(ls " + data + ")\" = a && test \"$(cat " + data + "/a)\" = synced").c_str()), 0);
}

}  // namespace
}  // namespace mixmatch
