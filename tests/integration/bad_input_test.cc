// Every bad input is the client's clear error: nothing is stored, and the server goes on answering.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

// One server for all of these: each must leave it as it was.
class BadInputTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new ScratchDir;
    server_ = new ServerProcess(dir_->path() + "/data", {"--slow-learning", "off", "--max-upload-bytes", "3000000"});
    ASSERT_TRUE(server_->Start());
    Api api(server_->address());
    item_ = api.Put("a text that is there before");
  }
  static void TearDownTestSuite() {
    delete server_;
    delete dir_;
  }

  void SetUp() override {
    ASSERT_TRUE(server_->Running()) << server_->LogTail();
    api_ = std::make_unique<Api>(server_->address());
    before_ = Stored();
  }
  void TearDown() override {
    ASSERT_TRUE(server_->Running()) << server_->LogTail();
    EXPECT_EQ(Stored(), before_) << "something was stored";
    EXPECT_EQ(api_->Health().value_or(0), 1);
    EXPECT_THAT(HitItems(api_->Search(ByText("a text that is there before"))), testing::Contains(item_));
  }

  std::string Stored() {
    const v1::StatsResponse stats = api_->Stats();
    std::string all = absl::StrCat(stats.items(), " items ", stats.parts(), " parts ", stats.events(), " events: ");
    const std::vector<v1::Item> items = api_->ListAll().value();
    for (const v1::Item& item : items) absl::StrAppend(&all, item.SerializeAsString());
    return all;
  }

  absl::Status UploadAs(const std::string& media_type, const std::string& name, const std::string& content) {
    v1::UploadHeader header;
    header.set_media_type(media_type);
    header.set_name(name);
    const absl::Status upload = api_->Upload(content, header).status();
    // The same as a query. An empty one never gets as far as decoding.
    v1::SearchRequest request;
    request.set_k(1);
    request.add_query()->mutable_content()->set_data(content);
    request.mutable_query(0)->mutable_content()->set_media_type(media_type);
    EXPECT_EQ(api_->Search(request).status().code(), upload.code()) << upload;
    return upload;
  }

  static ScratchDir* dir_;
  static ServerProcess* server_;
  static uint64_t item_;
  std::unique_ptr<Api> api_;
  std::string before_;
};
ScratchDir* BadInputTest::dir_ = nullptr;
ServerProcess* BadInputTest::server_ = nullptr;
uint64_t BadInputTest::item_ = 0;

void ExpectInvalid(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_FALSE(status.message().empty());
}

TEST_F(BadInputTest, AnEmptyFileIsRefused) { ExpectInvalid(UploadAs("text/plain", "empty.txt", "")); }

TEST_F(BadInputTest, WhiteSpaceAloneIsRefused) { ExpectInvalid(UploadAs("text/plain", "blank.txt", " \n\t \n")); }

TEST_F(BadInputTest, ATruncatedMp4IsRefused) {
  const std::string& clip = MakeMp4();
  ASSERT_GT(clip.size(), 4000u);
  ExpectInvalid(UploadAs("video/mp4", "cut.mp4", clip.substr(0, clip.size() / 2)));
  ExpectInvalid(UploadAs("video/mp4", "cut.mp4", clip.substr(0, 100)));
}

TEST_F(BadInputTest, TextNamedPngIsRefused) {
  ExpectInvalid(UploadAs("image/png", "words.png", "These are only words, whatever the name says."));
}

TEST_F(BadInputTest, SoundOfNoLengthIsRefused) { ExpectInvalid(UploadAs("audio/wav", "silence.wav", MakeWav(1, 0.0))); }

TEST_F(BadInputTest, APictureOfOnePixelIsRefused) { ExpectInvalid(UploadAs("image/png", "dot.png", MakePng(1, 1))); }

TEST_F(BadInputTest, APictureOfTooManyPixelsIsRefusedByItsHeader) {
  const absl::Status status = UploadAs("image/png", "wall.png", PngHeader(50'000, 50'000));
  EXPECT_THAT(status.code(), AnyOf(absl::StatusCode::kInvalidArgument, absl::StatusCode::kResourceExhausted)) << status;
}

