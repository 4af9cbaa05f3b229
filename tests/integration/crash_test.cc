// kill -9 in the middle of ingest: what was acknowledged is there, what was not is there whole or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

constexpr int kKills = 20;
constexpr int kClients = 3;

// Content number n: a text, a picture or a sound, each unlike all others.
std::string ContentOf(uint32_t n) {
  switch (n % 3) {
    case 0:
      return absl::StrCat("Note ", n, ": seen at post ", n * 7919 % 1009, " by keeper ", n * 104729 % 499);
    case 1:
      return MakePng(n, 24);
    default:
      return MakeWav(n, 0.2);
  }
}

// One in three consecutive ones share an event, so every event has a text, a picture and a sound.
std::string EventOf(uint32_t n) { return absl::StrCat("event-", n / 3); }
std::string RequestOf(uint32_t n) { return absl::StrCat("request-", n); }

struct Ledger {
  absl::Mutex mutex;
  std::map<uint32_t, uint64_t> acked;  // Content number -> item id.
  std::set<uint32_t> unsure;           // Sent, not answered when the server was killed.
};

// Uploads until the server goes.
void UploadUntilKilled(const std::string& address, std::atomic<uint32_t>& next, Ledger& ledger) {
  Api api(address);
  while (true) {
    const uint32_t n = next++;
    v1::UploadHeader header;
    header.set_request_id(RequestOf(n));
    header.set_event_id(EventOf(n));
    header.set_name(absl::StrCat(n));
    const auto response = api.Upload(ContentOf(n), header, nullptr, 1000);
    absl::MutexLock lock(&ledger.mutex);
    if (!response.ok()) {
      EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable) << response.status();
      ledger.unsure.insert(n);
      return;
    }
    EXPECT_FALSE(response->repeated_request());
    ledger.acked[n] = response->item().item_id();
  }
}

class CrashTest : public testing::Test {
 protected:
  // Everything that an item has is there and agrees.
  void ExpectWhole(Api& api, uint64_t item_id, uint32_t n) {
    SCOPED_TRACE(absl::StrCat("item ", item_id, ", content ", n));
    const auto item = api.Get(item_id, /*vectors=*/true);
    ASSERT_TRUE(item.ok()) << item.status();
    const std::string content = ContentOf(n);
    EXPECT_EQ(item->name(), absl::StrCat(n));
    EXPECT_EQ(item->sha256(), Sha256(content));
    EXPECT_THAT(item->event_ids(), testing::ElementsAre(EventOf(n)));
    const auto downloaded = api.Download(item_id);
    ASSERT_TRUE(downloaded.ok()) << downloaded.status();
    EXPECT_TRUE(*downloaded == content) << "content differs";
    ASSERT_GE(item->parts_size(), 1);
    EXPECT_EQ(item->parts_size(), item->part_count());
    for (const v1::Part& part : item->parts()) {
      ASSERT_EQ(part.vector_size(), 512);
      double norm = 0.0;
      for (float value : part.vector()) norm += double{value} * value;
      EXPECT_NEAR(norm, 1.0, 1e-3);
    }
    const auto event = api.GetEvent(EventOf(n));
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_TRUE(std::any_of(event->members().begin(), event->members().end(),
                            [&](const v1::EventMember& member) { return member.item_id() == item_id; }));
    v1::SearchRequest request = ByItem(item_id, 10);
    request.add_target_modalities(item->modality());
    EXPECT_THAT(HitItems(api.Search(request)), testing::Contains(item_id)) << "not found by search";
  }

