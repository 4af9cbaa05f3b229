// The server's log: one line an event, on standard error. Never content, names or metadata of users.
#ifndef MIXMATCH_SERVER_LOG_H_
#define MIXMATCH_SERVER_LOG_H_

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

namespace mixmatch::server {

// Thread-safe after SetUp.
class Log {
 public:
  using Level = spdlog::level::level_enum;
  // What belongs to a message: a word of a-z and '_', and its value.
  using Fields = std::vector<std::pair<const char*, std::string>>;

  // Once, before threads start. `level` is debug, info, warn or error; `format` is
  // text: TIME LEVEL message name=value name="other value", or
  // json: {"time":..., "level":..., "message":..., "name":...}, an object a line.
  static void SetUp(const std::string& level, const std::string& format = "text");

  template <typename... Args>
  static void Info(fmt::format_string<Args...> format, Args&&... args) {
    Format(Level::info, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  static void Warn(fmt::format_string<Args...> format, Args&&... args) {
    Format(Level::warn, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  static void Error(fmt::format_string<Args...> format, Args&&... args) {
    Format(Level::err, format, std::forward<Args>(args)...);
  }
  static void Write(Level level, const std::string& message, const Fields& fields = {});

 private:
  template <typename... Args>
  static void Format(Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (spdlog::should_log(level)) Write(level, fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LOG_H_
