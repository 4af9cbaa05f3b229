// Many searches at once, filters, and what a busy server does, on the real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kItems = 200;
constexpr int kBatch = 64;  // Of the server under test.

std::string WordsOf(int i) {
  static constexpr const char* kThings[] = {"fox", "boat", "tower", "garlic", "violin", "glacier", "chess", "storm"};
  static constexpr const char* kPlaces[] = {"in the snow", "on a lake", "at midnight", "over wheat", "by the sea"};
  return absl::StrCat("number ", i, " ", kThings[i % 8], " ", kPlaces[i % 5]);
}

v1::Filter AtMost(double number) {
  v1::Filter filter;
  filter.mutable_condition()->set_field("metadata.n");
  filter.mutable_condition()->mutable_range()->set_max(number);
  return filter;
}

// Texts numbered in their metadata, placed along a meridian, and pictures; one searching thread and one place to wait.
class SearchTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new ScratchDir;
    server_ = new ServerProcess(dir_->path() + "/data", {"--learning", "off", "--search-threads", "1", "--max-searches",
                                                         "1", "--max-batch-queries", absl::StrCat(kBatch)});
    ASSERT_TRUE(server_->Start());
    api_ = new Api(server_->address());
    for (int i = 0; i < kItems; ++i) {
      v1::UploadHeader header;
      (*header.mutable_metadata())["n"].set_number(i);
      header.mutable_location()->set_latitude(i * 0.1);
      const auto stored = api_->Upload(WordsOf(i), header);
      ASSERT_TRUE(stored.ok()) << stored.status();
      items_.push_back(stored->item().item_id());
    }
    for (int i = 0; i < 4; ++i) api_->Put(MakePng(i + 1));
  }
  static void TearDownTestSuite() {
    delete api_;
    delete server_;
    delete dir_;
  }
  void SetUp() override {
    ASSERT_TRUE(server_->Running()) << server_->LogTail();
    while (api_->Stats().searches_waiting() > 0) {  // What the test before cancelled.
    }
  }

  // A connection of its own that takes no more ahead of its reader than HTTP/2 begins with.
  static std::shared_ptr<grpc::Channel> NarrowChannel() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), arguments);
  }

  // A call whose answers are too large for what is sent ahead of a reader: it stays under way until it is read or ended.
  struct UnreadBatch {
    explicit UnreadBatch(std::chrono::milliseconds timeout = std::chrono::minutes(2)) {
      context.set_deadline(std::chrono::system_clock::now() + timeout);
      v1::BatchSearchRequest request;
      for (int i = 0; i < kBatch; ++i) {
        v1::SearchRequest search = ByText(WordsOf(i), kItems);
        search.set_include_vectors(true);
        *request.add_searches() = search;
      }
      reader = searches->BatchSearch(&context, request);
    }
    // True where the server began to answer: the call is admitted.
    bool Begin() { return reader->Read(&first); }
    std::unique_ptr<v1::SearchService::Stub> searches = v1::SearchService::NewStub(NarrowChannel());
    grpc::ClientContext context;
    v1::BatchSearchResponse first;
    std::unique_ptr<grpc::ClientReader<v1::BatchSearchResponse>> reader;
  };

  static ScratchDir* dir_;
  static ServerProcess* server_;
  static Api* api_;
  static std::vector<uint64_t> items_;
};
ScratchDir* SearchTest::dir_ = nullptr;
ServerProcess* SearchTest::server_ = nullptr;
Api* SearchTest::api_ = nullptr;
std::vector<uint64_t> SearchTest::items_;

TEST_F(SearchTest, ABatchAnswersEachSearchAsItIsAnsweredAlone) {
  std::vector<v1::SearchRequest> searches;
  for (int i = 0; i < kBatch - 3; ++i) searches.push_back(ByText(WordsOf(3 * i), 5));
  searches.push_back(ByContent(MakePng(2), 5));
  searches.push_back(ByItem(items_[9], 5));
  searches.push_back(ByText(WordsOf(1), 5));
  *searches.back().mutable_filter() = AtMost(50);
  std::vector<absl::StatusOr<v1::SearchResponse>> answers(searches.size(), absl::UnknownError("none"));
  std::set<uint64_t> generations;
  const absl::Status ended = api_->client->BatchSearch(searches, [&](size_t place, auto response) {
    ASSERT_TRUE(response.ok()) << place << " " << response.status();
    generations.insert(response->generation());
    answers[place] = std::move(response);
  });
  ASSERT_TRUE(ended.ok()) << ended;
  EXPECT_EQ(generations.size(), 1u);
  for (size_t i = 0; i < searches.size(); ++i) {
    const auto alone = api_->Search(searches[i]);
    EXPECT_EQ(HitItems(answers[i]), HitItems(alone)) << i;
    EXPECT_EQ(answers[i]->query_modalities_size(), alone->query_modalities_size());
  }
}

