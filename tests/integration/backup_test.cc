// Backups of a running server, and what a restore makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"
#include "tests/integration/server_program.h"

namespace mixmatch {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kEvents = 12;
constexpr uint32_t kMore = 40;

std::string TextOf(uint32_t n) { return absl::StrCat("entry ", n * 7919, " of the log of ship ", n, " near port ", n % 5); }

std::map<uint64_t, float> Scores(const absl::StatusOr<v1::SearchResponse>& response) {
  std::map<uint64_t, float> scores;
  for (const v1::Hit& hit : response->hits()) scores[hit.item().item_id()] = hit.score();
  return scores;
}

class BackupTest : public testing::Test {
 protected:
  BackupTest()
      : backups_(dir_.path() + "/backups"),
        server_(dir_.path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0", "--backup-dir", backups_}) {}

  // A text, a picture and a sound in each event.
  // Many bytes to copy, in few parts.
  static void FillMuch(Api& api) {
    for (uint32_t n = 0; n < kMore; ++n) api.Put(MakeWav(1000 + n, 10.0));
  }
  void Fill(Api& api) {
    for (uint32_t n = 1; n <= kEvents; ++n) {
      const std::string event = absl::StrCat("event-", n);
      v1::UploadHeader header;
      header.set_event_id(event);
      header.set_name(absl::StrCat(n));
      (*header.mutable_metadata())["port"].set_text(absl::StrCat(n % 5));
      ASSERT_TRUE(api.Upload(TextOf(n), header).ok());
      ASSERT_TRUE(api.Upload(MakePng(n, 24), header).ok());
      ASSERT_TRUE(api.Upload(MakeWav(n, 0.2), header).ok());
    }
    api.WaitLearned();
  }

  // What a set of fixed searches is answered, without how long it took.
  static std::vector<v1::SearchResponse> Answers(Api& api) {
    std::vector<v1::SearchRequest> requests;
    for (uint32_t n : {1u, 4u, 9u}) {
      requests.push_back(ByText(TextOf(n), 20));
      requests.push_back(ByContent(MakePng(n, 24), 20));
      requests.push_back(ByContent(MakeWav(n, 0.2), 20));
      requests.push_back(ByText(TextOf(n), 20));
      requests.back().add_target_modalities(v1::MODALITY_AUDIO);
      requests.push_back(ByText(TextOf(n), 20));
      v1::Condition& port = *requests.back().mutable_filter()->mutable_condition();
      port.set_field("metadata.port");
      port.mutable_equals()->set_text(absl::StrCat(n % 5));
    }
    std::vector<v1::SearchResponse> answers;
    for (const v1::SearchRequest& request : requests) {
      auto response = api.Search(request);
      EXPECT_TRUE(response.ok()) << response.status();
      if (!response.ok()) continue;
      response->clear_encode_milliseconds();
      response->clear_search_milliseconds();
      answers.push_back(*std::move(response));
    }
    return answers;
  }
  static void ExpectSame(const std::vector<v1::SearchResponse>& a, const std::vector<v1::SearchResponse>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(a[i], b[i]))
          << i << ":\n" << a[i].ShortDebugString().substr(0, 2000) << "\n" << b[i].ShortDebugString().substr(0, 2000);
    }
  }

  static v1::Operation WaitEnd(Api& api, const absl::StatusOr<v1::Operation>& begun) {
    EXPECT_TRUE(begun.ok()) << begun.status();
    absl::StatusOr<v1::Operation> operation = begun;
    while (operation.ok() && operation->state() == v1::OPERATION_STATE_RUNNING) {
      operation = api.client->WaitOperation(begun->operation_id(), absl::Seconds(60));
    }
    EXPECT_TRUE(operation.ok()) << operation.status();
    return operation.value_or(v1::Operation());
  }
  static v1::BackupSet Backup(Api& api, const std::string& folder = "", uint32_t keep = 0) {
    v1::BackupRequest request;
    request.set_folder(folder);
    request.set_keep(keep);
    const v1::Operation ended = WaitEnd(api, api.client->Backup(request));
    EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
    return ended.backup();
  }
  static v1::Operation Verify(Api& api, bool repair, bool content = true) {
    v1::VerifyRequest request;
    request.set_repair(repair);
    request.set_content(content);
    const v1::Operation ended = WaitEnd(api, api.client->Verify(request));
    EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
    return ended;
  }
  static std::vector<std::string> Kinds(const v1::Operation& operation) {
    std::vector<std::string> kinds;
    for (const v1::Finding& finding : operation.findings()) kinds.push_back(finding.kind());
    return kinds;
  }
  static std::vector<v1::BackupSet> List(Api& api) {
    const auto listed = api.client->ListBackups({});
    EXPECT_TRUE(listed.ok()) << listed.status();
    return {listed->backups().begin(), listed->backups().end()};
  }

