// Figures on their way to Prometheus: collected once a scrape, written as its text format.
#ifndef MIXMATCH_SERVER_TELEMETRY_METRIC_FAMILIES_H_
#define MIXMATCH_SERVER_TELEMETRY_METRIC_FAMILIES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace mixmatch::server {

// Not thread-safe. Samples of one name share type and help, those of the first.
class MetricFamilies {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  void Gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  // `name` ends in _total.
  void Counter(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  // `histogram` as prometheus::Histogram::Collect gives it.
  void Histogram(const std::string& name, const std::string& help, prometheus::ClientMetric histogram,
                 const Labels& labels = {});

  // In Prometheus's text format, version 0.0.4.
  std::string Text() const;

 private:
  void Add(const std::string& name, const std::string& help, prometheus::MetricType type,
           prometheus::ClientMetric metric, const Labels& labels);

  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, size_t> places_;  // In families_, by name.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_METRIC_FAMILIES_H_
