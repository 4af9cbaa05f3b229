// A running mixmatchd as a peer, searched by its C++ client in batches.
//   {"do": "connect", "address": A}
//   {"do": "fill", "count": N}: uploads short made-up texts; none that were uploaded before.
//   {"do": "settle"}: waits until there is one segment and nothing more goes there: a small memtable may remain.
//   {"do": "export", "base": FILE}: vectors of all parts, f32; from then on search answers with their row numbers.
//   {"do": "unary", as search}: one search a call, `threads` calls at once.
// Search's breadth is without effect: the server has its own. `threads` is how many batches are in flight.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "proto/base/status_macros.h"
#include "tests/bench/index/files.h"
#include "tests/bench/index/peer.h"

namespace mixmatch::index_bench {
namespace {

using nlohmann::json;

constexpr int64_t kBatch = 64;        // Searches a call.
constexpr int kUploads = 8;           // At once.
constexpr int kPage = 1000;
constexpr absl::Duration kLook = absl::Milliseconds(200);
constexpr absl::Duration kStill = absl::Seconds(4);  // The server looks for work every second.
constexpr absl::Duration kSettle = absl::Minutes(20);

constexpr const char* kHow[] = {
    "a red", "an old", "one tiny", "the last", "a quiet", "some broken", "a golden", "that heavy", "a striped",
    "the frozen", "a paper", "her wooden", "a distant", "his muddy", "a singing", "the tallest"};
constexpr const char* kWhat[] = {
    "lantern", "river", "trumpet", "kettle", "tiger", "window", "ladder", "violin", "comet", "harbour", "rabbit",
    "engine", "candle", "forest", "teacher", "bicycle", "island", "spider", "mountain", "clock"};
constexpr const char* kDoes[] = {
    "waits for", "drifts past", "is afraid of", "falls behind", "shines on", "belongs to", "hides under",
    "looks like", "is louder than", "follows"};
constexpr const char* kWhom[] = {
    "the moon", "a field of snow", "my grandmother", "the railway", "an empty house", "two clouds", "the market",
    "a sleeping dog", "the stairs", "a letter", "the storm", "many birds", "a piano", "the well", "our boat",
    "the desert"};
constexpr const char* kWhen[] = {"at dawn", "in winter", "every Monday", "after the rain", "at noon", "long ago",
                                 "before supper", "all night"};

// Below 16 * 20 * 10 * 16 * 8 all differ.
std::string Sentence(int64_t number) {
  const auto pick = [&number](const auto& words) {
    const int64_t count = std::size(words), chosen = number % count;
    number /= count;
    return words[chosen];
  };
  const char* how = pick(kHow);
  const char* what = pick(kWhat);
  const char* does = pick(kDoes);
  const char* whom = pick(kWhom);
  const char* when = pick(kWhen);
  return absl::StrCat(how, " ", what, " ", does, " ", whom, " ", when);
}

v1::SearchRequest RequestFor(const Matrix& queries, int64_t i, int k) {
  v1::SearchRequest request;
  auto& values = *request.add_query()->mutable_vector()->mutable_values();
  values.Add(queries.row(i), queries.row(i) + queries.dim);
  request.add_target_modalities(v1::MODALITY_TEXT);
  request.set_group_by(v1::GROUP_BY_PART);
  request.set_k(k);
  request.set_ids_only(true);  // In process, too, ids and scores are all there is.
  return request;
}

class Server : public Peer {
 public:
  absl::Status Build(const Matrix&, int) override { return absl::UnimplementedError("fill it"); }

  absl::Status Search(const Matrix& queries, int k, int, int threads, uint32_t* rows) override {
    FirstError error;
    InThreads((queries.count + kBatch - 1) / kBatch, threads, [&](int64_t batch) {
      const int64_t first = batch * kBatch, count = std::min(kBatch, queries.count - first);
      std::vector<v1::SearchRequest> requests;
      for (int64_t i = 0; i < count; ++i) requests.push_back(RequestFor(queries, first + i, k));
      error.Update(client_->BatchSearch(requests, [&](size_t place, absl::StatusOr<v1::SearchResponse> found) {
        error.Update(found.status());
        if (found.ok()) Fill(*found, &rows[(first + place) * k]);
      }));
    });
    return error.Get();
  }

