#include "server/telemetry/request_context.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

constexpr size_t kMostRequestId = 64;
constexpr size_t kTraceparent = 55;  // 00-<32 digits>-<16 digits>-<2 digits>

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsZero(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

}  // namespace

bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kMostRequestId && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

std::string NewRequestId() {
  static const uint64_t start = (static_cast<uint64_t>(std::random_device()()) << 32) | std::random_device()();
  static std::atomic<uint64_t> count{0};
  // A step that is odd visits every number once; the mixing (SplitMix64) is one to one.
  uint64_t id = start + count.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15;
  id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9;
  id = (id ^ (id >> 27)) * 0x94d049bb133111eb;
  return absl::StrCat(absl::Hex(id ^ (id >> 31), absl::kZeroPad16));
}

bool IsTraceparent(absl::string_view text) {
  if (text.size() < kTraceparent || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const absl::string_view version = text.substr(0, 2), trace = text.substr(3, 32), parent = text.substr(36, 16);
  if (!IsHex(version) || version == "ff" || !IsHex(trace) || !IsHex(parent) || !IsHex(text.substr(53, 2))) return false;
  if (IsZero(trace) || IsZero(parent)) return false;
  return version == "00" ? text.size() == kTraceparent
                         : text.size() == kTraceparent || text[kTraceparent] == '-';
}

}  // namespace mixmatch::server