  struct Ended {
    int status = -1;
    std::string said;
  };
  // mixmatchd restore with these arguments, and --backup-dir.
  Ended Restore(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"restore", "--backup-dir", backups_});
    ServerProgram program(arguments, dir_.path() + "/restore.log");
    Ended ended;
    ended.status = program.Wait();
    ended.said = program.Log();
    return ended;
  }

  static void Damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<int64_t>(fs::file_size(file) / 2);
    stream.seekg(middle);
    const char byte = static_cast<char>(stream.get());
    stream.seekp(middle);
    stream.put(static_cast<char>(byte ^ 0x55));
  }

  ScratchDir dir_;
  const std::string backups_;
  ServerProcess server_;
};

TEST_F(BackupTest, ABackupMadeUnderLoadAnswersLaterAsTheServerDidAtItsMoment) {
  ASSERT_TRUE(server_.Start());
  v1::BackupSet set;
  {
    // Uploads and links go on, and are learned, while a first backup is made.
    Api api(server_.address());
    Fill(api);
    std::atomic<bool> stop{false};
    std::atomic<uint32_t> uploads{0};
    std::thread load([&] {
      Api other(server_.address());
      for (uint32_t n = 100; !stop; ++n) {
        const uint64_t text = other.Put(TextOf(n), absl::StrCat("event-", n), absl::StrCat(n));
        other.Put(MakePng(n, 24), absl::StrCat("event-", n), absl::StrCat(n));
        if (n % 3 == 0) other.Delete(text).IgnoreError();
        ++uploads;
      }
    });
    while (uploads < 3) absl::SleepFor(absl::Milliseconds(5));
    Backup(api);
    const uint32_t before = uploads;
    while (uploads == before) absl::SleepFor(absl::Milliseconds(5));
    // The second while nothing is published: its answers are known.
    stop = true;
    load.join();
    api.WaitLearned();
    ASSERT_TRUE(api.client->PauseLearning().ok());
    for (uint32_t n = 500; n < 505; ++n) api.Put(TextOf(n), "", absl::StrCat(n));  // In no checkpoint of an index yet.
    const auto answers = Answers(api);
    set = Backup(api);
    EXPECT_EQ(set.backup_id(), 2u);
    EXPECT_EQ(set.items(), api.Stats().items());
    ExpectSame(Answers(api), answers);

    for (int id : {1, 2}) {
      const std::string data = absl::StrCat(dir_.path(), "/restored-", id);
      const Ended restored = Restore({"--data-dir", data, "--id", absl::StrCat(id)});
      ASSERT_EQ(restored.status, 0) << restored.said;
      ServerProcess copy(data, {"--learning", "off"});
      ASSERT_TRUE(copy.Start());
      Api copied(copy.address());
      EXPECT_THAT(Kinds(Verify(copied, false)), Each(testing::StrEq("features-without-part")));
      if (id == 2) {
        ExpectSame(Answers(copied), answers);
        EXPECT_EQ(copied.ListAll()->size(), set.items());
        EXPECT_EQ(copied.Learning().generation(), set.generation());
        const auto operation = copied.client->GetOperation("backup-2");
        ASSERT_TRUE(operation.ok()) << operation.status();
        EXPECT_EQ(operation->state(), v1::OPERATION_STATE_SUCCEEDED) << "the backup itself does not go on in the copy";
      }
    }
  }
}

TEST_F(BackupTest, ASecondBackupCopiesLittleKeepPrunesAndDeleteRemoves) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  const v1::BackupSet first = Backup(api);
  const v1::BackupSet second = Backup(api);
  EXPECT_LT(second.copied_bytes(), first.copied_bytes() / 2);
  EXPECT_GT(second.bytes(), second.copied_bytes());
  const v1::BackupSet third = Backup(api, "", /*keep=*/2);
  ASSERT_THAT(List(api), SizeIs(2));
  EXPECT_EQ(List(api)[0].backup_id(), third.backup_id());
  EXPECT_EQ(List(api)[1].backup_id(), second.backup_id());
  EXPECT_EQ(Backup(api, "weekly").backup_id(), 1u);
  v1::DeleteBackupRequest request;
  request.set_backup_id(second.backup_id());
  EXPECT_TRUE(api.client->DeleteBackup(request).ok());
  EXPECT_TRUE(absl::IsNotFound(api.client->DeleteBackup(request)));
  EXPECT_THAT(List(api), SizeIs(2));
  const Ended whole = Restore({"--id", absl::StrCat(third.backup_id()), "--verify-only"});
  EXPECT_EQ(whole.status, 0) << whole.said;
}

