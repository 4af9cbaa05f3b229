#include "tests/bench/learning/results.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"

namespace mixmatch::bench {
namespace {

struct Spread {
  double mean = 0, least = 0, most = 0;
};

Spread SpreadOf(const std::vector<double>& values) {
  Spread spread;
  spread.least = *std::min_element(values.begin(), values.end());
  spread.most = *std::max_element(values.begin(), values.end());
  for (double value : values) spread.mean += value / values.size();
  return spread;
}

Spread SpreadOf(const std::vector<Recall>& runs, double Recall::*measure) {
  std::vector<double> values;
  for (const Recall& run : runs) values.push_back(run.*measure);
  return SpreadOf(values);
}

// One run has no spread to show.
std::string Range(const Spread& spread, size_t runs) {
  return runs < 2 ? "" : absl::StrFormat("%.3f-%.3f", spread.least, spread.most);
}

}  // namespace

void Results::AddFigure(const std::string& name, double value, const std::string& unit) {
  auto found = std::find_if(figures_.begin(), figures_.end(), [&](const Figure& f) { return f.name == name; });
  if (found == figures_.end()) found = figures_.insert(found, {name, unit, {}});
  found->runs.push_back(value);
}

void Results::AddRecall(const std::string& column, const std::string& question, const Recall& recall) {
  auto found = std::find_if(rows_.begin(), rows_.end(),
                            [&](const Row& r) { return r.column == column && r.question == question; });
  if (found == rows_.end()) found = rows_.insert(found, {column, question, {}});
  found->runs.push_back(recall);
}

void Results::AddSeconds(const std::string& part, double seconds) {
  auto found = std::find_if(seconds_.begin(), seconds_.end(), [&](const auto& s) { return s.first == part; });
  if (found == seconds_.end()) found = seconds_.insert(found, {part, 0.0});
  found->second += seconds;
}

std::string Results::Table() const {
  std::string text = absl::StrFormat("%-34s%-24s%8s%11s%7s%7s%7s%8s%9s%13s%13s\n", "column", "question", "queries",
                                     "candidates", "R@1", "R@5", "R@10", "MedR", "chance10", "R@1 spread",
                                     "R@10 spread");
  for (const Row& row : rows_) {
    const Recall mean = MeanOf(row.runs);
    absl::StrAppendFormat(&text, "%-34s%-24s%8d%11d%7.3f%7.3f%7.3f%8.1f%9.3f%13s%13s\n", row.column, row.question,
                          mean.queries, mean.candidates, mean.r1, mean.r5, mean.r10, mean.median_rank,
                          mean.chance_r10, Range(SpreadOf(row.runs, &Recall::r1), row.runs.size()),
                          Range(SpreadOf(row.runs, &Recall::r10), row.runs.size()));
  }
  absl::StrAppendFormat(&text, "\n%-66s%12s%12s%12s  %s\n", "figure", "mean", "least", "most", "unit");
  for (const Figure& figure : figures_) {
    const Spread spread = SpreadOf(figure.runs);
    absl::StrAppendFormat(&text, "%-66s%12.4g%12.4g%12.4g  %s\n", figure.name, spread.mean, spread.least, spread.most,
                          figure.unit);
  }
  text += "\n";
  for (const auto& [part, seconds] : seconds_) absl::StrAppendFormat(&text, "%-66s%12.1f CPU s\n", part, seconds);
  return text;
}

std::string Results::Json() const {
  nlohmann::json document = {{"figures", nlohmann::json::array()},
                             {"directions", nlohmann::json::array()},
                             {"cpu_seconds", nlohmann::json::object()}};
  for (const Figure& figure : figures_) {
    const Spread spread = SpreadOf(figure.runs);
    document["figures"].push_back({{"name", figure.name},
                                   {"value", spread.mean},
                                   {"min", spread.least},
                                   {"max", spread.most},
                                   {"unit", figure.unit},
                                   {"runs", figure.runs}});
  }
  for (const Row& row : rows_) {
    const Recall mean = MeanOf(row.runs);
    const Spread r1 = SpreadOf(row.runs, &Recall::r1), r10 = SpreadOf(row.runs, &Recall::r10);
    document["directions"].push_back({{"column", row.column},
                                      {"question", row.question},
                                      {"queries", mean.queries},
                                      {"candidates", mean.candidates},
                                      {"r1", mean.r1},
                                      {"r1_min", r1.least},
                                      {"r1_max", r1.most},
                                      {"r5", mean.r5},
                                      {"r10", mean.r10},
                                      {"r10_min", r10.least},
                                      {"r10_max", r10.most},
                                      {"median_rank", mean.median_rank},
                                      {"chance_r1", mean.chance_r1},
                                      {"chance_r10", mean.chance_r10}});
  }
  for (const auto& [part, seconds] : seconds_) document["cpu_seconds"][part] = seconds;
  return document.dump(1) + "\n";
}

}  // namespace mixmatch::bench
