// What a client does all day, on one server: upload, search each way, read, change, delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr int kPairs = 8;
constexpr const char* kWords[kPairs] = {"a red fox in the snow",      "three boats on a calm lake",
                                        "the clock tower at midnight", "wild garlic and nettle soup",
                                        "an old violin without strings", "glaciers seen from the air",
                                        "chess players in the park",    "a thunderstorm over wheat"};

v1::Filter Where(const std::string& text) {
  v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

// Eight events, each of a text, a picture and a sound; and a clip.
class FlowsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new ScratchDir;
    server_ = new ServerProcess(dir_->path() + "/data", {"--slow-learning", "off", "--learn-interval-seconds", "0"});
    ASSERT_TRUE(server_->Start());
    api_ = new Api(server_->address());
    for (int i = 0; i < kPairs; ++i) {
      const std::string event = absl::StrCat("pair-", i);
      texts_[i] = api_->Put(kWords[i], event, absl::StrCat("text-", i));
      pictures_[i] = api_->Put(MakePng(i + 1), event, absl::StrCat("picture-", i, ".png"));
      sounds_[i] = api_->Put(MakeWav(i + 1), event, absl::StrCat("sound-", i, ".wav"));
    }
    clip_ = api_->Put(MakeMp4(), "", "clip.mp4");
    api_->WaitLearned();
  }
  static void TearDownTestSuite() {
    delete api_;
    delete server_;
    delete dir_;
  }
  void SetUp() override { ASSERT_TRUE(server_->Running()) << server_->LogTail(); }

  static ScratchDir* dir_;
  static ServerProcess* server_;
  static Api* api_;
  static uint64_t texts_[kPairs], pictures_[kPairs], sounds_[kPairs], clip_;
};
ScratchDir* FlowsTest::dir_ = nullptr;
ServerProcess* FlowsTest::server_ = nullptr;
Api* FlowsTest::api_ = nullptr;
uint64_t FlowsTest::texts_[kPairs], FlowsTest::pictures_[kPairs], FlowsTest::sounds_[kPairs], FlowsTest::clip_;

TEST_F(FlowsTest, TheKindOfContentIsSniffed) {
  EXPECT_EQ(api_->Get(texts_[0])->modality(), v1::MODALITY_TEXT);
  EXPECT_EQ(api_->Get(pictures_[0])->modality(), v1::MODALITY_IMAGE);
  EXPECT_EQ(api_->Get(pictures_[0])->media_type(), "image/png");
  EXPECT_EQ(api_->Get(sounds_[0])->modality(), v1::MODALITY_AUDIO);
  EXPECT_EQ(api_->Get(clip_)->modality(), v1::MODALITY_VIDEO);
}

TEST_F(FlowsTest, AClipHasPartsOfItsPicturesItsSoundAndItsSubtitles) {
  const auto clip = api_->Get(clip_, /*vectors=*/true);
  ASSERT_TRUE(clip.ok()) << clip.status();
  std::map<v1::Modality, int> parts;
  for (const v1::Part& part : clip->parts()) {
    ++parts[part.modality()];
    EXPECT_LE(part.start_seconds(), part.end_seconds());
    EXPECT_LE(part.end_seconds(), 3.5);
    EXPECT_THAT(part.vector(), SizeIs(512));
  }
  EXPECT_GE(parts[v1::MODALITY_VIDEO], 1);
  EXPECT_GE(parts[v1::MODALITY_AUDIO], 1);
  EXPECT_GE(parts[v1::MODALITY_TEXT], 1);
  EXPECT_NEAR(clip->duration().seconds() + clip->duration().nanos() * 1e-9, 3.0, 0.3);
  const auto event = api_->GetEvent(absl::StrCat("item:", clip_));
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->kind(), v1::EVENT_KIND_CONTAINER);
}

TEST_F(FlowsTest, ContentFindsItselfInItsOwnModality) {
  for (int i = 0; i < kPairs; ++i) {
    v1::SearchRequest request = ByText(kWords[i], 1);
    request.add_target_modalities(v1::MODALITY_TEXT);
    EXPECT_THAT(HitItems(api_->Search(request)), ElementsAre(texts_[i]));
    request = ByContent(MakePng(i + 1), 1);
    request.add_target_modalities(v1::MODALITY_IMAGE);
    EXPECT_THAT(HitItems(api_->Search(request)), ElementsAre(pictures_[i]));
    request = ByContent(MakeWav(i + 1), 1);
    request.add_target_modalities(v1::MODALITY_AUDIO);
    EXPECT_THAT(HitItems(api_->Search(request)), ElementsAre(sounds_[i]));
  }
}