  // After a restart: every acknowledged item, and nothing else but whole items that were under way.
  // Items of `known` were looked at before and are only counted.
  void ExpectAllThere(Api& api, Ledger& ledger, std::set<uint64_t>& known) {
    const auto items = api.ListAll({}, 1000);
    ASSERT_TRUE(items.ok()) << items.status();
    std::map<uint32_t, uint64_t> stored;
    for (const v1::Item& item : *items) {
      const uint32_t n = static_cast<uint32_t>(std::stoul(item.name()));
      EXPECT_TRUE(stored.emplace(n, item.item_id()).second) << "content " << n << " is there twice";
      if (known.insert(item.item_id()).second) ExpectWhole(api, item.item_id(), n);
    }
    for (const auto& [n, item_id] : ledger.acked) EXPECT_EQ(stored[n], item_id) << "acknowledged content " << n;
    for (const auto& [n, item_id] : stored) {
      EXPECT_TRUE(ledger.acked.count(n) || ledger.unsure.count(n)) << "content " << n << " was never sent";
    }
    EXPECT_EQ(api.Stats().items(), items->size());
    uint64_t parts = 0;
    for (const v1::Item& item : *items) parts += item.part_count();
    EXPECT_EQ(api.Stats().parts(), parts) << "the index and the records disagree";
  }

  // A client that got no answer asks again, and gets exactly one item.
  void AskAgain(Api& api, Ledger& ledger) {
    for (uint32_t n : ledger.unsure) {
      v1::UploadHeader header;
      header.set_request_id(RequestOf(n));
      header.set_event_id(EventOf(n));
      header.set_name(absl::StrCat(n));
      const auto response = api.Upload(ContentOf(n), header);
      ASSERT_TRUE(response.ok()) << response.status();
      ledger.acked[n] = response->item().item_id();
    }
    ledger.unsure.clear();
  }
};

TEST_F(CrashTest, TwentyKillsInTheMiddleOfIngestLoseNothingThatWasAcknowledgedAndLeaveNothingHalfWritten) {
  const char* given = getenv("MIXMATCH_CRASH_SEED");
  const uint32_t seed = given != nullptr ? std::stoul(given) : std::random_device()();
  std::cout << "seed " << seed << " (set MIXMATCH_CRASH_SEED to run it again)" << std::endl;
  std::mt19937 random(seed);
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--checkpoint-seconds", "1", "--learn-interval-seconds", "0",
                                              "--slow-learning", "off"});
  std::atomic<uint32_t> next{0};
  Ledger ledger;
  std::set<uint64_t> known;
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE(absl::StrCat("before kill ", kill + 1, ", seed ", seed));
    ASSERT_TRUE(server.Start());
    {
      Api api(server.address());
      ASSERT_EQ(api.Health().value_or(0), 1) << server.LogTail();
      ExpectAllThere(api, ledger, known);
      AskAgain(api, ledger);
    }
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&] { UploadUntilKilled(server.address(), next, ledger); });
    }
    // The moment is what this test is about; it is not waited for as a condition.
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(0, 1500)(random)));
    server.Kill();
    for (std::thread& client : clients) client.join();
    EXPECT_LE(ledger.unsure.size(), kClients);
    if (HasFailure()) break;
  }
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  EXPECT_EQ(api.Health().value_or(0), 1);
  known.clear();  // All of them once more.
  ExpectAllThere(api, ledger, known);
  AskAgain(api, ledger);
  EXPECT_EQ(api.Stats().items(), ledger.acked.size());
  std::cout << ledger.acked.size() << " items acknowledged over " << kKills << " kills" << std::endl;
  EXPECT_GT(ledger.acked.size(), static_cast<size_t>(kKills));
  EXPECT_EQ(server.Stop(), 0);
}

std::string LargeText(size_t bytes) {
  std::string text;
  for (uint32_t n = 0; text.size() < bytes; ++n) absl::StrAppend(&text, "Line ", n, " of ", n * 7919 % 1009, ".\n");
  return text.substr(0, bytes);
}

// Sends the header and the first `bytes`, in chunks of `chunk`, then leaves the stream open.
struct OpenUpload {
  OpenUpload(Api& api, const std::string& content, const std::string& request_id, size_t bytes, size_t chunk)
      : stream(api.items->Upload(&context, &response)) {
    v1::UploadRequest message;
    message.mutable_header()->set_request_id(request_id);
    stream->Write(message);
    for (size_t at = 0; at < bytes; at += chunk) {
      message.set_chunk(content.substr(at, std::min(chunk, bytes - at)));
      stream->Write(message);
    }
  }
  grpc::ClientContext context;
  v1::UploadResponse response;
  std::unique_ptr<grpc::ClientWriter<v1::UploadRequest>> stream;
};

