// What every graph of the bench is built with, ours and the peers'.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_GRAPH_OPTIONS_H_
#define MIXMATCH_TESTS_BENCH_INDEX_GRAPH_OPTIONS_H_

namespace mixmatch::index_bench {

inline constexpr int kLinks = 16;          // M.
inline constexpr int kBuildBreadth = 100;  // ef_construction.

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_GRAPH_OPTIONS_H_