TEST_F(FlowsTest, WhatOccurredTogetherIsFoundInEveryDirection) {
  const std::pair<v1::Modality, const uint64_t*> sides[] = {
      {v1::MODALITY_TEXT, texts_}, {v1::MODALITY_IMAGE, pictures_}, {v1::MODALITY_AUDIO, sounds_}};
  for (const auto& [from, from_items] : sides) {
    for (const auto& [to, to_items] : sides) {
      if (from == to) continue;
      int found = 0;
      for (int i = 0; i < kPairs; ++i) {
        v1::SearchRequest request = ByItem(from_items[i], 1);
        request.add_target_modalities(to);
        const auto hits = HitItems(api_->Search(request));
        found += !hits.empty() && hits[0] == to_items[i];
      }
      EXPECT_GE(found, kPairs - 1) << v1::Modality_Name(from) << " to " << v1::Modality_Name(to);
    }
  }
}

TEST_F(FlowsTest, ASoundFindsItsClip) {
  v1::SearchRequest request = ByItem(clip_, 5);
  request.mutable_query(0)->Clear();
  const auto clip = api_->Get(clip_, /*vectors=*/true);
  for (const v1::Part& part : clip->parts()) {
    if (part.modality() == v1::MODALITY_AUDIO) request.mutable_query(0)->set_part_id(part.part_id());
  }
  request.add_target_modalities(v1::MODALITY_VIDEO);
  const auto response = api_->Search(request);
  EXPECT_THAT(HitItems(response), ElementsAre(clip_));
  EXPECT_GT(response->hits(0).part().end_seconds(), response->hits(0).part().start_seconds());
}

TEST_F(FlowsTest, HitsAreNearestFirstOfOneGenerationAndSayWhatTheyAre) {
  const auto response = api_->Search(ByText(kWords[2], 20));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->query_modalities(), ElementsAre(v1::MODALITY_TEXT));
  for (int i = 0; i < response->hits_size(); ++i) {
    const v1::Hit& hit = response->hits(i);
    EXPECT_LE(hit.score(), i > 0 ? response->hits(i - 1).score() : 1.0f);
    EXPECT_EQ(hit.generation(), response->generation());
    EXPECT_EQ(hit.part().item_id(), hit.item().item_id());
    EXPECT_FALSE(hit.item().name().empty());
    EXPECT_THAT(hit.part().vector(), IsEmpty());
    EXPECT_THAT(hit.item().parts(), IsEmpty());
  }
}

TEST_F(FlowsTest, KIsTheNumberOfHitsWhereThereAreEnough) {
  for (int k : {1, 2, 7, 25}) EXPECT_THAT(HitItems(api_->Search(ByText("anything", k))), SizeIs(k));
  EXPECT_THAT(HitItems(api_->Search(ByText("anything", 1000))), SizeIs(3 * kPairs + 1)) << "each item once";
}

TEST_F(FlowsTest, HitsAreGatheredByItemByEventOrNotAtAll) {
  v1::SearchRequest request = ByText(kWords[0], 100);
  request.set_group_by(v1::GROUP_BY_EVENT);
  const auto by_event = api_->Search(request);
  ASSERT_TRUE(by_event.ok());
  std::set<std::string> events;
  int alone = 0;
  for (const v1::Hit& hit : by_event->hits()) {
    if (hit.event_id().empty()) {
      ++alone;
    } else {
      EXPECT_TRUE(events.insert(hit.event_id()).second) << hit.event_id();
      EXPECT_THAT(hit.item().event_ids(), Contains(hit.event_id()));
    }
  }
  EXPECT_THAT(events, SizeIs(kPairs));
  EXPECT_EQ(alone, 1) << "the clip stands for itself";
  request.set_group_by(v1::GROUP_BY_PART);
  request.set_include_vectors(true);
  const auto by_part = api_->Search(request);
  ASSERT_TRUE(by_part.ok());
  EXPECT_EQ(by_part->hits_size(), static_cast<int>(api_->Stats().parts()));
  for (const v1::Hit& hit : by_part->hits()) EXPECT_THAT(hit.part().vector(), SizeIs(512));
}

