// What a restart finds, what a stop drains, and work that goes on afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kItems = 12;

class RestartTest : public testing::Test {
 protected:
  RestartTest()
      : server_(dir_.path() + "/data",
                {"--slow-learning", "off", "--learn-interval-seconds", "0", "--memtable-limit", "10"}) {}

  // Texts and pictures in events of two, learned, and stopped in good order.
  void FillAndStop() {
    ASSERT_TRUE(server_.Start());
    Fill();
    generation_ = Api(server_.address()).Learning().generation();
    ASSERT_EQ(server_.Stop(), 0) << server_.LogTail();
  }
  void Fill() {
    Api api(server_.address());
    for (int i = 0; i < kItems; ++i) {
      const std::string event = absl::StrCat("event-", i / 2);
      items_.push_back(api.Put(i % 2 == 0 ? TextOf(i) : MakePng(i + 1), event, absl::StrCat(i)));
    }
    api.WaitLearned();
  }
  static std::string TextOf(int i) { return absl::StrCat("entry number ", i * 7919, " of the log of ship ", i); }

  void ExpectEverythingFound() {
    Api api(server_.address());
    EXPECT_EQ(api.Stats().items(), static_cast<uint64_t>(kItems));
    EXPECT_EQ(api.Stats().parts(), static_cast<uint64_t>(kItems));
    for (int i = 0; i < kItems; ++i) {
      v1::SearchRequest request = i % 2 == 0 ? ByText(TextOf(i), 1) : ByContent(MakePng(i + 1), 1);
      request.add_target_modalities(i % 2 == 0 ? v1::MODALITY_TEXT : v1::MODALITY_IMAGE);
      EXPECT_THAT(HitItems(api.Search(request)), ElementsAre(items_[i])) << i;
    }
  }

  // Files below the data directory's generations whose path has `part` in it.
  std::vector<fs::path> GenerationFiles(const std::string& part) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path() + "/data/generations")) {
      if (entry.is_regular_file() && absl::StrContains(entry.path().string(), part)) files.push_back(entry.path());
    }
    return files;
  }

  static void Damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<int64_t>(fs::file_size(file));
    stream.seekg(size / 2);
    const char byte = static_cast<char>(stream.get());
    stream.seekp(size / 2);
    stream.put(static_cast<char>(byte ^ 0x55));
  }

  ScratchDir dir_;
  ServerProcess server_;
  std::vector<uint64_t> items_;
  uint64_t generation_ = 0;
};

TEST_F(RestartTest, ARestartLoadsSegmentsInsteadOfRebuildingThem) {
  FillAndStop();
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  EXPECT_GT(api.Stats().segments_loaded(), 0u);
  EXPECT_EQ(api.Stats().segments_rebuilt(), 0u);
  EXPECT_GE(api.Learning().generation(), generation_);
  ExpectEverythingFound();
  api.WaitLearned();
  ExpectEverythingFound();
  EXPECT_EQ(api.ListAll()->size(), static_cast<size_t>(kItems));
}

TEST_F(RestartTest, AFreshDirectoryCountsNothingAsRebuilt) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  EXPECT_EQ(api.Stats().segments_loaded(), 0u);
  EXPECT_EQ(api.Stats().segments_rebuilt(), 0u);
  EXPECT_EQ(api.Stats().items(), 0u);
  EXPECT_THAT(HitItems(api.Search(ByText("anything"))), testing::IsEmpty());
}

TEST_F(RestartTest, ADamagedSegmentOnlyCostsARebuild) {
  FillAndStop();
  const auto files = GenerationFiles("segments");
  ASSERT_FALSE(files.empty());
  for (const fs::path& file : files) Damage(file);
  ASSERT_TRUE(server_.Start());
  EXPECT_GT(Api(server_.address()).Stats().segments_rebuilt(), 0u);
  ExpectEverythingFound();
}