TEST_F(BackupTest, ABadFolderAndAServerWithoutABackupDirectoryAreRefused) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  for (const char* folder : {"../out", "a/b", "Upper", ".", "a b"}) {
    v1::BackupRequest request;
    request.set_folder(folder);
    EXPECT_TRUE(absl::IsInvalidArgument(api.client->Backup(request).status())) << folder;
  }
  ServerProcess other(dir_.path() + "/other");
  ASSERT_TRUE(other.Start());
  Api without(other.address());
  const absl::Status refused = without.client->Backup({}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(refused.message(), HasSubstr("--backup-dir"));
  EXPECT_TRUE(absl::IsFailedPrecondition(without.client->ListBackups({}).status()));
}

TEST_F(BackupTest, AServerKilledDuringABackupLeavesEarlierOnesWholeAndMakesItAnewAfterTheStart) {
  ASSERT_TRUE(server_.Start());
  {
    Api api(server_.address());
    Fill(api);
    Backup(api);
    FillMuch(api);
    ASSERT_TRUE(api.client->Backup({}).ok());
    server_.Kill();
  }
  EXPECT_EQ(Restore({"--id", "1", "--verify-only"}).status, 0);
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  const v1::Operation ended = WaitEnd(api, api.client->GetOperation("backup-2"));
  EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
  EXPECT_EQ(ended.resumed(), 1u);
  const Ended whole = Restore({"--verify-only"});
  EXPECT_EQ(whole.status, 0) << whole.said;
  EXPECT_THAT(List(api), SizeIs(2));
}

TEST_F(BackupTest, ADamagedBackupIsRefusedBeforeAnythingIsWrittenAndAnotherOneServes) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  Backup(api);
  const std::string restored = dir_.path() + "/restored";
  fs::copy(backups_, dir_.path() + "/whole", fs::copy_options::recursive);
  for (const char* below : {"default/store/shared_checksum", "default/files", "default/sets"}) {
    fs::path largest;
    for (const auto& file : fs::directory_iterator(absl::StrCat(backups_, "/", below))) {
      if (largest.empty() || file.file_size() > fs::file_size(largest)) largest = file.path();
    }
    Damage(largest);
    const Ended refused = Restore({"--data-dir", restored, "--id", "1"});
    EXPECT_EQ(refused.status, 1) << below;
    EXPECT_THAT(refused.said, HasSubstr("use another backup")) << below;
    EXPECT_TRUE(!fs::exists(restored) || fs::is_empty(restored)) << below;
    fs::remove_all(backups_);
    fs::copy(dir_.path() + "/whole", backups_, fs::copy_options::recursive);
  }
  EXPECT_EQ(Restore({"--data-dir", restored}).status, 0);
  const Ended full = Restore({"--data-dir", restored});
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.said, HasSubstr("is not empty"));
  EXPECT_EQ(Restore({"--data-dir", restored + "2", "--id", "9"}).status, 1);
  EXPECT_EQ(Restore({}).status, 2);
}

TEST_F(BackupTest, ARestoreCutShortIsNoDataDirectoryAndTheNextOneMakesIt) {
  ASSERT_TRUE(server_.Start());
  {
    Api api(server_.address());
    Fill(api);
    Backup(api);
  }
  const std::string data = dir_.path() + "/restored";
  // As a kill leaves it, before the last step and in the middle of it.
  for (const char* left : {"/restoring/store", "/trunks"}) {
    fs::create_directories(data + "/restoring");
    fs::create_directories(data + left);
    ServerProcess half(data);
    EXPECT_NE(half.RunToEnd(), 0);
    EXPECT_THAT(half.LogTail(), HasSubstr("mixmatchd restore"));
    EXPECT_EQ(Restore({"--data-dir", data}).status, 0);
    ServerProcess whole(data, {"--learning", "off"});
    ASSERT_TRUE(whole.Start());
    EXPECT_EQ(Api(whole.address()).Stats().items(), 3u * kEvents);
    whole.Kill();
    fs::remove_all(data);
  }
}