TEST_F(FlowsTest, AQueryCanBeAnItemAPartAVectorOrAnEarlierUpload) {
  v1::UploadHeader header;
  header.set_request_id("the query");
  header.set_name("query.png");
  const auto upload = api_->Upload(MakePng(77), header);
  ASSERT_TRUE(upload.ok());
  const auto item = api_->Get(upload->item().item_id(), /*vectors=*/true);
  v1::QueryTerm terms[4];
  terms[0].set_item_id(item->item_id());
  terms[1].set_part_id(item->parts(0).part_id());
  *terms[2].mutable_vector()->mutable_values() = item->parts(0).vector();
  terms[3].set_upload_request_id("the query");
  api_->WaitLearned();
  *terms[2].mutable_vector()->mutable_values() = api_->Get(item->item_id(), true)->parts(0).vector();
  for (const v1::QueryTerm& term : terms) {
    v1::SearchRequest request;
    *request.add_query() = term;
    request.set_k(2);
    const auto response = api_->Search(request);
    ASSERT_TRUE(response.ok()) << response.status() << term.ShortDebugString().substr(0, 40);
    EXPECT_EQ(response->hits(0).item().item_id(), item->item_id());
    EXPECT_NEAR(response->hits(0).score(), 1.0, 1e-3);
    if (term.has_vector()) continue;
    request.set_exclude_query_items(true);
    EXPECT_THAT(HitItems(api_->Search(request)), Not(Contains(item->item_id())));
  }
  EXPECT_TRUE(api_->Delete(item->item_id()).ok());
  api_->WaitLearned();
}

TEST_F(FlowsTest, ANegativeTermPushesAway) {
  const auto score_of = [&](float weight) {
    v1::SearchRequest request = ByText(kWords[0], 100);
    request.add_query()->set_item_id(texts_[1]);
    request.mutable_query(1)->set_weight(weight);
    request.add_target_modalities(v1::MODALITY_TEXT);
    const auto response = api_->Search(request);
    EXPECT_TRUE(response.ok()) << response.status();
    for (const v1::Hit& hit : response->hits()) {
      if (hit.item().item_id() == texts_[1]) return hit.score();
    }
    return NAN;
  };
  EXPECT_LT(score_of(-0.5f), score_of(0.5f));
}

TEST_F(FlowsTest, AStreamedQueryFindsWhatAnInlineOneFinds) {
  v1::SearchRequest request;
  request.set_k(5);
  const std::string picture = MakePng(3, 64);
  const auto streamed = api_->StreamSearch(request, picture), inlined = api_->Search(ByContent(picture, 5));
  EXPECT_THAT(HitItems(streamed), testing::ElementsAreArray(HitItems(inlined)));
  EXPECT_EQ(streamed->query_modalities(0), v1::MODALITY_IMAGE);
  request.add_query()->mutable_content()->set_text(kWords[2]);
  const auto both = api_->StreamSearch(request, picture);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_THAT(both->query_modalities(), UnorderedElementsAre(v1::MODALITY_TEXT, v1::MODALITY_IMAGE));
}

TEST_F(FlowsTest, FiltersChooseItemsInSearchAndInList) {
  v1::SearchRequest request = ByText(kWords[0], 100);
  *request.mutable_filter() = Where("condition { field: 'event_id' equals { text: 'pair-5' } }");
  EXPECT_THAT(HitItems(api_->Search(request)), UnorderedElementsAre(texts_[5], pictures_[5], sounds_[5]));
  *request.mutable_filter() = Where("condition { field: 'event_id' prefix: 'nothing' }");
  EXPECT_THAT(HitItems(api_->Search(request)), IsEmpty());
  const auto sounds = api_->ListAll(Where("condition { field: 'modality' equals { text: 'audio' } }"));
  EXPECT_THAT(*sounds, SizeIs(kPairs));
}

