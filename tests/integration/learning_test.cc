// Learning under control: pause, resume, watch; the trunk's training, its gate and going back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::ElementsAre;

absl::Status Pause(Api& api) { return api.client->PauseLearning().status(); }
absl::Status Resume(Api& api) { return api.client->ResumeLearning().status(); }
absl::Status Rollback(Api& api, uint64_t trunk) { return api.client->RollBack(trunk).status(); }

std::vector<v1::TrainingSample> Samples(Api& api) {
  const auto response = api.client->LearningHistory();
  EXPECT_TRUE(response.ok()) << response.status();
  return {response->samples().begin(), response->samples().end()};
}

std::vector<v1::TrunkRecord> History(Api& api) {
  const auto response = api.client->LearningHistory();
  EXPECT_TRUE(response.ok()) << response.status();
  return {response->trunks().begin(), response->trunks().end()};
}

TEST(LearningTest, PausedLearningKeepsEventsForLaterAcrossARestart) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0"});
  ASSERT_TRUE(server.Start());
  uint64_t text = 0, picture = 0;
  {
    Api api(server.address());
    for (int i = 0; i < 4; ++i) {
      api.Put(absl::StrCat("label ", i * 7919, " on the shelf"), absl::StrCat("shelf-", i));
      api.Put(MakePng(100 + i), absl::StrCat("shelf-", i));
    }
    const uint64_t generation = api.WaitLearned().generation();
    ASSERT_TRUE(Pause(api).ok());
    ASSERT_TRUE(Pause(api).ok()) << "paused already: no error";
    EXPECT_EQ(api.Learning().state(), v1::LEARNING_STATE_PAUSED);
    text = api.Put("a parcel from the north", "parcel");
    picture = api.Put(MakePng(9), "parcel");
    EXPECT_GE(api.Learning().events_queued(), 1u);
    EXPECT_EQ(api.Learning().generation(), generation);
    EXPECT_THAT(HitItems(api.Search(ByText("a parcel from the north", 1))), ElementsAre(text)) << "search goes on";
    EXPECT_EQ(server.Stop(), 0);
  }
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  EXPECT_EQ(api.Learning().state(), v1::LEARNING_STATE_PAUSED);
  EXPECT_GE(api.Learning().events_queued(), 1u);
  ASSERT_TRUE(Resume(api).ok());
  api.WaitLearned();
  EXPECT_EQ(api.Learning().state(), v1::LEARNING_STATE_IDLE);
  v1::SearchRequest request = ByText("a parcel from the north", 1);
  request.add_target_modalities(v1::MODALITY_IMAGE);
  EXPECT_THAT(HitItems(api.Search(request)), ElementsAre(picture));
}

// What was learned before a pause is learned still, whatever is made anew while learning rests.
TEST(LearningTest, AReindexWhilePausedAfterARestartForgetsNothing) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0"});
  ASSERT_TRUE(server.Start());
  constexpr int kPairs = 6;
  std::vector<uint64_t> pictures;
  {
    Api api(server.address());
    for (int i = 0; i < kPairs; ++i) {
      api.Put(absl::StrCat("label ", i * 7919, " on the shelf"), absl::StrCat("shelf-", i));
      pictures.push_back(api.Put(MakePng(100 + i), absl::StrCat("shelf-", i)));
    }
    api.WaitLearned();
    ASSERT_TRUE(Pause(api).ok());
    ASSERT_EQ(server.Stop(), 0);
  }
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const auto reindex = api.client->Reindex({});
  ASSERT_TRUE(reindex.ok()) << reindex.status();
  const auto ended = api.client->WaitOperation(reindex->operation_id(), absl::Seconds(100));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), v1::OPERATION_STATE_SUCCEEDED);
  for (int i = 0; i < kPairs; ++i) {
    v1::SearchRequest request = ByText(absl::StrCat("label ", i * 7919, " on the shelf"), 1);
    request.add_target_modalities(v1::MODALITY_IMAGE);
    EXPECT_THAT(HitItems(api.Search(request)), ElementsAre(pictures[i])) << i;
  }
}

TEST(LearningTest, WithLearningOffNothingIsLearnedAndResumeSaysSo) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--learning", "off"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const uint64_t text = api.Put("words that are only stored", "e");
  api.Put(MakePng(1), "e");
  EXPECT_EQ(api.Learning().state(), v1::LEARNING_STATE_OFF);
  EXPECT_EQ(api.Learning().events_seen(), 0u);
  EXPECT_EQ(Resume(api).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(HitItems(api.Search(ByText("words that are only stored", 1))), ElementsAre(text));
}

