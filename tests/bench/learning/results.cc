#include "tests/bench/learning/results.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"

namespace mixmatch::bench {
namespace {

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / values.size();
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

std::string Results::Table() const {
  std::string text = absl::StrFormat("%-28s%-24s%9s%12s%8s%8s%8s%9s\n", "column", "question", "queries", "candidates",
                                     "R@1", "R@5", "R@10", "MedR");
  for (const Row& row : rows_) {
    const Recall mean = MeanOf(row.runs);
    absl::StrAppendFormat(&text, "%-28s%-24s%9d%12d%8.3f%8.3f%8.3f%9.1f\n", row.column, row.question, mean.queries,
                          mean.candidates, mean.r1, mean.r5, mean.r10, mean.median_rank);
  }
  text += "\n";
  for (const Figure& figure : figures_) {
    absl::StrAppendFormat(&text, "%-56s%12.6g  %s\n", figure.name, Mean(figure.runs), figure.unit);
  }
  return text;
}

std::string Results::Json() const {
  nlohmann::json document = {{"figures", nlohmann::json::array()}, {"directions", nlohmann::json::array()}};
  for (const Figure& figure : figures_) {
    document["figures"].push_back(
        {{"name", figure.name}, {"value", Mean(figure.runs)}, {"unit", figure.unit}, {"runs", figure.runs}});
  }
  for (const Row& row : rows_) {
    const Recall mean = MeanOf(row.runs);
    document["directions"].push_back({{"column", row.column},
                                      {"question", row.question},
                                      {"queries", mean.queries},
                                      {"candidates", mean.candidates},
                                      {"r1", mean.r1},
                                      {"r5", mean.r5},
                                      {"r10", mean.r10},
                                      {"median_rank", mean.median_rank}});
  }
  return document.dump(1) + "\n";
}

}  // namespace mixmatch::bench