TEST_F(FlowsTest, ChangedMetadataIsSeenByFiltersAtOnce) {
  const v1::Filter filter = Where("condition { field: 'metadata.rating' range { min: 4 } }");
  EXPECT_THAT(*api_->ListAll(filter), IsEmpty());
  grpc::ClientContext context;
  v1::UpdateMetadataRequest update;
  v1::UpdateMetadataResponse updated;
  update.set_item_id(pictures_[4]);
  (*update.mutable_set())["rating"].set_number(4.5);
  update.set_name("renamed.png");
  ASSERT_TRUE(api_->items->UpdateMetadata(&context, update, &updated).ok());
  EXPECT_EQ(updated.item().name(), "renamed.png");
  v1::SearchRequest request = ByText("anything", 10);
  *request.mutable_filter() = filter;
  EXPECT_THAT(HitItems(api_->Search(request)), ElementsAre(pictures_[4]));
}

TEST_F(FlowsTest, AHeaderIsKeptAsItWasSent) {
  v1::UploadHeader header;
  header.set_media_type("text/plain");
  header.set_name("notes.txt");
  header.set_source("desk");
  header.mutable_observed_time()->set_seconds(1'000'000'000);
  header.mutable_observed_duration()->set_seconds(60);
  header.mutable_location()->set_latitude(52.5);
  header.mutable_location()->set_longitude(13.4);
  (*header.mutable_metadata())["language"].set_text("de");
  const auto upload = api_->Upload("Ein Text, der alles hat.", header);
  ASSERT_TRUE(upload.ok()) << upload.status();
  const auto item = api_->Get(upload->item().item_id());
  EXPECT_EQ(item->SerializeAsString(), upload->item().SerializeAsString());
  EXPECT_EQ(item->name(), "notes.txt");
  EXPECT_EQ(item->source(), "desk");
  EXPECT_EQ(item->observed_time().seconds(), 1'000'000'000);
  EXPECT_EQ(item->duration().seconds(), 60);
  EXPECT_EQ(item->location().latitude(), 52.5);
  EXPECT_EQ(item->metadata().at("language").text(), "de");
  EXPECT_TRUE(api_->Delete(item->item_id()).ok());
  api_->WaitLearned();
}

TEST_F(FlowsTest, PagesTogetherHoldEveryItemOnceInOrder) {
  const auto whole = api_->ListAll({}, 1000), paged = api_->ListAll({}, 7);
  ASSERT_TRUE(whole.ok() && paged.ok());
  ASSERT_EQ(whole->size(), paged->size());
  for (size_t i = 0; i < whole->size(); ++i) {
    EXPECT_EQ((*whole)[i].item_id(), (*paged)[i].item_id());
    EXPECT_LT(i > 0 ? (*whole)[i - 1].item_id() : 0, (*whole)[i].item_id());
  }
}

TEST_F(FlowsTest, EventsArePagedInByteOrderAndByItem) {
  std::vector<std::string> ids;
  v1::EventServiceListRequest request;
  v1::EventServiceListResponse response;
  request.set_page_size(3);
  do {
    grpc::ClientContext context;
    response.Clear();
    ASSERT_TRUE(api_->events->List(&context, request, &response).ok());
    for (const v1::Event& event : response.events()) ids.push_back(event.event_id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, SizeIs(kPairs + 1));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  grpc::ClientContext context;
  request.Clear();
  request.set_item_id(texts_[3]);
  response.Clear();
  ASSERT_TRUE(api_->events->List(&context, request, &response).ok());
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(response.events(0).event_id(), "pair-3");
}

TEST_F(FlowsTest, ADownloadGivesAnyRangeOfTheContent) {
  const std::string& clip = MakeMp4();
  EXPECT_TRUE(api_->Download(clip_).value() == clip);
  EXPECT_TRUE(api_->Download(clip_, 1000).value() == clip.substr(1000));
  EXPECT_TRUE(api_->Download(clip_, 5, 10).value() == clip.substr(5, 10));
  EXPECT_TRUE(api_->Download(clip_, clip.size() - 3, 100).value() == clip.substr(clip.size() - 3));
  EXPECT_EQ(api_->Download(clip_, clip.size()).value(), "");
}

TEST_F(FlowsTest, LinkingAndUnlinkingChangesWhatIsFound) {
  const uint64_t text = api_->Put("the harbour master's logbook", "", "late text");
  const uint64_t picture = api_->Put(MakePng(501), "", "late picture");
  const uint64_t other = api_->Put(MakePng(502), "", "other picture");
  const auto rank_of = [&](uint64_t wanted) {
    v1::SearchRequest request = ByItem(text, 100);
    request.add_target_modalities(v1::MODALITY_IMAGE);
    const auto hits = HitItems(api_->Search(request));
    return std::find(hits.begin(), hits.end(), wanted) - hits.begin();
  };
  const uint64_t before = api_->WaitLearned().generation();
  ASSERT_TRUE(api_->Link("late", {text, picture}).ok());
  const v1::LearningStatus linked = api_->WaitLearned();
  EXPECT_GT(linked.generation(), before);
  EXPECT_EQ(rank_of(picture), 0);
  RecordProperty("event_to_results_ms", static_cast<int>(linked.last_refresh_lag().seconds() * 1000 +
                                                         linked.last_refresh_lag().nanos() / 1'000'000));
  EXPECT_THAT(api_->Get(text)->event_ids(), ElementsAre("late"));

  ASSERT_TRUE(api_->Unlink("late").ok());
  ASSERT_TRUE(api_->Link("later", {text, other}).ok());
  api_->WaitLearned();
  EXPECT_EQ(rank_of(other), 0);
  EXPECT_NE(rank_of(picture), 0);
  EXPECT_EQ(api_->GetEvent("late").status().code(), absl::StatusCode::kNotFound);
  for (uint64_t item : {text, picture, other}) EXPECT_TRUE(api_->Delete(item).ok());
  api_->WaitLearned();
}

TEST_F(FlowsTest, ADeletedItemIsGoneAtOnceFromResultsListsAndEvents) {
  const uint64_t text = api_->Put("soon to be forgotten", "short-lived", "forget me");
  const uint64_t picture = api_->Put(MakePng(601), "short-lived", "keep me");
  EXPECT_THAT(HitItems(api_->Search(ByText("soon to be forgotten", 100))), Contains(text));
  ASSERT_TRUE(api_->Delete(text).ok());
  EXPECT_THAT(HitItems(api_->Search(ByText("soon to be forgotten", 100))), Not(Contains(text)));
  EXPECT_EQ(api_->Get(text).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(api_->Download(text).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(api_->Delete(text).code(), absl::StatusCode::kNotFound);
  const auto event = api_->GetEvent("short-lived");
  ASSERT_TRUE(event.ok()) << event.status();
  ASSERT_EQ(event->members_size(), 1);
  EXPECT_EQ(event->members(0).item_id(), picture);
  api_->WaitLearned();
  EXPECT_THAT(HitItems(api_->Search(ByText("soon to be forgotten", 100))), Not(Contains(text))) << "not by learning";
  ASSERT_TRUE(api_->Delete(picture).ok());
  api_->WaitLearned();
}

TEST_F(FlowsTest, EveryServiceIsHealthyAndListedByReflection) {
  const std::string services[] = {"mixmatch.v1.ItemService", "mixmatch.v1.EventService", "mixmatch.v1.SearchService",
                                  "mixmatch.v1.LearningService", "mixmatch.v1.AdminService"};
  EXPECT_EQ(api_->Health().value_or(0), 1);
  const std::vector<std::string> listed = api_->ReflectedServices();
  for (const std::string& service : services) {
    EXPECT_EQ(api_->Health(service).value_or(0), 1) << service;
    EXPECT_THAT(listed, Contains(service));
  }
  EXPECT_EQ(api_->Health("no such service").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FlowsTest, StatsCountWhatIsStored) {
  const v1::StatsResponse stats = api_->Stats();
  EXPECT_EQ(stats.items(), 3u * kPairs + 1);
  EXPECT_EQ(stats.events(), kPairs + 1u);
  EXPECT_GT(stats.parts(), stats.items());
  EXPECT_GT(stats.disk_bytes(), 0u);
  EXPECT_GT(stats.resident_bytes(), 0u);
  EXPECT_GT(stats.uploads(), 0u);
  EXPECT_GT(stats.searches(), 0u);
  EXPECT_FALSE(stats.version().empty());
  uint64_t items = 0, parts = 0;
  for (const v1::ModalityStats& modality : stats.modalities()) {
    items += modality.items();
    parts += modality.parts();
  }
  EXPECT_EQ(items, stats.items());
  EXPECT_EQ(parts, stats.parts());
}

}  // namespace
}  // namespace mixmatch