TEST_F(SearchTest, IdsOnlyFindsTheSameAndLeavesOutWhatItIs) {
  for (const v1::GroupBy group_by : {v1::GROUP_BY_UNSPECIFIED, v1::GROUP_BY_PART, v1::GROUP_BY_EVENT}) {
    v1::SearchRequest search = ByText(WordsOf(4), 5);
    search.set_group_by(group_by);
    const auto whole = api_->Search(search);
    search.set_ids_only(true);
    const auto ids = api_->Search(search);
    ASSERT_TRUE(whole.ok() && ids.ok());
    ASSERT_EQ(ids->hits_size(), whole->hits_size());
    for (int i = 0; i < ids->hits_size(); ++i) {
      v1::Hit wanted;
      wanted.mutable_item()->set_item_id(whole->hits(i).item().item_id());
      wanted.mutable_part()->set_part_id(whole->hits(i).part().part_id());
      wanted.set_score(whole->hits(i).score());
      wanted.set_generation(whole->hits(i).generation());
      wanted.set_event_id(whole->hits(i).event_id());
      EXPECT_EQ(ids->hits(i).SerializeAsString(), wanted.SerializeAsString());
    }
  }
}

TEST_F(SearchTest, ASearchThatFailsDoesNotDisturbTheOthers) {
  std::vector<v1::SearchRequest> searches = {ByText(WordsOf(1), 0),  ByText(WordsOf(1), 1), ByItem(999'999, 1),
                                             ByContent("", 1), ByText("   ", 1),  ByItem(items_[3], 1)};
  searches.push_back(ByText("x", 1));
  searches.back().mutable_filter()->mutable_condition()->set_field("colour");
  std::vector<absl::StatusCode> codes(searches.size());
  ASSERT_TRUE(api_->client->BatchSearch(searches, [&](size_t place, auto response) {
    codes[place] = response.status().code();
    if (response.ok()) {
      EXPECT_EQ(response->hits_size(), 1) << place;
    }
  }).ok());
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kInvalidArgument, absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                 absl::StatusCode::kInvalidArgument, absl::StatusCode::kInvalidArgument,
                                 absl::StatusCode::kOk, absl::StatusCode::kInvalidArgument));
}

TEST_F(SearchTest, ABatchOfNoneOrTooManyIsRefused) {
  for (const int size : {0, kBatch + 1}) {
    v1::BatchSearchRequest request;
    for (int i = 0; i < size; ++i) *request.add_searches() = ByText("x", 1);
    grpc::ClientContext context;
    const auto reader = api_->searches->BatchSearch(&context, request);
    v1::BatchSearchResponse response;
    EXPECT_FALSE(reader->Read(&response));
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat("got ", size, ", wanted 1 to ", kBatch)));
  }
}

TEST_F(SearchTest, AnAnswerFarLargerThanOneMessageArrivesWhole) {
  UnreadBatch batch;
  std::set<uint32_t> places;
  size_t bytes = 0;
  v1::BatchSearchResponse response;
  while (batch.reader->Read(&response)) {
    EXPECT_TRUE(places.insert(response.index()).second);
    EXPECT_GE(response.response().hits_size(), kItems);
    bytes += response.ByteSizeLong();
  }
  EXPECT_TRUE(batch.reader->Finish().ok());
  EXPECT_EQ(places.size(), static_cast<size_t>(kBatch));
  EXPECT_GT(bytes, 16u << 20);
}

TEST_F(SearchTest, AFilteredSearchFindsWhatAnUnfilteredOneWouldLeave) {
  const auto all = api_->Search(ByText(WordsOf(17), kItems + 10));
  ASSERT_TRUE(all.ok()) << all.status();
  for (const int bound : {0, 1, 20, 100, kItems}) {
    v1::SearchRequest request = ByText(WordsOf(17), 20);
    *request.mutable_filter() = AtMost(bound);
    std::vector<uint64_t> wanted;
    for (const v1::Hit& hit : all->hits()) {
      const auto number = hit.item().metadata().find("n");
      if (number == hit.item().metadata().end() || number->second.number() > bound || wanted.size() == 20) continue;
      wanted.push_back(hit.item().item_id());
    }
    EXPECT_EQ(HitItems(api_->Search(request)), wanted) << bound;
  }
}