TEST(LearningTest, AServerThatHasLearnedNothingAnswersBySimilarityWithinAModality) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--learning", "off"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  std::vector<uint64_t> pictures;
  for (int i = 0; i < 10; ++i) pictures.push_back(api.Put(MakePng(i + 1, 64)));
  for (int i = 0; i < 10; ++i) {
    // The same picture at another size.
    EXPECT_THAT(HitItems(api.Search(ByContent(MakePng(i + 1, 48), 1))), ElementsAre(pictures[i]));
  }
}

TEST(LearningTest, AWatchSpeaksAtOnceAndThenOfEveryChange) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  int told = 0;
  const v1::LearningStatus first = api.WatchUntil([&](const v1::LearningStatus&) { return ++told >= 1; });
  std::thread uploads([&] {
    Api other(server.address());
    other.Put("something to learn", "e");
    other.Put(MakePng(3), "e");
  });
  const v1::LearningStatus later = api.WatchUntil([&](const v1::LearningStatus& status) {
    return status.events_queued() == 0 && status.events_seen() >= first.events_seen() + 2;
  });
  EXPECT_GT(later.generation(), first.generation());
  uploads.join();
  grpc::ClientContext context;
  v1::WatchRequest request;
  v1::WatchResponse response;
  request.mutable_interval()->set_nanos(1000);
  const auto stream = api.learning->Watch(&context, request);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(RidgesTest, AreChosenOnceNothingIsUploadedAndAreThereAfterARestart) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0"});
  ASSERT_TRUE(server.Start());
  v1::LearningStatus chosen;
  {
    Api api(server.address());
    EXPECT_EQ(api.Learning().ridge_events(), 0u);
    for (int i = 0; i < 30; ++i) {
      api.Put(absl::StrCat("barrel ", i * 7919 % 1009, " of salt"), absl::StrCat("barrel-", i));
      api.Put(MakePng(i + 1, 16), absl::StrCat("barrel-", i));
    }
    api.WatchUntil([](const v1::LearningStatus& status) { return status.ridge_events() >= 20; });
    chosen = api.WaitLearned();
  }
  ASSERT_EQ(server.Stop(), 0);
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const v1::LearningStatus after = api.Learning();
  EXPECT_EQ(after.ridge_events(), chosen.ridge_events());
  ASSERT_EQ(after.ridges_size(), chosen.ridges_size());
  for (int i = 0; i < after.ridges_size(); ++i) {
    EXPECT_EQ(after.ridges(i).modality(), chosen.ridges(i).modality());
    EXPECT_EQ(after.ridges(i).fixed(), chosen.ridges(i).fixed());
    EXPECT_EQ(after.ridges(i).trunk(), chosen.ridges(i).trunk());
  }
}

// Many small events, so that a twentieth of them is enough of a probe.
class TrunkTest : public testing::Test {
 protected:
  TrunkTest()
      : server_(dir_.path() + "/data",
                {"--train-idle-seconds", "0", "--publish-steps", "2", "--train-batch", "4", "--min-probe-events", "2",
                 "--learn-interval-seconds", "0"}) {}

  void Fill(Api& api) {
    for (int i = 0; i < kEvents; ++i) {
      const std::string event = absl::StrCat("event-", i);
      texts_.push_back(api.Put(TextOf(i), event));
      api.Put(MakePng(i + 1, 16), event);
    }
  }
  static std::string TextOf(int i) { return absl::StrCat("crate ", i * 7919 % 1009, " from dock ", i); }

  static constexpr int kEvents = 80;
  ScratchDir dir_;
  ServerProcess server_;
  std::vector<uint64_t> texts_;
};