TEST_F(BackupTest, AKilledRestoreCanBeRunAgain) {
  ASSERT_TRUE(server_.Start());
  {
    Api api(server_.address());
    Fill(api);
    FillMuch(api);
    Backup(api);
  }
  const std::string data = dir_.path() + "/restored";
  for (int milliseconds : {2, 10, 30, 60}) {
    ServerProgram restore({"restore", "--backup-dir", backups_, "--data-dir", data}, dir_.path() + "/killed.log");
    absl::SleepFor(absl::Milliseconds(milliseconds));
    restore.Kill();
    const bool whole = fs::exists(data + "/store") && !fs::exists(data + "/restoring");
    if (!whole) {
      EXPECT_EQ(Restore({"--data-dir", data}).status, 0);
    }
    ServerProcess copy(data, {"--learning", "off"});
    ASSERT_TRUE(copy.Start());
    EXPECT_EQ(Api(copy.address()).Stats().items(), 3u * kEvents + kMore);
    copy.Kill();
    fs::remove_all(data);
  }
}

TEST_F(BackupTest, OneOperationRunsAtATimeAndTheRefusalNamesIt) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  v1::ReindexRequest slow;
  slow.set_source(v1::REINDEX_SOURCE_CONTENT);
  slow.set_max_parts_per_second(1.0);
  const auto begun = api.client->Reindex(slow);
  ASSERT_TRUE(begun.ok()) << begun.status();
  for (const absl::Status& refused : {api.client->Backup({}).status(), api.client->Verify({}).status(),
                                      api.client->Compact().status(), api.client->Reindex({}).status()}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(refused.message(), HasSubstr("reindex-1"));
  }
  ASSERT_TRUE(api.client->CancelOperation("reindex-1").ok());
  const v1::Operation cancelled = WaitEnd(api, begun);
  EXPECT_EQ(cancelled.state(), v1::OPERATION_STATE_CANCELLED);
  EXPECT_LT(cancelled.done(), cancelled.total());

  v1::ReindexRequest rest;
  rest.set_resume_operation_id("reindex-1");
  const auto resumed = api.client->Reindex(rest);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(api.client->CancelOperation(resumed->operation_id()).status(), absl::OkStatus());
  EXPECT_GE(WaitEnd(api, resumed).done(), cancelled.done());
  rest.set_dry_run(true);
  EXPECT_TRUE(absl::IsInvalidArgument(api.client->Reindex(rest).status()));
  rest.Clear();
  rest.set_resume_operation_id("reindex-99");
  EXPECT_TRUE(absl::IsNotFound(api.client->Reindex(rest).status()));
}

TEST_F(BackupTest, AReindexFromTokensKeepsScoresAndADryRunChangesNothing) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  v1::ReindexRequest request;
  request.set_source(v1::REINDEX_SOURCE_TOKENS);
  request.set_dry_run(true);
  const uint64_t generation = api.Learning().generation();
  const v1::Operation counted = WaitEnd(api, api.client->Reindex(request));
  EXPECT_EQ(counted.total(), 3u * kEvents);
  EXPECT_EQ(counted.done(), 0u);
  EXPECT_EQ(api.Learning().generation(), generation);
  const auto before = api.Search(ByText(TextOf(3), 1000));
  request.set_dry_run(false);
  const v1::Operation ended = WaitEnd(api, api.client->Reindex(request));
  EXPECT_EQ(ended.state(), v1::OPERATION_STATE_SUCCEEDED) << ended.error();
  EXPECT_EQ(ended.done(), ended.total());
  EXPECT_GT(api.Learning().generation(), generation);
  api.WaitLearned();
  // A row depends on the others that are encoded with it by its rounding, and what a few events taught on the rows:
  // neighbours that are as near may change places.
  const auto after = api.Search(ByText(TextOf(3), 1000));
  const std::vector<uint64_t> items = HitItems(before), items_after = HitItems(after);
  ASSERT_GE(items.size(), 3u);
  ASSERT_EQ(items_after.size(), items.size());
  // Its own event's three lead.
  for (int place = 0; place < 3; ++place) EXPECT_EQ(items_after[place], items[place]) << place;
  const std::map<uint64_t, float> scores = Scores(before), scores_after = Scores(after);
  ASSERT_THAT(scores_after, SizeIs(scores.size()));
  for (const auto& [item, score] : scores) EXPECT_NEAR(scores_after.at(item), score, 0.05) << item;
  EXPECT_THAT(Kinds(Verify(api, false)), IsEmpty());
}

