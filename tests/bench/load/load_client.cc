// Clients of a running server, well and badly behaved: `load_client MODE ADDRESS NUMBERS...`; prints one JSON object.
//
//   open RATE SECONDS SEED ITEMS     text searches at times of a Poisson process, whatever the server does
//   mix RATE SECONDS SEED ITEMS      uploads, deletes, links and searches; about ITEMS items are kept
//   idle CONNECTIONS SECONDS         connections of their own that call once, wait, and call again
//   rude CALLS SEED                  readers that do not read, streams that do not end, calls that are cancelled
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mixmatch/v1/event_service.grpc.pb.h"
#include "mixmatch/v1/item_service.grpc.pb.h"
#include "mixmatch/v1/learning_service.grpc.pb.h"
#include "mixmatch/v1/search_service.grpc.pb.h"

namespace mixmatch {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::seconds kDeadline(30);
constexpr int kChannels = 4;
constexpr int kMixThreads = 16;

struct Deadline : grpc::ClientContext {
  Deadline() { set_deadline(std::chrono::system_clock::now() + kDeadline); }
};

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // A connection of its own.
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// Text number n: a function of the number alone.
std::string TextOf(uint64_t n) {
  static const char* const kWords[] = {"harbor",  "lantern", "copper", "meadow", "signal",  "winter",
                                       "orchard", "granite", "violet", "engine", "thunder", "paper",
                                       "canyon",  "falcon",  "marble", "ribbon"};
  std::mt19937_64 random(n);
  std::string text = absl::StrCat("note ", n);
  for (int i = 0; i < 8; ++i) absl::StrAppend(&text, " ", kWords[random() % 16]);
  return text;
}

v1::SearchRequest Query(uint64_t n) {
  v1::SearchRequest request;
  request.add_query()->mutable_content()->set_text(TextOf(n));
  request.set_k(10);
  return request;
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return -1.0;
  const auto at = static_cast<size_t>(std::max(0.0, std::ceil(share * values.size()) - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[at];
}

// What became of calls.
struct Tally {
  std::vector<double> seconds;  // Of those answered OK, from when they were to be sent.
  int64_t sent = 0, ok = 0, refused = 0, failed = 0;

  void Add(const grpc::Status& status, double took) {
    if (status.ok()) {
      ++ok;
      seconds.push_back(took);
    } else {
      ++(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ? refused : failed);
    }
  }
  std::string Json() {
    return absl::StrCat("{\"sent\": ", sent, ", \"ok\": ", ok, ", \"refused\": ", refused, ", \"failed\": ", failed,
                        ", \"median_ms\": ", 1e3 * Percentile(seconds, 0.5), ", \"p99_ms\": ",
                        1e3 * Percentile(seconds, 0.99), ", \"max_ms\": ", 1e3 * Percentile(seconds, 1.0), "}");
  }
};

// One search under way.
struct Call {
  Deadline context;
  v1::SearchResponse response;
  grpc::Status status;
  Clock::time_point due;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SearchResponse>> reader;
};

// Latency counts from when a call was due, so that a server that stalls cannot slow the questions down.
std::string Open(const std::string& address, double rate, double seconds, uint64_t seed, uint64_t items) {
  std::vector<std::unique_ptr<v1::SearchService::Stub>> stubs;
  for (int i = 0; i < kChannels; ++i) {
    const auto channel = Connect(address);
    channel->WaitForConnected(std::chrono::system_clock::now() + kDeadline);
    stubs.push_back(v1::SearchService::NewStub(channel));
  }
  grpc::CompletionQueue queue;
  Tally tally;
  std::thread collector([&] {
    void* tag = nullptr;
    bool good = false;
    while (queue.Next(&tag, &good)) {
      const std::unique_ptr<Call> call(static_cast<Call*>(tag));
      tally.Add(call->status, Seconds(Clock::now() - call->due).count());
    }
  });
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(rate);
  const auto begin = Clock::now();
  int64_t sent = 0;
  for (double at = gap(random); at < seconds; at += gap(random)) {
    auto call = std::make_unique<Call>();
    call->due = begin + std::chrono::duration_cast<Clock::duration>(Seconds(at));
    std::this_thread::sleep_until(call->due);
    Call* const raw = call.release();
    const v1::SearchRequest query = Query(random() % std::max<uint64_t>(1, items));
    raw->reader = stubs[sent % kChannels]->AsyncSearch(&raw->context, query, &queue);
    raw->reader->Finish(&raw->response, &raw->status, raw);
    ++sent;
  }
  queue.Shutdown();  // What is under way is still told.
  collector.join();
  tally.sent = sent;
  return tally.Json();
}

struct Uploaded {
  std::mutex mutex;
  std::deque<uint64_t> items;
};

grpc::Status Upload(v1::ItemService::Stub& stub, const std::string& text, uint64_t* item_id) {
  Deadline context;
  v1::UploadResponse response;
  const auto stream = stub.Upload(&context, &response);
  v1::UploadRequest message;
  message.mutable_header();
  bool open = stream->Write(message);
  message.set_chunk(text);
  open = open && stream->Write(message);
  message.mutable_finish();
  if (open) stream->WriteLast(message, grpc::WriteOptions());
  const grpc::Status status = stream->Finish();
  *item_id = response.item().item_id();
  return status;
}

// One of the calls of a mix; the items that are kept stay about `most`.
grpc::Status Mixed(const std::shared_ptr<grpc::Channel>& shared, std::mt19937_64& random, uint64_t most,
                   std::atomic<uint64_t>& next, Uploaded& uploaded, bool& search) {
  const auto items = v1::ItemService::NewStub(shared);
  const uint64_t kind = random() % 10;
  search = kind >= 4;
  if (kind < 2) {
    uint64_t item_id = 0;
    const grpc::Status status = Upload(*items, TextOf(next++), &item_id);
    std::lock_guard<std::mutex> lock(uploaded.mutex);
    if (status.ok()) uploaded.items.push_back(item_id);
    return status;
  }
  if (kind == 2 || kind == 3) {
    uint64_t first = 0, last = 0, gone = 0;
    {
      std::lock_guard<std::mutex> lock(uploaded.mutex);
      if (uploaded.items.size() >= 3) {
        first = uploaded.items[uploaded.items.size() / 2];
        last = uploaded.items.back();
      }
      if (uploaded.items.size() > most) {
        gone = uploaded.items.front();
        uploaded.items.pop_front();
      }
    }
    Deadline context;
    if (gone != 0) {
      v1::ItemServiceDeleteRequest request;
      v1::ItemServiceDeleteResponse response;
      request.set_item_id(gone);
      return items->Delete(&context, request, &response);
    }
    if (first == last) return grpc::Status::OK;
    v1::LinkRequest request;
    v1::LinkResponse response;
    request.add_members()->set_item_id(first);
    request.add_members()->set_item_id(last);
    const grpc::Status status = v1::EventService::NewStub(shared)->Link(&context, request, &response);
    // Another thread may have deleted one of them meanwhile.
    return status.error_code() == grpc::StatusCode::NOT_FOUND ? grpc::Status::OK : status;
  }
  Deadline context;
  v1::SearchResponse response;
  return v1::SearchService::NewStub(shared)->Search(&context, Query(random() % std::max<uint64_t>(1, next)), &response);
}

std::string Mix(const std::string& address, double rate, double seconds, uint64_t seed, uint64_t most) {
  std::atomic<uint64_t> next{0};
  Uploaded uploaded;
  std::mutex mutex;
  Tally searches, others;
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (int i = 0; i < kMixThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto channel = Connect(address);
      std::mt19937_64 random(seed + i);
      std::exponential_distribution<double> gap(rate / kMixThreads);
      for (double at = gap(random); at < seconds; at += gap(random)) {
        const auto due = begin + std::chrono::duration_cast<Clock::duration>(Seconds(at));
        std::this_thread::sleep_until(due);
        bool search = false;
        const grpc::Status status = Mixed(channel, random, most, next, uploaded, search);
        std::lock_guard<std::mutex> lock(mutex);
        Tally& tally = search ? searches : others;
        ++tally.sent;
        tally.Add(status, Seconds(Clock::now() - due).count());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return absl::StrCat("{\"searches\": ", searches.Json(), ", \"others\": ", others.Json(), "}");
}

bool Asks(const std::shared_ptr<grpc::Channel>& channel) {
  Deadline context;
  v1::StatusResponse response;
  return v1::LearningService::NewStub(channel)->Status(&context, v1::StatusRequest(), &response).ok();
}

std::string Idle(const std::string& address, int connections, double seconds) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  int connected = 0, held = 0;
  for (int i = 0; i < connections; ++i) {
    channels.push_back(Connect(address));
    connected += Asks(channels.back());
  }
  std::this_thread::sleep_for(Seconds(seconds));
  // Still the same connection: one that was lost would be idle now, not ready.
  for (const auto& channel : channels) held += channel->GetState(false) == GRPC_CHANNEL_READY && Asks(channel);
  return absl::StrCat("{\"connected\": ", connected, ", \"held\": ", held, "}");
}

std::string Rude(const std::string& address, int calls, uint64_t seed) {
  const auto channel = Connect(address);
  const auto items = v1::ItemService::NewStub(channel);
  const auto searches = v1::SearchService::NewStub(channel);
  std::string large;
  for (uint64_t n = 0; large.size() < (4 << 20); ++n) absl::StrAppend(&large, TextOf(n), ".\n");
  uint64_t item_id = 0;
  {
    Deadline context;
    v1::UploadResponse response;
    const auto stream = items->Upload(&context, &response);
    v1::UploadRequest message;
    message.mutable_header();
    stream->Write(message);
    for (size_t at = 0; at < large.size(); at += 1 << 20) {
      message.set_chunk(large.substr(at, 1 << 20));
      stream->Write(message);
    }
    message.mutable_finish();
    stream->WriteLast(message, grpc::WriteOptions());
    if (!stream->Finish().ok()) return "{\"error\": \"the large text was not stored\"}";
    item_id = response.item().item_id();
  }
  // Readers that never read, uploads and live streams that never end: all held while others are served.
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::DownloadResponse>>> readers;
  std::vector<std::unique_ptr<grpc::ClientWriter<v1::UploadRequest>>> writers;
  std::deque<v1::UploadResponse> responses;
  for (int i = 0; i < 20; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    v1::DownloadRequest request;
    request.set_item_id(item_id);
    readers.push_back(items->Download(contexts.back().get(), request));
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    responses.emplace_back();
    writers.push_back(items->Upload(contexts.back().get(), &responses.back()));
    v1::UploadRequest message;
    message.mutable_header()->set_request_id(absl::StrCat("open-", seed, "-", i));
    writers.back()->Write(message);
    message.set_chunk("the beginning of a text");
    writers.back()->Write(message);
  }
  std::mt19937_64 random(seed);
  int served = 0, asked = 0;
  for (int i = 0; i < calls; ++i) {
    grpc::ClientContext context;
    v1::SearchResponse response;
    grpc::CompletionQueue queue;
    grpc::Status status;
    const auto reader = searches->AsyncSearch(&context, Query(random()), &queue);
    reader->Finish(&response, &status, &queue);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    context.TryCancel();
    void* tag = nullptr;
    bool good = false;
    queue.Next(&tag, &good);
    if (i % 20 != 0) continue;
    Deadline patient;
    ++asked;
    served += searches->Search(&patient, Query(random()), &response).ok();
  }
  int half_closed = 0;
  for (auto& writer : writers) {
    writer->WritesDone();  // Without the finish.
    half_closed += writer->Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT;
  }
  for (auto& context : contexts) context->TryCancel();
  for (auto& reader : readers) reader->Finish();
  return absl::StrCat("{\"cancelled\": ", calls, ", \"asked\": ", asked, ", \"served\": ", served,
                      ", \"half_closed_refused\": ", half_closed, ", \"half_closed\": ", writers.size(), "}");
}

int Main(const std::vector<std::string>& words) {
  const auto number = [&](size_t at) { return std::stod(words.at(at)); };
  const auto count = [&](size_t at) { return static_cast<uint64_t>(std::stoull(words.at(at))); };
  const std::string mode = words.at(0), address = words.at(1);
  std::string json;
  if (mode == "open") json = Open(address, number(2), number(3), count(4), count(5));
  if (mode == "mix") json = Mix(address, number(2), number(3), count(4), count(5));
  if (mode == "idle") json = Idle(address, static_cast<int>(count(2)), number(3));
  if (mode == "rude") json = Rude(address, static_cast<int>(count(2)), count(3));
  std::cout << json << std::endl;
  return json.empty() ? 2 : 0;
}

}  // namespace
}  // namespace mixmatch

int main(int argc, char** argv) {
  try {
    return mixmatch::Main(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "load_client MODE ADDRESS NUMBERS...: " << error.what() << std::endl;
    return 2;
  }
}