TEST_F(RestartTest, ADamagedHeadIsSolvedAgain) {
  FillAndStop();
  const auto files = GenerationFiles("head.bin");
  ASSERT_EQ(files.size(), 1u);
  Damage(files[0]);
  ASSERT_TRUE(server_.Start());
  ExpectEverythingFound();
  Api api(server_.address());
  api.WaitLearned();
  ExpectEverythingFound();
  // What was learned is there again: a text finds the picture of its event.
  v1::SearchRequest request = ByText(TextOf(0), 1);
  request.add_target_modalities(v1::MODALITY_IMAGE);
  EXPECT_THAT(HitItems(api.Search(request)), ElementsAre(items_[1]));
}

TEST_F(RestartTest, WithoutItsGenerationFilesTheServerComesBackFromTheStore) {
  FillAndStop();
  fs::remove_all(dir_.path() + "/data/generations");
  ASSERT_TRUE(server_.Start());
  ExpectEverythingFound();
}

TEST_F(RestartTest, ADeletedItemStaysGoneAfterARestartOrAKillAndItsIdIsNotUsedAgain) {
  FillAndStop();
  for (bool kill : {false, true}) {
    ASSERT_TRUE(server_.Start());
    const uint64_t gone = items_.back();
    items_.pop_back();
    {
      Api api(server_.address());
      ASSERT_TRUE(api.Delete(gone).ok());
    }
    if (kill) {
      server_.Kill();
    } else {
      ASSERT_EQ(server_.Stop(), 0);
    }
    ASSERT_TRUE(server_.Start());
    Api api(server_.address());
    EXPECT_EQ(api.Get(gone).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(api.Stats().parts(), items_.size());
    EXPECT_THAT(HitItems(api.Search(ByText("anything", 1000))), testing::Not(testing::Contains(gone)));
    const uint64_t fresh = api.Put("a text after the delete");
    EXPECT_GT(fresh, gone);
    EXPECT_TRUE(api.Delete(fresh).ok());
    ASSERT_EQ(server_.Stop(), 0);
  }
}

TEST_F(RestartTest, SigtermDrainsAnUploadThatIsUnderWay) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  grpc::ClientContext context;
  v1::UploadResponse response;
  const auto stream = api.items->Upload(&context, &response);
  v1::UploadRequest message;
  message.mutable_header()->set_name("in time");
  ASSERT_TRUE(stream->Write(message));
  message.set_chunk("A text whose second half ");
  ASSERT_TRUE(stream->Write(message));
  ASSERT_EQ(api.Stats().items(), 0u);  // The server has the stream by now, or will accept it before it drains.
  server_.Signal(SIGTERM);
  api.WaitNotServing();
  message.set_chunk("is sent after the signal.");
  ASSERT_TRUE(stream->Write(message));
  message.mutable_finish();
  stream->WriteLast(message, grpc::WriteOptions());
  const absl::Status status = FromGrpc(stream->Finish());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(server_.Wait(), 0) << server_.LogTail();
  ASSERT_TRUE(server_.Start());
  Api again(server_.address());
  EXPECT_EQ(again.Download(response.item().item_id()).value_or(""),
            "A text whose second half is sent after the signal.");
}

TEST_F(RestartTest, ASecondServerOnTheSameDataEndsWithAClearMessage) {
  ASSERT_TRUE(server_.Start());
  const std::string address = server_.address();
  ServerProcess second(dir_.path() + "/data");
  EXPECT_NE(second.RunToEnd(), 0);
  EXPECT_THAT(second.LogTail(), HasSubstr(dir_.path() + "/data"));
  EXPECT_THAT(second.LogTail(), testing::AnyOf(HasSubstr("open"), HasSubstr("another")));
  EXPECT_EQ(Api(address).Health().value_or(0), 1) << "the first goes on";
}

TEST_F(RestartTest, ABadFlagEndsTheStartWithStatusTwo) {
  ServerProcess server(dir_.path() + "/other", {"--max-k", "0"});
  EXPECT_EQ(server.RunToEnd(), 2);
  EXPECT_THAT(server.LogTail(), HasSubstr("--max-k"));
}

