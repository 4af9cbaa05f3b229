// Sounds and videos that are stored while they are made: what was told can be found, whatever happens next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

// Half a minute of pictures and a tone as MPEG-TS, with a cut every six seconds.
const std::string& MakeStream() {
  static const auto* const bytes = [] {
    ScratchDir dir;
    const std::string command = absl::StrCat(
        "cd ", dir.path(),
        " && ffmpeg -nostdin -v error -y -f lavfi -i testsrc=size=96x64:rate=12:duration=6"
        " -f lavfi -i color=red:size=96x64:rate=12:duration=6 -f lavfi -i mandelbrot=size=96x64:rate=12"
        " -f lavfi -i color=blue:size=96x64:rate=12:duration=6 -f lavfi -i smptebars=size=96x64:rate=12:duration=6"
        " -f lavfi -i sine=frequency=440:duration=30"
        " -filter_complex '[2:v]trim=duration=6,setpts=PTS-STARTPTS[m];[0:v][1:v][m][3:v][4:v]concat=n=5:v=1[v]'"
        " -map '[v]' -map 5:a -c:v mpeg2video -g 12 -c:a mp2 -f mpegts out.ts");
    EXPECT_EQ(system(command.c_str()), 0) << "ffmpeg is needed to make a stream";
    std::ifstream in(dir.path() + "/out.ts", std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return new std::string(out.str());
  }();
  return *bytes;
}

// One call of Live, by hand.
class Call {
 public:
  explicit Call(Api& api, const v1::UploadHeader& header = {}) : stream_(api.items->Live(&context_)) {
    v1::LiveRequest request;
    *request.mutable_header() = header;
    stream_->Write(request);
  }

  bool Send(absl::string_view bytes) {
    v1::LiveRequest request;
    for (size_t at = 0; at < bytes.size(); at += 32 << 10) {
      request.set_chunk(std::string(bytes.substr(at, 32 << 10)));
      if (!stream_->Write(request)) return false;
    }
    return true;
  }
  void End() {
    v1::LiveRequest request;
    request.mutable_end();
    stream_->Write(request);
    stream_->WritesDone();
  }
  void Close() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  bool Read(v1::LiveResponse& response) { return stream_->Read(&response); }
  absl::Status Finish() {
    v1::LiveResponse rest;
    while (stream_->Read(&rest)) last = rest;
    return FromGrpc(stream_->Finish());
  }

  v1::LiveResponse last;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::LiveRequest, v1::LiveResponse>> stream_;
};

TEST(LiveTest, PartsCanBeFoundWhileTheStreamRunsAndItEndsAsAWholeItem) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  v1::UploadHeader header;
  header.set_name("cam-1");
  header.set_source("cam-1");
  Call call(api, header);
  const std::string& bytes = MakeStream();
  ASSERT_TRUE(call.Send(absl::string_view(bytes).substr(0, bytes.size() * 2 / 3)));
  v1::LiveResponse response;
  ASSERT_TRUE(call.Read(response));
  ASSERT_EQ(response.parts_size(), 1);
  EXPECT_EQ(response.item().live_state(), v1::LIVE_STATE_RUNNING);
  EXPECT_EQ(response.item().source(), "cam-1");
  const uint64_t item_id = response.item().item_id();
  v1::SearchRequest search;
  search.set_k(5);
  search.add_query()->set_part_id(response.parts(0).part_id());
  EXPECT_EQ(HitItems(api.Search(search)), std::vector<uint64_t>{item_id});
  ASSERT_TRUE(call.Send(absl::string_view(bytes).substr(bytes.size() * 2 / 3)));
  call.End();
  const absl::Status ended = call.Finish();
  EXPECT_TRUE(ended.ok()) << ended;
  const auto item = api.Get(item_id);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->live_state(), v1::LIVE_STATE_ENDED);
  EXPECT_EQ(item->sha256(), Sha256(bytes));
  EXPECT_EQ(item->size_bytes(), bytes.size());
  EXPECT_NEAR(item->duration().seconds(), 30, 1);
  EXPECT_GE(item->part_count(), 7u);
  EXPECT_EQ(*api.Download(item_id), bytes);
  EXPECT_TRUE(api.GetEvent(absl::StrCat("item:", item_id)).ok());
}

TEST(LiveTest, AStreamThatBreaksOffKeepsWhatWasToldAndIsCut) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  Call call(api);
  const std::string& bytes = MakeStream();
  ASSERT_TRUE(call.Send(absl::string_view(bytes).substr(0, bytes.size() / 2)));
  call.Close();
  EXPECT_EQ(call.Finish().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(call.last.item().live_state(), v1::LIVE_STATE_CUT);
  const auto item = api.Get(call.last.item().item_id());
  ASSERT_TRUE(item.ok());
  EXPECT_EQ(item->sha256(), Sha256(bytes.substr(0, bytes.size() / 2)));
}