TEST_F(BadInputTest, BytesOfNoKnownKindAreRefused) {
  std::string bytes(5000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 ^ i >> 3);
  const absl::Status status = UploadAs("", "noise.bin", bytes);
  EXPECT_THAT(status.code(), AnyOf(absl::StatusCode::kInvalidArgument, absl::StatusCode::kUnimplemented)) << status;
}

TEST_F(BadInputTest, AWrongSha256IsRefused) {
  const std::string wrong(32, 'x'), shorter(31, 'x');
  ExpectInvalid(api_->Upload("some words", {}, &wrong).status());
  ExpectInvalid(api_->Upload("some words", {}, &shorter).status());
}

TEST_F(BadInputTest, AStreamCutInTheMiddleIsRefused) {
  for (bool with_request_id : {false, true}) {
    grpc::ClientContext context;
    v1::UploadResponse response;
    const auto stream = api_->items->Upload(&context, &response);
    v1::UploadRequest message;
    if (with_request_id) message.mutable_header()->set_request_id("cut");
    message.mutable_header()->set_name("cut");
    ASSERT_TRUE(stream->Write(message));
    message.set_chunk("the first half");
    stream->Write(message);
    stream->WritesDone();
    ExpectInvalid(FromGrpc(stream->Finish()));
  }
}

TEST_F(BadInputTest, MessagesOutOfOrderAreRefused) {
  v1::UploadRequest header, chunk, finish;
  header.mutable_header();
  chunk.set_chunk("words");
  finish.mutable_finish();
  for (const auto& messages : std::vector<std::vector<v1::UploadRequest>>{
           {}, {chunk, finish}, {finish}, {header, header}, {header, v1::UploadRequest()}}) {
    grpc::ClientContext context;
    v1::UploadResponse response;
    const auto stream = api_->items->Upload(&context, &response);
    for (const v1::UploadRequest& message : messages) stream->Write(message);
    stream->WritesDone();
    ExpectInvalid(FromGrpc(stream->Finish()));
  }
}

TEST_F(BadInputTest, AChunkOverItsLimitIsRefused) {
  ExpectInvalid(api_->Upload(std::string((2 << 20) + 1, 'a'), {}, nullptr, 4 << 20).status());
}

