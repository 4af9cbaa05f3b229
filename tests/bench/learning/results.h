// What was measured: figures and rows of the table, over several seeds.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/learning/metrics.h"

namespace mixmatch::bench {

class Results {
 public:
  // Values of one name are runs of the same measurement: their mean is reported, with the least and the most.
  void AddFigure(const std::string& name, double value, const std::string& unit);
  void AddRecall(const std::string& column, const std::string& question, const Recall& recall);
  // Processor time that a part of the run took; times of one name add up.
  void AddSeconds(const std::string& part, double seconds);

  // For people.
  std::string Table() const;
  // {"figures": [{name, value, min, max, unit, runs}],
  //  "directions": [{column, question, queries, candidates, r1, r1_min, r1_max, r5, r10, r10_min, r10_max, median_rank,
  //                  chance_r1, chance_r10}],
  //  "cpu_seconds": {part: seconds}}
  // A value that is not finite is null.
  std::string Json() const;

 private:
  struct Figure {
    std::string name, unit;
    std::vector<double> runs;
  };
  struct Row {
    std::string column, question;
    std::vector<Recall> runs;
  };
  std::vector<Figure> figures_;
  std::vector<Row> rows_;
  std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_
