#include "tests/bench/index/trials.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/base/status_macros.h"
#include "server/thread_priority.h"
#include "tests/bench/index/peer.h"

namespace mixmatch::index_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kNiceness = 15;              // Of the server's maintenance.
constexpr uint64_t kNewRows = 1ull << 41;  // Rows of the clusters that neither base nor queries have.
constexpr int kInsertsPerSecond = 500;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

absl::Span<const float> RowOf(const Matrix& matrix, int64_t i) {
  return {matrix.row(i), static_cast<size_t>(matrix.dim)};
}

// Queries a second of one thread over all queries, for at least so long.
absl::StatusOr<double> Speed(const index::SegmentedIndex& index, const Matrix& queries, int k,
                             const index::PartFilter* filter, int64_t matches, double seconds,
                             std::vector<uint32_t>* rows) {
  rows->assign(queries.count * k, kNone);
  int64_t done = 0;
  const Clock::time_point start = Clock::now();
  do {
    MIXMATCH_RETURN_IF_ERROR(SearchAll(index, queries, k, 0, 1, filter, matches, rows->data()));
    done += queries.count;
  } while (SecondsSince(start) < seconds);
  return done / SecondsSince(start);
}

double Median(std::vector<double> values) { return Percentile(std::move(values), 0.5); }

// The index that is searched now, and the first error of any thread.
class Current {
 public:
  explicit Current(std::shared_ptr<index::SegmentedIndex> index) : index_(std::move(index)) {}