TEST_F(BadInputTest, AnUploadOverTheServersLimitIsRefused) {
  EXPECT_EQ(api_->Upload(std::string(3'000'001, 'a')).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(BadInputTest, GoingOnWithAnUploadThatIsNotThereIsOutOfRange) {
  v1::UploadHeader header;
  header.set_request_id("never begun");
  header.set_resume_offset(3);
  EXPECT_EQ(api_->Upload("some words", header).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(BadInputTest, AVectorOfTheWrongSizeOrWithoutADirectionIsRefused) {
  const auto by_vector = [&](int size, float value) {
    v1::SearchRequest request;
    request.set_k(3);
    request.add_query()->mutable_vector()->mutable_values()->Resize(size, value);
    return api_->Search(request).status();
  };
  const absl::Status wrong_size = by_vector(384, 0.1f);
  ExpectInvalid(wrong_size);
  EXPECT_THAT(std::string(wrong_size.message()), testing::AllOf(HasSubstr("384"), HasSubstr("512")));
  ExpectInvalid(by_vector(513, 0.1f));
  ExpectInvalid(by_vector(0, 0.0f));
  ExpectInvalid(by_vector(512, std::nanf("")));
  ExpectInvalid(by_vector(512, std::numeric_limits<float>::infinity()));
  ExpectInvalid(by_vector(512, 0.0f));
  EXPECT_TRUE(by_vector(512, 0.1f).ok());
}

TEST_F(BadInputTest, AnUnknownFilterFieldIsRefusedByListAndSearch) {
  v1::Filter filter;
  filter.mutable_condition()->set_field("colour");
  filter.mutable_condition()->set_exists(true);
  const absl::Status status = api_->ListAll(filter).status();
  ExpectInvalid(status);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("colour"))) << "the client's content";
  v1::SearchRequest request = ByText("words");
  *request.mutable_filter() = filter;
  ExpectInvalid(api_->Search(request).status());
}

TEST_F(BadInputTest, KOutsideItsRangeIsRefused) {
  for (int64_t k : {int64_t{0}, int64_t{-1}, int64_t{1001}, int64_t{1'000'000'000}, std::numeric_limits<int64_t>::max()}) {
    ExpectInvalid(api_->Search(ByText("words", k)).status());
  }
  EXPECT_TRUE(api_->Search(ByText("words", 1000)).ok());
}

TEST_F(BadInputTest, AQueryOfNothingOrOfTooMuchIsRefused) {
  v1::SearchRequest request;
  request.set_k(1);
  ExpectInvalid(api_->Search(request).status());
  request.add_query();
  ExpectInvalid(api_->Search(request).status());
  ExpectInvalid(api_->Search(ByText("")).status());
  ExpectInvalid(api_->StreamSearch(v1::SearchRequest(), "").status());
  request = ByText("words");
  for (int i = 0; i < 16; ++i) *request.add_query() = request.query(0);
  ExpectInvalid(api_->Search(request).status());
}

TEST_F(BadInputTest, AWeightThatIsNoNumberOrTermsThatCancelOutAreRefused) {
  v1::SearchRequest request = ByText("words");
  request.mutable_query(0)->set_weight(std::nanf(""));
  ExpectInvalid(api_->Search(request).status());
  request = ByItem(item_);
  *request.add_query() = request.query(0);
  request.mutable_query(1)->set_weight(-1.0f);
  ExpectInvalid(api_->Search(request).status());
}

TEST_F(BadInputTest, ATargetModalityWithoutARoomIsRefused) {
  v1::SearchRequest request = ByText("words");
  request.add_target_modalities(static_cast<v1::Modality>(77));
  ExpectInvalid(api_->Search(request).status());
}

TEST_F(BadInputTest, WhatDoesNotExistIsNotFound) {
  const auto not_found = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  };
  not_found(api_->Get(999).status());
  not_found(api_->Delete(999));
  not_found(api_->Download(999).status());
  not_found(api_->Search(ByItem(999)).status());
  not_found(api_->GetEvent("never").status());
  not_found(api_->Unlink("never").status());
  not_found(api_->Link("e", {item_, 999}).status());
  v1::SearchRequest request;
  request.set_k(1);
  request.add_query()->set_upload_request_id("never");
  not_found(api_->Search(request).status());
}

TEST_F(BadInputTest, ADownloadFromBeyondTheEndIsOutOfRange) {
  EXPECT_EQ(api_->Download(item_, 1000).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(api_->Download(item_, 27).value(), "");
}

TEST_F(BadInputTest, ABadPageIsRefused) {
  grpc::ClientContext context, second;
  v1::ItemServiceListRequest request;
  v1::ItemServiceListResponse response;
  request.set_page_size(1001);
  ExpectInvalid(FromGrpc(api_->items->List(&context, request, &response)));
  request.set_page_size(10);
  request.set_page_token("not a token");
  ExpectInvalid(FromGrpc(api_->items->List(&second, request, &response)));
}

TEST_F(BadInputTest, ARepeatedRequestIdIsAnsweredAsTheFirstWas) {
  v1::UploadHeader header;
  header.set_request_id("one and only");
  const auto first = api_->Upload("a text sent twice", header);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->repeated_request());
  before_ = Stored();
  // Even with other content: the request was answered.
  for (const char* content : {"a text sent twice", "another text"}) {
    const auto again = api_->Upload(content, header);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->repeated_request());
    EXPECT_EQ(again->item().SerializeAsString(), first->item().SerializeAsString());
  }
}

TEST_F(BadInputTest, AHeaderOverItsLimitsIsRefused) {
  v1::UploadHeader header;
  header.set_name(std::string(1025, 'n'));
  ExpectInvalid(api_->Upload("words", header).status());
  header.set_name("");
  (*header.mutable_metadata())["a key with spaces"].set_number(1);
  ExpectInvalid(api_->Upload("words", header).status());
}

}  // namespace
}  // namespace mixmatch
