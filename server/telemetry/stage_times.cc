#include "server/telemetry/stage_times.h"

#include <prometheus/histogram.h>

namespace mixmatch::server {
namespace {

// From a search of few vectors to a long video, seconds.
const prometheus::Histogram::BucketBoundaries& Bounds() {
  static const auto* const bounds = new prometheus::Histogram::BucketBoundaries{
      1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
  return *bounds;
}

}  // namespace

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kWait: return "wait";
    case Stage::kDecode: return "decode";
    case Stage::kDescribe: return "describe";
    case Stage::kEncode: return "encode";
    case Stage::kSearch: return "search";
    case Stage::kStore: return "store";
  }
  return "";
}

StageTimes::StageTimes() {
  for (size_t i = 0; i < std::size(kStages); ++i) {
    histograms_.push_back(std::make_unique<prometheus::Histogram>(Bounds()));
  }
}

StageTimes::~StageTimes() = default;

void StageTimes::Add(Stage stage, absl::Duration took) {
  histograms_[static_cast<size_t>(stage)]->Observe(absl::ToDoubleSeconds(took));
}

prometheus::ClientMetric StageTimes::Collect(Stage stage) const {
  return histograms_[static_cast<size_t>(stage)]->Collect();
}

}  // namespace mixmatch::server
