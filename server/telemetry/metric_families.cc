#include "server/telemetry/metric_families.h"

#include <sstream>

#include <prometheus/text_serializer.h>

namespace mixmatch::server {

void MetricFamilies::Add(const std::string& name, const std::string& help, prometheus::MetricType type,
                         prometheus::ClientMetric metric, const Labels& labels) {
  for (const auto& [label, value] : labels) metric.label.push_back({label, value});
  const auto [place, is_new] = places_.try_emplace(name, families_.size());
  if (is_new) families_.push_back({name, help, type, {}});
  families_[place->second].metric.push_back(std::move(metric));
}

void MetricFamilies::Gauge(const std::string& name, const std::string& help, double value, const Labels& labels) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  Add(name, help, prometheus::MetricType::Gauge, std::move(metric), labels);
}

void MetricFamilies::Counter(const std::string& name, const std::string& help, double value, const Labels& labels) {
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  Add(name, help, prometheus::MetricType::Counter, std::move(metric), labels);
}

void MetricFamilies::Histogram(const std::string& name, const std::string& help, prometheus::ClientMetric histogram,
                               const Labels& labels) {
  Add(name, help, prometheus::MetricType::Histogram, std::move(histogram), labels);
}

std::string MetricFamilies::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

}  // namespace mixmatch::server