  std::shared_ptr<index::SegmentedIndex> Get() const {
    absl::MutexLock lock(&mutex_);
    return index_;
  }
  std::shared_ptr<index::SegmentedIndex> Swap(std::shared_ptr<index::SegmentedIndex> next) {
    absl::MutexLock lock(&mutex_);
    return std::exchange(index_, std::move(next));
  }
  void Fail(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    error_.Update(status);
  }
  absl::Status error() const {
    absl::MutexLock lock(&mutex_);
    return error_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<index::SegmentedIndex> index_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

// Searches the current index on a thread of its own; keeps the latencies while it is told to.
class Searcher {
 public:
  Searcher(Current& current, const Matrix& queries, int k)
      : current_(current), queries_(queries), k_(k), thread_([this] { Run(); }) {}
  ~Searcher() {
    stop_ = true;
    thread_.join();
  }

  // Milliseconds of every search that began while `work` ran.
  std::vector<double> During(const std::function<void()>& work) {
    recording_ = true;
    work();
    recording_ = false;
    absl::MutexLock lock(&mutex_);
    return std::exchange(latencies_, {});
  }

 private:
  void Run() {
    index::SearchOptions options;
    options.k = k_;
    for (int64_t i = 0; !stop_; ++i) {
      const bool keep = recording_;
      const Clock::time_point start = Clock::now();
      const auto found = current_.Get()->Search(RowOf(queries_, i % queries_.count), options);
      const double milliseconds = SecondsSince(start) * 1e3;
      if (!found.ok()) return current_.Fail(found.status());
      if (keep) {
        absl::MutexLock lock(&mutex_);
        latencies_.push_back(milliseconds);
      }
    }
  }

  Current& current_;
  const Matrix queries_;
  const int k_;
  std::atomic<bool> stop_{false}, recording_{false};
  absl::Mutex mutex_;
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Calls Maintain() as the server does.
class Maintainer {
 public:
  explicit Maintainer(Current& current) : current_(current), thread_([this] { Run(); }) {}
  ~Maintainer() {
    {
      absl::MutexLock lock(&mutex_);
      stop_ = true;
    }
    thread_.join();
  }

 private:
  void Run() {
    server::LowerThreadPriority(kNiceness);
    while (true) {
      const auto worked = current_.Get()->Maintain();
      if (!worked.ok()) current_.Fail(worked.status());
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::Seconds(1))) return;
    }
  }

  Current& current_;
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// On a thread of low priority, until `seconds` have passed and it was done once at least; how often it was done.
int Repeat(double seconds, const std::function<absl::Status()>& work, Current& current) {
  int times = 0;
  std::thread thread([&] {
    server::LowerThreadPriority(kNiceness);
    const Clock::time_point start = Clock::now();
    do {
      const absl::Status status = work();
      if (!status.ok()) return current.Fail(status);
      ++times;
    } while (SecondsSince(start) < seconds);
  });
  thread.join();
  return times;
}

class LatencyRun {
 public:
  LatencyRun(std::shared_ptr<index::SegmentedIndex> index, const Matrix& base, const Matrix& queries,
             const Clusters& clusters, int k, double seconds)
      : current_(std::move(index)),
        base_(base),
        clusters_(clusters),
        seconds_(seconds),
        searcher_(current_, queries, k) {}

  absl::StatusOr<nlohmann::json> Run() {
    nlohmann::json phases;
    Warm();
    phases["inserting"] = Phase([this] { return Insert(); });
    phases["refreshing"] = Phase([this] { return Refresh(); });
    phases["merging"] = Merging();
    MIXMATCH_RETURN_IF_ERROR(current_.error());
    return phases;
  }

 private:
  void Warm() { absl::SleepFor(absl::Seconds(std::min(1.0, seconds_))); }

  std::vector<double> Idle() {
    return searcher_.During([this] { absl::SleepFor(absl::Seconds(seconds_)); });
  }

  static nlohmann::json Told(const std::vector<double>& idle, const std::vector<double>& busy, int times) {
    if (idle.empty() || busy.empty()) return nullptr;
    return {{"p50_ms", Percentile(busy, 0.5)},      {"p99_ms", Percentile(busy, 0.99)},
            {"idle_p50_ms", Percentile(idle, 0.5)}, {"idle_p99_ms", Percentile(idle, 0.99)},
            {"searches", busy.size()},              {"times", times}};
  }

  nlohmann::json Phase(const std::function<int()>& work) {
    const std::vector<double> idle = Idle();
    int times = 0;
    const std::vector<double> busy = searcher_.During([&] {
      const Maintainer maintainer(current_);
      times = work();
    });
    return Told(idle, busy, times);
  }

  int Insert() {
    int times = 0;
    std::vector<float> vector(clusters_.dim());
    const Clock::time_point start = Clock::now();
    for (; SecondsSince(start) < seconds_; ++times) {
      std::this_thread::sleep_until(start + std::chrono::microseconds(times * 1'000'000 / kInsertsPerSecond));
      clusters_.Row(kNewRows + times, vector.data());
      const absl::Status status = current_.Get()->Upsert(base_.count + times, vector);
      if (!status.ok()) current_.Fail(status);
    }
    return times;
  }

  // Every vector a little elsewhere each time, as after a step of learning.
  int Refresh() {
    std::vector<index::PartId> ids;
    std::vector<float> vectors;
    current_.Get()->ForEach([&](index::PartId id, absl::Span<const float> vector) {
      ids.push_back(id);
      vectors.insert(vectors.end(), vector.begin(), vector.end());
      return true;
    });
    const std::vector<float> moved = Moved(vectors);
    bool at_moved = false;
    return Repeat(seconds_, [&]() -> absl::Status {
      const auto serving = current_.Get();
      at_moved = !at_moved;
      MIXMATCH_ASSIGN_OR_RETURN(
          auto next, serving->Refreshed(serving->generation() + 1, ids, at_moved ? moved : vectors));
      current_.Swap(std::move(next))->StopMaintaining();
      return absl::OkStatus();
    }, current_);
  }

  std::vector<float> Moved(std::vector<float> vectors) const {
    const int dim = clusters_.dim();
    std::vector<float> step(dim);
    for (size_t i = 0; i < vectors.size() / dim; ++i) {
      clusters_.Row(2 * kNewRows + i, step.data());
      float square = 0;
      for (int d = 0; d < dim; ++d) {
        float& value = vectors[i * dim + d];
        value += 0.1f * step[d];
        square += value * value;
      }
      for (int d = 0; d < dim; ++d) vectors[i * dim + d] /= std::sqrt(square);
    }
    return vectors;
  }

  // A quarter of all vectors is replaced unobserved; then Maintain() is watched, until it was long enough.
  nlohmann::json Merging() {
    const std::vector<double> idle = [this] {
      absl::Status status = MaintainFully(*current_.Get());
      if (!status.ok()) current_.Fail(status);
      return Idle();
    }();
    std::vector<double> busy;
    int times = 0;
    const Clock::time_point begin = Clock::now();
    double spent = 0;
    do {
      ReplaceAQuarter();
      const Clock::time_point start = Clock::now();
      const std::vector<double> some = searcher_.During(
          [&] { times += Repeat(0, [this] { return MaintainFully(*current_.Get()); }, current_); });
      spent += SecondsSince(start);
      busy.insert(busy.end(), some.begin(), some.end());
    } while (spent < seconds_ && SecondsSince(begin) < 10 * seconds_ && current_.error().ok());
    return Told(idle, busy, times);
  }

  void ReplaceAQuarter() {
    std::vector<float> vector(clusters_.dim());
    for (int64_t i = 0; i < base_.count / 4; ++i) {
      clusters_.Row(3 * kNewRows + replaced_, vector.data());
      const absl::Status status = current_.Get()->Upsert((replaced_++ * 7) % base_.count, vector);
      if (!status.ok()) return current_.Fail(status);
    }
  }

  Current current_;
  const Matrix base_;
  const Clusters& clusters_;
  const double seconds_;
  int64_t replaced_ = 0;
  Searcher searcher_;
};

}  // namespace

absl::Status MaintainFully(index::SegmentedIndex& index) {
  while (true) {
    MIXMATCH_ASSIGN_OR_RETURN(const bool worked, index.Maintain());
    if (!worked) return absl::OkStatus();
  }
}

absl::StatusOr<std::shared_ptr<index::SegmentedIndex>> BuildIndex(const index::SegmentedIndexOptions& options,
                                                                  const Matrix& base) {
  MIXMATCH_ASSIGN_OR_RETURN(auto index, index::SegmentedIndex::Create(options, 1));
  for (int64_t i = 0; i < base.count; ++i) MIXMATCH_RETURN_IF_ERROR(index->Upsert(i, RowOf(base, i)));
  MIXMATCH_RETURN_IF_ERROR(MaintainFully(*index));
  return index;
}

absl::Status SearchAll(const index::SegmentedIndex& index, const Matrix& queries, int k, int breadth, int threads,
                       const index::PartFilter* filter, int64_t matches, uint32_t* rows) {
  index::SearchOptions options;
  options.k = k;
  options.ef_search = breadth;
  options.filter = filter;
  options.filter_matches = matches;
  std::atomic<bool> failed{false};
  InThreads(queries.count, threads, [&](int64_t i) {
    const auto found = index.Search(RowOf(queries, i), options);
    if (!found.ok()) {
      failed = true;
      return;
    }
    for (size_t j = 0; j < found->size(); ++j) rows[i * k + j] = static_cast<uint32_t>((*found)[j].id);
  });
  return failed ? absl::InternalError("a search failed") : absl::OkStatus();
}

absl::StatusOr<nlohmann::json> FilterTrial(const index::SegmentedIndex& index, const Matrix& base,
                                           const Matrix& queries, int k, int64_t every, bool nearby, double seconds) {
  std::vector<uint32_t> order(base.count);
  std::iota(order.begin(), order.end(), 0u);
  std::mt19937_64 random(every);
  if (nearby) {
    const Matrix pivot{base.row(random() % base.count), 1, base.dim};
    order = ExactNeighbors(base, pivot, base.count);
  } else {
    std::shuffle(order.begin(), order.end(), random);
  }
  const int64_t kept = std::max<int64_t>(1, base.count / every);
  std::vector<bool> keep(base.count);
  for (int64_t i = 0; i < kept; ++i) keep[order[i]] = true;
  const index::PartFilter filter = [&](index::PartId id) { return keep[id]; };
  const std::vector<uint32_t> truth = ExactNeighbors(base, queries, k, [&](uint32_t row) { return keep[row]; });
  std::vector<uint32_t> rows;
  MIXMATCH_ASSIGN_OR_RETURN(const double speed, Speed(index, queries, k, &filter, kept, seconds, &rows));
  return nlohmann::json{{"recall", Recall(rows, truth, k)}, {"queries_per_second", speed}, {"kept", kept}};
}

absl::StatusOr<nlohmann::json> LatencyTrial(const index::SegmentedIndexOptions& options, const Matrix& base,
                                            const Matrix& queries, const Clusters& clusters, int k, double seconds) {
  MIXMATCH_ASSIGN_OR_RETURN(auto index, BuildIndex(options, base));
  LatencyRun run(std::move(index), base, queries, clusters, k, seconds);
  return run.Run();
}

absl::StatusOr<nlohmann::json> ReplacementTrial(const index::SegmentedIndexOptions& options, const Matrix& base,
                                                const Matrix& queries, const Clusters& clusters, int k, int rounds,
                                                double seconds, int repeats) {
  std::vector<float> values(base.values, base.values + base.count * base.dim);
  const Matrix now{values.data(), base.count, base.dim};
  MIXMATCH_ASSIGN_OR_RETURN(const auto index, BuildIndex(options, now));
  std::vector<uint32_t> order(base.count), rows, truth;
  std::iota(order.begin(), order.end(), 0u);
  std::mt19937_64 random(1);
  nlohmann::json told = {{"rounds", nlohmann::json::array()}};
  uint64_t fresh_row = kNewRows;
  for (int round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (int64_t i = 0; i < base.count / 10; ++i) {
      float* row = &values[int64_t{order[i]} * base.dim];
      clusters.Row(fresh_row++, row);
      MIXMATCH_RETURN_IF_ERROR(index->Upsert(order[i], RowOf(now, order[i])));
    }
    const Clock::time_point start = Clock::now();
    MIXMATCH_RETURN_IF_ERROR(MaintainFully(*index));
    const double maintain_seconds = SecondsSince(start);
    truth = ExactNeighbors(now, queries, k);
    MIXMATCH_ASSIGN_OR_RETURN(const double speed, Speed(*index, queries, k, nullptr, 0, seconds, &rows));
    told["rounds"].push_back({{"recall", Recall(rows, truth, k)},
                              {"queries_per_second", speed},
                              {"maintain_seconds", maintain_seconds}});
  }
  MIXMATCH_ASSIGN_OR_RETURN(const auto fresh, BuildIndex(options, now));
  std::vector<double> speeds, fresh_speeds;
  for (int i = 0; i < repeats; ++i) {
    MIXMATCH_ASSIGN_OR_RETURN(const double speed, Speed(*index, queries, k, nullptr, 0, seconds, &rows));
    speeds.push_back(speed);
    told["recall"] = Recall(rows, truth, k);
    MIXMATCH_ASSIGN_OR_RETURN(const double fresh_speed, Speed(*fresh, queries, k, nullptr, 0, seconds, &rows));
    fresh_speeds.push_back(fresh_speed);
    told["fresh_recall"] = Recall(rows, truth, k);
  }
  told["queries_per_second"] = Median(speeds);
  told["fresh_queries_per_second"] = Median(fresh_speeds);
  return told;
}

}  // namespace mixmatch::index_bench
