// How long the stages of searches and of uploads take.
#ifndef MIXMATCH_SERVER_TELEMETRY_STAGE_TIMES_H_
#define MIXMATCH_SERVER_TELEMETRY_STAGE_TIMES_H_

#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace prometheus {
class Histogram;
struct ClientMetric;
}  // namespace prometheus

namespace mixmatch::server {

enum class Stage { kWait, kDecode, kDescribe, kEncode, kSearch, kStore };
inline constexpr Stage kStages[] = {Stage::kWait,   Stage::kDecode, Stage::kDescribe,
                                    Stage::kEncode, Stage::kSearch, Stage::kStore};

// "wait", "decode", ...
const char* StageName(Stage stage);

// Thread-safe; Add takes well below a microsecond.
class StageTimes {
 public:
  StageTimes();
  ~StageTimes();

  void Add(Stage stage, absl::Duration took);
  // A histogram of seconds.
  prometheus::ClientMetric Collect(Stage stage) const;

 private:
  std::vector<std::unique_ptr<prometheus::Histogram>> histograms_;  // By Stage.
};

// Measures stages that follow each other on one thread.
class StageClock {
 public:
  explicit StageClock(StageTimes& times) : times_(times) {}

  // What passed since the making or the last Lap was this stage.
  void Lap(Stage stage) {
    const absl::Time now = absl::Now();
    times_.Add(stage, now - last_);
    last_ = now;
  }

 private:
  StageTimes& times_;
  absl::Time last_ = absl::Now();
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_STAGE_TIMES_H_
