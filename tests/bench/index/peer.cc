#include "tests/bench/index/peer.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "tests/bench/index/files.h"

namespace mixmatch::index_bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

absl::StatusOr<nlohmann::json> Build(Peer& peer, const nlohmann::json& request) {
  const int64_t before = ResidentBytes();
  double seconds = 0;
  {
    MIXMATCH_ASSIGN_OR_RETURN(const auto base,
                              MappedMatrix::Open(request.at("base"), request.at("count"), request.at("dim")));
    const Clock::time_point start = Clock::now();
    MIXMATCH_RETURN_IF_ERROR(peer.Build(base->matrix(), request.at("threads")));
    seconds = SecondsSince(start);
  }
  return nlohmann::json{{"seconds", seconds}, {"bytes", ResidentBytes() - before}};
}

absl::StatusOr<nlohmann::json> Search(Peer& peer, const nlohmann::json& request) {
  MIXMATCH_ASSIGN_OR_RETURN(const auto file,
                            MappedMatrix::Open(request.at("queries"), request.at("count"), request.at("dim")));
  const Matrix queries = file->matrix();
  const int k = request.at("k");
  const double least = request.at("seconds");
  std::vector<uint32_t> rows(queries.count * k, kNone);
  int64_t done = 0;
  const Clock::time_point start = Clock::now();
  do {
    MIXMATCH_RETURN_IF_ERROR(peer.Search(queries, k, request.at("breadth"), request.at("threads"), rows.data()));
    done += queries.count;
  } while (SecondsSince(start) < least);
  const double seconds = SecondsSince(start);
  MIXMATCH_RETURN_IF_ERROR(WriteFile(request.at("answers"), rows.data(), rows.size() * sizeof(uint32_t)));
  return nlohmann::json{{"queries", done}, {"seconds", seconds}};
}

absl::StatusOr<nlohmann::json> Answer(Peer& peer, const std::string& line) {
  try {
    const nlohmann::json request = nlohmann::json::parse(line);
    const std::string what = request.at("do");
    if (what == "build") return Build(peer, request);
    if (what == "search") return Search(peer, request);
    return peer.Other(request);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace

absl::StatusOr<nlohmann::json> Peer::Other(const nlohmann::json& request) {
  return absl::UnimplementedError(absl::StrCat("this peer does not know ", request.at("do").get<std::string>()));
}

void InThreads(int64_t count, int threads, const std::function<void(int64_t)>& call) {
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) call(i);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
}

int Serve(Peer& peer) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto answer = Answer(peer, line);
    const nlohmann::json reply = answer.ok() ? *answer : nlohmann::json{{"error", answer.status().ToString()}};
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}

}  // namespace mixmatch::index_bench