TEST(LiveTest, AfterAKillWhatWasToldIsThereAndTheItemIsCut) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  std::vector<v1::Part> told;
  {
    Api api(server.address());
    Call call(api);
    const std::string& bytes = MakeStream();
    ASSERT_TRUE(call.Send(absl::string_view(bytes).substr(0, bytes.size() * 3 / 4)));
    v1::LiveResponse response;
    for (int i = 0; i < 3 && call.Read(response); ++i) told.push_back(response.parts(0));
    server.Kill();
    call.Finish().IgnoreError();
  }
  ASSERT_EQ(told.size(), 3u);
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const auto item = api.Get(told[0].item_id(), /*vectors=*/true);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->live_state(), v1::LIVE_STATE_CUT);
  EXPECT_EQ(item->parts_size(), static_cast<int>(item->part_count()));
  ASSERT_GE(item->parts_size(), 3);
  for (size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(item->parts(i).part_id(), told[i].part_id());
    EXPECT_EQ(item->parts(i).end_seconds(), told[i].end_seconds());
    EXPECT_EQ(item->parts(i).vector_size(), 512);
  }
  const auto content = api.Download(item->item_id());
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->size(), item->size_bytes());
  EXPECT_EQ(Sha256(*content), item->sha256());
  EXPECT_EQ(*content, MakeStream().substr(0, content->size()));
}

TEST(LiveTest, WhatNothingReadsLeavesNothing) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  for (const std::string& bytes : {std::string(100'000, 'a'), std::string(), std::string(200'000, '\x01'), MakePng(1, 64)}) {
    Call call(api);
    call.Send(bytes);
    call.End();
    EXPECT_FALSE(call.Finish().ok());
  }
  EXPECT_EQ(api.ListAll()->size(), 0u);
  EXPECT_NE(api.Put("the server lives"), 0u);
}

TEST(LiveTest, DamageInAStreamCostsItsEndOnly) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  std::string bytes = MakeStream();
  for (size_t i = bytes.size() / 2; i < bytes.size() * 3 / 4; i += 7) bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  Call call(api);
  call.Send(bytes);
  call.End();
  call.Finish().IgnoreError();
  ASSERT_NE(call.last.item().item_id(), 0u);
  const auto item = api.Get(call.last.item().item_id());
  ASSERT_TRUE(item.ok());
  EXPECT_NE(item->live_state(), v1::LIVE_STATE_RUNNING);
  EXPECT_GE(item->part_count(), 2u);
}

TEST(LiveTest, ADeletedItemEndsItsStream) {
  ScratchDir dir;
  ServerProcess server(dir.path());
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  Call call(api);
  const std::string& bytes = MakeStream();
  ASSERT_TRUE(call.Send(absl::string_view(bytes).substr(0, bytes.size() / 2)));
  v1::LiveResponse response;
  ASSERT_TRUE(call.Read(response));
  ASSERT_TRUE(api.Delete(response.item().item_id()).ok());
  call.Send(absl::string_view(bytes).substr(bytes.size() / 2));
  call.End();
  EXPECT_FALSE(call.Finish().ok());
  EXPECT_EQ(api.ListAll()->size(), 0u);
}

TEST(LiveTest, AClientThatSendsNothingMoreIsEndedAndWhatWasToldStays) {
  ScratchDir dir;
  ServerProcess server(dir.path(), {"--max-live-streams=1", "--live-idle-seconds=2"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  Call silent(api);
  ASSERT_TRUE(silent.Send(absl::string_view(MakeStream()).substr(0, MakeStream().size() / 2)));
  v1::LiveResponse response;
  while (response.cut_reason().empty() && silent.Read(response)) {
  }
  EXPECT_THAT(response.cut_reason(), testing::HasSubstr("nothing could be decoded for 2 s"));
  silent.Close();
  EXPECT_EQ(silent.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  const auto item = api.Get(response.item().item_id());
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->live_state(), v1::LIVE_STATE_CUT);
  EXPECT_GE(item->part_count(), 1u);
  Call next(api);
  ASSERT_TRUE(next.Send(MakeStream()));
  next.End();
  EXPECT_TRUE(next.Finish().ok()) << "its place is free";
}

TEST(LiveTest, AClientThatReadsNoAnswersIsCutOffAndWhatWasToldStays) {
  ScratchDir dir;
  ServerProcess server(dir.path(), {"--max-live-streams=1", "--live-answer-seconds=1", "--live-idle-seconds=60"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  v1::UploadHeader header;  // So large that each answer fills the connection.
  for (int i = 0; i < 64; ++i) (*header.mutable_metadata())[absl::StrCat("key", i)].set_text(std::string(4096, 'x'));
  Call deaf(api, header);
  int sent = 0;
  while (sent < 64 && deaf.Send(MakeStream())) ++sent;
  EXPECT_LT(sent, 64) << "the server goes on taking what it cannot tell of";
  deaf.Finish().IgnoreError();
  // Its end is told to nobody; the item says when it came.
  std::vector<v1::Item> items;
  do {
    items = *api.ListAll();
    ASSERT_EQ(items.size(), 1u);
  } while (items[0].live_state() == v1::LIVE_STATE_RUNNING);
  EXPECT_EQ(items[0].live_state(), v1::LIVE_STATE_CUT);
  EXPECT_GE(items[0].part_count(), 1u);
  EXPECT_NE(api.Put("the server lives"), 0u);
}

TEST(LiveTest, StreamsAreLimitedInNumberBytesAndSeconds) {
  ScratchDir dir;
  ServerProcess server(dir.path(), {"--max-live-streams=1", "--max-live-bytes=100000"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  Call first(api);
  ASSERT_TRUE(first.Send(absl::string_view(MakeStream()).substr(0, 1000)));
  v1::UploadHeader header;
  header.set_request_id("again");
  Call resumed(api, header);
  EXPECT_EQ(resumed.Finish().code(), absl::StatusCode::kInvalidArgument);
  first.Send(MakeStream());
  first.End();
  EXPECT_EQ(first.Finish().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace mixmatch