TEST_F(RestartTest, AConfigFileSetsWhatTheFlagsDoNot) {
  std::ofstream(dir_.path() + "/mixmatch.toml") << "max-k = 7\n";
  ServerProcess server(dir_.path() + "/other", {"--config", dir_.path() + "/mixmatch.toml"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  EXPECT_TRUE(api.Search(ByText("words", 7)).ok());
  EXPECT_EQ(api.Search(ByText("words", 8)).status().code(), absl::StatusCode::kInvalidArgument);
}

class ReindexTest : public RestartTest {
 protected:
  absl::StatusOr<v1::Operation> StartReindex(Api& api, bool from_content) {
    v1::ReindexRequest request;
    request.set_from_content(from_content);
    return api.client->Reindex(request);
  }
  v1::Operation WaitEnd(Api& api, const std::string& id) {
    absl::StatusOr<v1::Operation> operation;
    do {
      operation = api.client->WaitOperation(id, absl::Seconds(60));
      EXPECT_TRUE(operation.ok()) << operation.status();
    } while (operation.ok() && operation->state() == v1::OPERATION_STATE_RUNNING);
    return operation.value_or(v1::Operation());
  }
};

TEST_F(ReindexTest, BothKindsGoThroughWithProgressAndChangeNoAnswer) {
  ASSERT_TRUE(server_.Start());
  Fill();
  Api api(server_.address());
  for (bool from_content : {false, true}) {
    const uint64_t before = api.Learning().generation();
    const auto started = StartReindex(api, from_content);
    ASSERT_TRUE(started.ok()) << started.status();
    EXPECT_EQ(started->kind(), "reindex");
    const v1::Operation ended = WaitEnd(api, started->operation_id());
    EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
    EXPECT_EQ(ended.done(), static_cast<uint64_t>(kItems));
    EXPECT_EQ(ended.total(), static_cast<uint64_t>(kItems));
    EXPECT_TRUE(ended.has_end_time());
    EXPECT_GT(api.Learning().generation(), before);
    ExpectEverythingFound();
  }
  const auto listed = api.client->ListOperations({});
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->operations_size(), 2);
  EXPECT_GT(listed->operations(0).operation_id(), listed->operations(1).operation_id()) << "newest first";
}

TEST_F(ReindexTest, AnOperationThatIsNotThereIsNotFound) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  for (const char* id : {"reindex-9", "", "other-1"}) {
    EXPECT_TRUE(absl::IsNotFound(api.client->GetOperation(id).status())) << id;
    EXPECT_TRUE(absl::IsNotFound(api.client->CancelOperation(id).status())) << id;
    EXPECT_TRUE(absl::IsNotFound(api.client->WaitOperation(id, absl::Seconds(1)).status())) << id;
  }
}

TEST_F(ReindexTest, ACancelledOneStopsAndAKilledOneGoesOnAfterTheRestart) {
  ASSERT_TRUE(server_.Start());
  {
    Api api(server_.address());
    for (int i = 0; i < 60; ++i) api.Put(MakeWav(i + 1, 2.0), "", absl::StrCat(i));
    api.WaitLearned();
    const auto first = StartReindex(api, /*from_content=*/true);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(StartReindex(api, false).status().code(), absl::StatusCode::kFailedPrecondition);
    ASSERT_TRUE(api.client->CancelOperation(first->operation_id()).ok());
    const v1::Operation cancelled = WaitEnd(api, first->operation_id());
    EXPECT_EQ(cancelled.state(), v1::OPERATION_STATE_CANCELLED);
    EXPECT_LT(cancelled.done(), cancelled.total());
    const auto second = StartReindex(api, /*from_content=*/true);
    ASSERT_TRUE(second.ok()) << second.status();
    server_.Kill();
  }
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  EXPECT_EQ(api.Stats().items(), 60u);
  const v1::Operation ended = WaitEnd(api, "reindex-2");
  EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
  EXPECT_EQ(ended.resumed(), 1u);
  EXPECT_EQ(ended.done(), 60u);
  EXPECT_EQ(api.Stats().parts(), 60u);
}

}  // namespace
}  // namespace mixmatch