absl::StatusOr<uint64_t> Received(Api& api, const std::string& request_id) {
  grpc::ClientContext context;
  v1::GetUploadRequest request;
  v1::GetUploadResponse response;
  request.set_request_id(request_id);
  const absl::Status status = FromGrpc(api.items->GetUpload(&context, request, &response));
  if (!status.ok()) return status;
  return response.received_bytes();
}

// Goes on as a client would, with chunks of another size, and checks what is stored.
void ResumeAndCheck(Api& api, const std::string& content, const std::string& request_id) {
  const auto received = Received(api, request_id);
  ASSERT_TRUE(received.ok() || absl::IsNotFound(received.status())) << received.status();
  v1::UploadHeader header;
  header.set_request_id(request_id);
  header.set_resume_offset(received.value_or(0));
  std::cout << "resumes at " << header.resume_offset() << " of " << content.size() << std::endl;
  const auto response = api.Upload(content, header, nullptr, 777'777);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->item().size_bytes(), content.size());
  EXPECT_EQ(response->item().sha256(), Sha256(content));
  EXPECT_TRUE(api.Download(response->item().item_id()).value() == content);
  EXPECT_EQ(api.ListAll()->size(), 1u);
  EXPECT_EQ(Received(api, request_id).value_or(0), content.size());
}

TEST(ResumeTest, AnInterruptedUploadGoesOnAtTheOffsetThatTheServerReports) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const std::string content = LargeText(600'000);
  {
    OpenUpload upload(api, content, "cut", 200'000, 50'000);
    // Writes are buffered: until all of them have come.
    while (Received(api, "cut").value_or(0) < 200'000) absl::SleepFor(absl::Milliseconds(5));
    v1::UploadHeader header;
    header.set_request_id("cut");
    const absl::Status beside = api.Upload(content, header).status();
    EXPECT_TRUE(absl::IsAborted(beside)) << beside;
    upload.stream->WritesDone();
    EXPECT_TRUE(absl::IsInvalidArgument(FromGrpc(upload.stream->Finish())));
  }
  EXPECT_EQ(Received(api, "cut").value_or(0), 200'000u);
  EXPECT_EQ(api.Stats().items(), 0u);
  v1::UploadHeader elsewhere;
  elsewhere.set_request_id("cut");
  elsewhere.set_resume_offset(100'000);
  EXPECT_EQ(api.Upload(content, elsewhere).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Received(api, "cut").value_or(0), 200'000u) << "a wrong offset must not spoil what is there";
  ResumeAndCheck(api, content, "cut");
}

TEST(ResumeTest, AnUploadStartedAnewForgetsWhatWasThere) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  {
    OpenUpload upload(api, LargeText(300'000), "cut", 200'000, 50'000);
    upload.stream->WritesDone();
    upload.stream->Finish();
  }
  v1::UploadHeader header;
  header.set_request_id("cut");
  const auto response = api.Upload("Short, and something else.", header);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(api.Download(response->item().item_id()).value(), "Short, and something else.");
}

TEST(ResumeTest, AnUploadGoesOnAfterTheServerWasKilled) {
  ScratchDir dir;
  ServerProcess server(dir.path() + "/data", {"--slow-learning", "off"});
  const std::string content = LargeText(9'500'000);
  ASSERT_TRUE(server.Start());
  {
    Api api(server.address());
    OpenUpload upload(api, content, "killed", 8'800'000, 400'000);
    // Until enough has come that the server noted some of it for after a crash.
    while (Received(api, "killed").value_or(0) < 6'000'000) absl::SleepFor(absl::Milliseconds(5));
    server.Kill();
    EXPECT_FALSE(upload.stream->Finish().ok());
  }
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  EXPECT_EQ(api.Stats().items(), 0u);
  EXPECT_GT(Received(api, "killed").value_or(0), 0u);
  ResumeAndCheck(api, content, "killed");
}

}  // namespace
}  // namespace mixmatch
