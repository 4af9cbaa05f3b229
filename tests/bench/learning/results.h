// What was measured: figures and rows of the table, over several seeds.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_

#include <map>
#include <string>
#include <vector>

#include "tests/bench/learning/metrics.h"

namespace mixmatch::bench {

class Results {
 public:
  // Values of one name are runs of the same measurement: their mean is reported.
  void AddFigure(const std::string& name, double value, const std::string& unit);
  void AddRecall(const std::string& column, const std::string& question, const Recall& recall);

  // For people.
  std::string Table() const;
  // {"figures": [{name, value, unit, runs}],
  //  "directions": [{column, question, queries, candidates, r1, r5, r10, median_rank}]}
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
};

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_RESULTS_H_