TEST_F(TrunkTest, TheTrunkTrainsIsJudgedAndPublishedOrRefusedAndCanBeTakenBackWhileSearchGoesOn) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  Fill(api);
  std::atomic<bool> done{false};
  std::thread searcher([&] {
    Api other(server_.address());
    for (int i = 0; !done; ++i) {
      v1::SearchRequest request = ByText(TextOf(i % kEvents), 1);
      request.add_target_modalities(v1::MODALITY_TEXT);
      EXPECT_THAT(HitItems(other.Search(request)), ElementsAre(texts_[i % kEvents]));
      // On one core a flood of them would leave none to training, which yields to searches.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  // Publications are recorded; go on until one was published, or three were refused.
  const v1::LearningStatus judged = api.WatchUntil([](const v1::LearningStatus& status) {
    return status.trunk() > 0 || status.publications_refused() >= 3;
  });
  EXPECT_GT(judged.trunk_steps(), 0u);
  EXPECT_TRUE(judged.has_trunk_loss());
  EXPECT_TRUE(judged.has_probe_recall());
  EXPECT_GT(judged.probe_pairs(), 0u);
  ASSERT_GT(judged.ridges_size(), 0);
  EXPECT_GT(judged.ridges(0).fixed(), 0.0);
  ASSERT_TRUE(Pause(api).ok());
  // What was under way at the pause may still be published: wait until training rests.
  const std::vector<v1::TrunkRecord> history = History(api);
  ASSERT_FALSE(history.empty());
  uint64_t refused = 0;
  for (const v1::TrunkRecord& record : history) {
    EXPECT_GT(record.trunk(), 0u);
    EXPECT_GT(record.steps(), 0u);
    EXPECT_EQ(record.published(), record.probe_recall_after() >= record.probe_recall_before());
    refused += !record.published();
    if (!record.published()) {
      EXPECT_FALSE(record.current());
      EXPECT_EQ(Rollback(api, record.trunk()).code(), absl::StatusCode::kNotFound) << "a refused one was never used";
    }
  }
  EXPECT_EQ(api.Learning().publications_refused(), refused);
  const absl::Status back = Rollback(api, 0);
  ASSERT_TRUE(back.ok()) << back;
  EXPECT_EQ(api.Learning().trunk(), 0u);
  EXPECT_EQ(Rollback(api, 999).code(), absl::StatusCode::kNotFound);
  for (const v1::TrunkRecord& record : History(api)) EXPECT_EQ(record.current(), record.trunk() == 0) << record.trunk();
  done = true;
  searcher.join();
  const uint64_t steps = api.Learning().trunk_steps();
  const size_t trunks = History(api).size();
  const std::vector<v1::TrainingSample> samples = Samples(api);
  ASSERT_GE(samples.size(), 2u);
  EXPECT_TRUE(samples.front().has_loss());
  uint64_t judgements = 0, refusals = 0;
  for (const v1::TrainingSample& sample : samples) {
    EXPECT_GT(sample.steps(), 0u);
    EXPECT_GT(sample.time().seconds(), 0);
    refusals += sample.mark() == v1::TRAINING_MARK_REFUSED;
    if (sample.mark() != v1::TRAINING_MARK_REFUSED && sample.mark() != v1::TRAINING_MARK_PUBLISHED) continue;
    ++judgements;
    EXPECT_EQ(sample.mark() == v1::TRAINING_MARK_PUBLISHED, sample.candidate_recall() >= sample.probe_recall());
    EXPECT_EQ(sample.mark() == v1::TRAINING_MARK_PUBLISHED, sample.trunk() == sample.marked_trunk());
    ASSERT_TRUE(sample.has_drift());
    EXPECT_GT(sample.drift(), 0.0) << "two training steps move the trunk";
    EXPECT_LE(sample.drift(), 2.0);
  }
  EXPECT_EQ(refusals, api.Learning().publications_refused());
  EXPECT_GE(judgements, 1u);
  EXPECT_EQ(samples.back().mark(), v1::TRAINING_MARK_ROLLED_BACK);
  EXPECT_EQ(samples.back().trunk(), 0u);
  ASSERT_EQ(server_.Stop(), 0) << server_.LogTail();
  ASSERT_TRUE(server_.Start());
  Api again(server_.address());
  EXPECT_EQ(again.Learning().trunk(), 0u);
  EXPECT_EQ(History(again).size(), trunks);
  const std::vector<v1::TrainingSample> kept = Samples(again);
  ASSERT_EQ(kept.size(), samples.size()) << "learning is paused: nothing new, and nothing lost";
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].SerializeAsString(), samples[i].SerializeAsString()) << i;
  }
  EXPECT_LE(again.Learning().trunk_steps(), steps);
}

}  // namespace
}  // namespace mixmatch