TEST_F(SearchTest, AFilterFollowsChangesOfItems) {
  v1::SearchRequest request = ByText(WordsOf(0), 10);
  request.mutable_filter()->mutable_condition()->set_field("metadata.mark");
  request.mutable_filter()->mutable_condition()->set_exists(true);
  EXPECT_TRUE(HitItems(api_->Search(request)).empty());
  v1::UploadHeader header;
  (*header.mutable_metadata())["mark"].set_flag(true);
  const auto stored = api_->Upload("marked", header);
  ASSERT_TRUE(stored.ok());
  EXPECT_THAT(HitItems(api_->Search(request)), ElementsAre(stored->item().item_id()));
  ASSERT_TRUE(api_->Delete(stored->item().item_id()).ok());
  EXPECT_TRUE(HitItems(api_->Search(request)).empty());
}

TEST_F(SearchTest, PlacesAreFilteredByCircle) {
  v1::SearchRequest request = ByText(WordsOf(0), kItems);
  v1::Condition& condition = *request.mutable_filter()->mutable_condition();
  condition.set_field("location");
  condition.mutable_within()->set_latitude(5.0);  // Item 50; a tenth of a degree is 11.1 km.
  condition.mutable_within()->set_radius_meters(25e3);
  const std::vector<uint64_t> hits = HitItems(api_->Search(request));
  EXPECT_EQ(std::set<uint64_t>(hits.begin(), hits.end()),
            (std::set<uint64_t>{items_[48], items_[49], items_[50], items_[51], items_[52]}));
}

TEST_F(SearchTest, BeyondWhatMayWaitACallIsRefusedAtOnceAndToldWhenToComeAgain) {
  const uint64_t refused_before = api_->Stats().searches_refused();
  UnreadBatch one, two;  // All the places that there are.
  ASSERT_TRUE(one.Begin());
  ASSERT_TRUE(two.Begin());
  grpc::ClientContext context;
  v1::SearchResponse response;
  const grpc::Status refused = api_->searches->Search(&context, ByText("x", 1), &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto pushback = trailers.find("grpc-retry-pushback-ms");
  ASSERT_NE(pushback, trailers.end());
  int ms = 0;
  EXPECT_TRUE(absl::SimpleAtoi(std::string(pushback->second.data(), pushback->second.size()), &ms));
  EXPECT_GT(ms, 0);
  EXPECT_EQ(api_->Stats().searches_refused(), refused_before + 1);
  while (api_->Stats().searches_waiting() != 2) {  // They fill what is sent ahead, then they wait for their readers.
  }
  while (one.reader->Read(&one.first)) {
  }
  EXPECT_TRUE(one.reader->Finish().ok());
  EXPECT_EQ(HitItems(api_->Search(ByText(WordsOf(4), 1))), std::vector<uint64_t>{items_[4]}) << "there is room again";
  while (two.reader->Read(&two.first)) {
  }
  EXPECT_TRUE(two.reader->Finish().ok());
}

TEST_F(SearchTest, WhatACallLacksAPlaceForIsNotABadRequest) {
  UnreadBatch one, two;
  ASSERT_TRUE(one.Begin());
  ASSERT_TRUE(two.Begin());
  EXPECT_EQ(api_->Search(ByText("x", 0)).status().code(), absl::StatusCode::kInvalidArgument)
      << "what can be told at once is told, however busy the server is";
  for (UnreadBatch* batch : {&one, &two}) {
    batch->context.TryCancel();
    EXPECT_EQ(batch->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST_F(SearchTest, ACancelledBatchEndsAndLeavesItsPlace) {
  const uint64_t before = api_->Stats().searches_abandoned();
  UnreadBatch batch;
  ASSERT_TRUE(batch.Begin());
  batch.context.TryCancel();
  EXPECT_EQ(batch.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (api_->Stats().searches_abandoned() == before) {  // Searches that nobody waits for are not made.
  }
  while (api_->Stats().searches_waiting() > 0) {
  }
}

TEST_F(SearchTest, ABatchBeyondItsDeadlineEndsAndLeavesItsPlace) {
  const uint64_t before = api_->Stats().searches_abandoned();
  UnreadBatch batch(std::chrono::milliseconds(700));
  batch.Begin();
  while (std::chrono::system_clock::now() <= batch.context.deadline()) {  // Unread, it cannot end before.
  }
  while (batch.reader->Read(&batch.first)) {
  }
  EXPECT_EQ(batch.reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  while (api_->Stats().searches_abandoned() == before) {
  }
  while (api_->Stats().searches_waiting() > 0) {
  }
}

}  // namespace
}  // namespace mixmatch
