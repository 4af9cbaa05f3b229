#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"

namespace mixmatch::server {
namespace {

// Set once, before threads start.
bool as_json = false;

// Broken UTF-8 is replaced, so that a line is always JSON.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

bool IsPlain(const std::string& value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '=';
  });
}

}  // namespace

void Log::SetUp(const std::string& level, const std::string& format) {
  as_json = format == "json";
  spdlog::set_default_logger(spdlog::stderr_logger_mt("mixmatchd"));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                      spdlog::pattern_time_type::utc);
  spdlog::flush_on(spdlog::level::info);
}

void Log::Write(Level level, const std::string& message, const Fields& fields) {
  if (!spdlog::should_log(level)) return;
  std::string line = as_json ? "\"message\":" + Quoted(message) : message;
  for (const auto& [name, value] : fields) {
    if (as_json) {
      line.append(",\"").append(name).append("\":").append(Quoted(value));
    } else {
      line.append(" ").append(name).append("=").append(IsPlain(value) ? value : Quoted(value));
    }
  }
  spdlog::default_logger_raw()->log(level, line);
}

}  // namespace mixmatch::server