  absl::StatusOr<json> Other(const json& request) override {
    const std::string what = request.at("do");
    if (what == "connect") {
      client::ClientOptions options;
      options.address = request.at("address");
      client_ = client::Client::Create(options);
      return json::object();
    }
    if (client_ == nullptr) return absl::FailedPreconditionError("connect first");
    if (what == "fill") return FillServer(request.at("count"));
    if (what == "settle") return Settle();
    if (what == "export") return Export(request.at("base"));
    if (what == "unary") return Unary(request);
    return Peer::Other(request);
  }

 private:
  class FirstError {
   public:
    void Update(const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      status_.Update(status);
    }
    absl::Status Get() const {
      absl::MutexLock lock(&mutex_);
      return status_;
    }

   private:
    mutable absl::Mutex mutex_;
    absl::Status status_ ABSL_GUARDED_BY(mutex_);
  };

  void Fill(const v1::SearchResponse& found, uint32_t* rows) const {
    for (int j = 0; j < found.hits_size(); ++j) {
      const auto row = rows_.find(found.hits(j).part().part_id());
      rows[j] = row == rows_.end() ? kNone : row->second;
    }
  }

  absl::StatusOr<json> FillServer(int64_t count) {
    FirstError error;
    MIXMATCH_ASSIGN_OR_RETURN(const v1::StatsResponse before, client_->Stats());
    const int64_t there = static_cast<int64_t>(before.items());
    InThreads(std::max<int64_t>(0, count - there), kUploads, [&](int64_t i) {
      if (!error.Get().ok()) return;
      v1::UploadHeader header;
      header.set_media_type("text/plain");
      error.Update(client_->UploadBytes(header, Sentence(there + i)).status());
    });
    MIXMATCH_RETURN_IF_ERROR(error.Get());
    return json{{"uploaded", std::max<int64_t>(0, count - there)}};
  }

  absl::StatusOr<json> Settle() {
    const absl::Time deadline = absl::Now() + kSettle;
    absl::Time since = absl::Now();
    uint64_t last = 0;
    while (absl::Now() < deadline) {
      MIXMATCH_ASSIGN_OR_RETURN(const v1::StatsResponse stats, client_->Stats());
      if (stats.segments() != 1 || stats.memtable_vectors() != last) since = absl::Now();
      last = stats.memtable_vectors();
      if (absl::Now() - since >= kStill) return json{{"memtable_vectors", last}};
      absl::SleepFor(kLook);
    }
    return absl::DeadlineExceededError("the server still builds segments");
  }

  absl::StatusOr<json> Export(const std::string& path) {
    std::vector<float> values;
    rows_.clear();
    v1::ItemServiceListRequest request;
    request.set_page_size(kPage);
    do {
      MIXMATCH_ASSIGN_OR_RETURN(const v1::ItemServiceListResponse page, client_->List(request));
      for (const v1::Item& listed : page.items()) {
        MIXMATCH_ASSIGN_OR_RETURN(const v1::Item item, client_->Get(listed.item_id(), true, true));
        for (const v1::Part& part : item.parts()) {
          rows_.emplace(part.part_id(), static_cast<uint32_t>(rows_.size()));
          values.insert(values.end(), part.vector().begin(), part.vector().end());
        }
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    MIXMATCH_RETURN_IF_ERROR(WriteFile(path, values.data(), values.size() * sizeof(float)));
    return json{{"rows", rows_.size()}, {"dim", rows_.empty() ? 0 : values.size() / rows_.size()}};
  }

  absl::StatusOr<json> Unary(const json& request) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto file,
                              MappedMatrix::Open(request.at("queries"), request.at("count"), request.at("dim")));
    const Matrix& queries = file->matrix();
    const double least = request.at("seconds");
    FirstError error;
    int64_t done = 0;
    const absl::Time start = absl::Now();
    do {
      InThreads(queries.count, request.at("threads"), [&](int64_t i) {
        error.Update(client_->Search(RequestFor(queries, i, request.at("k"))).status());
      });
      MIXMATCH_RETURN_IF_ERROR(error.Get());
      done += queries.count;
    } while (absl::ToDoubleSeconds(absl::Now() - start) < least);
    return json{{"queries", done}, {"seconds", absl::ToDoubleSeconds(absl::Now() - start)}};
  }

  std::unique_ptr<client::Client> client_;
  absl::flat_hash_map<uint64_t, uint32_t> rows_;  // By part id.
};

}  // namespace
}  // namespace mixmatch::index_bench

int main() {
  mixmatch::index_bench::Server peer;
  return mixmatch::index_bench::Serve(peer);
}
