// The server's log: one line an event, on standard error. Never content, names or metadata of users.
#ifndef MIXMATCH_SERVER_LOG_H_
#define MIXMATCH_SERVER_LOG_H_

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

namespace mixmatch::server {

class Log {
 public:
  // Once, before threads start.
  static void SetUp(const std::string& level) {
    spdlog::set_default_logger(spdlog::stderr_logger_mt("mixmatchd"));
    spdlog::set_level(spdlog::level::from_str(level));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    spdlog::flush_on(spdlog::level::info);
  }
  template <typename... Args>
  static void Info(fmt::format_string<Args...> format, Args&&... args) {
    spdlog::info(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  static void Warn(fmt::format_string<Args...> format, Args&&... args) {
    spdlog::warn(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  static void Error(fmt::format_string<Args...> format, Args&&... args) {
    spdlog::error(format, std::forward<Args>(args)...);
  }
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LOG_H_