TEST_F(BackupTest, AWholeServerVerifiesCleanAlsoAfterDeletesAndACompaction) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  EXPECT_THAT(Kinds(Verify(api, false)), IsEmpty());
  ASSERT_TRUE(api.Delete(1).ok());
  EXPECT_EQ(WaitEnd(api, api.client->Compact()).state(), v1::OPERATION_STATE_SUCCEEDED);
  Verify(api, /*repair=*/true);  // Features of the deleted part, if they are not unlearned yet.
  EXPECT_THAT(Kinds(Verify(api, false)), IsEmpty());
  EXPECT_THAT(HitItems(api.Search(ByText(TextOf(1), 100))), testing::Not(Contains(1u)));
}

TEST_F(BackupTest, ADamagedPublishedFileIsFoundAndWrittenAnew) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  Backup(api);  // Which writes a checkpoint.
  for (const auto& file : fs::recursive_directory_iterator(dir_.path() + "/data/generations")) {
    if (file.path().filename() == "head.bin") Damage(file.path());
  }
  Damage(dir_.path() + "/data/trunks/trunk-0.bin");
  EXPECT_THAT(Kinds(Verify(api, false)), ElementsAre("bad-published-file", "bad-published-file"));
  const v1::Operation repaired = Verify(api, true);
  for (const v1::Finding& finding : repaired.findings()) EXPECT_TRUE(finding.repaired()) << finding.where();
  EXPECT_THAT(Kinds(Verify(api, false)), IsEmpty());
}

TEST_F(BackupTest, AnExportedCheckpointIsImportedThroughTheGateOrByForceAndBeginsANewServer) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  std::string archive;
  ASSERT_TRUE(api.client->ExportCheckpoint([&](absl::string_view piece) { absl::StrAppend(&archive, piece); }).ok());
  ASSERT_GT(archive.size(), 1000u);
  const auto import = [&](std::string bytes, bool force) {
    std::istringstream in(bytes);
    return api.client->ImportCheckpoint(in, force);
  };
  std::string damaged = archive;
  damaged[damaged.size() / 2] ^= 1;
  for (const std::string& bad : {std::string("no archive"), std::string(), damaged, archive.substr(0, archive.size() / 2)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(import(bad, true).status())) << import(bad, true).status();
  }
  // Twelve events have no probe to judge it by.
  const v1::Operation judged = WaitEnd(api, import(archive, false));
  EXPECT_EQ(judged.state(), v1::OPERATION_STATE_FAILED);
  EXPECT_THAT(judged.error(), HasSubstr("force"));
  ASSERT_TRUE(api.client->PinTrunk(true).ok());
  EXPECT_TRUE(api.Learning().pinned());
  EXPECT_THAT(WaitEnd(api, import(archive, true)).error(), HasSubstr("pinned"));
  EXPECT_TRUE(absl::IsFailedPrecondition(api.client->RollBack(0).status()));
  server_.Kill();
  ASSERT_TRUE(server_.Start());
  Api again(server_.address());
  EXPECT_TRUE(again.Learning().pinned()) << "survives a restart";
  ASSERT_TRUE(again.client->PinTrunk(false).ok());
  std::istringstream in(archive);
  const v1::Operation forced = WaitEnd(again, again.client->ImportCheckpoint(in, true));
  EXPECT_EQ(forced.state(), v1::OPERATION_STATE_SUCCEEDED) << forced.error();
  EXPECT_GT(again.Learning().trunk(), 0u);
  v1::CompareTrunksRequest compare;
  compare.set_trunk(77);
  EXPECT_TRUE(absl::IsNotFound(again.client->CompareTrunks(compare).status()));
  compare.set_trunk(0);
  EXPECT_TRUE(absl::IsFailedPrecondition(again.client->CompareTrunks(compare).status())) << "the probe is too small";

  const std::string file = dir_.path() + "/learned.safetensors";
  std::ofstream(file, std::ios::binary) << archive;
  ServerProcess fresh(dir_.path() + "/fresh", {"--init", file});
  EXPECT_TRUE(fresh.Start());
}

}  // namespace
}  // namespace mixmatch
