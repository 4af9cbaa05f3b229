#include "server/access/refusal_brake.h"

#include <arpa/inet.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace mixmatch::server {
namespace {

constexpr size_t kMostPeers = 4096;
constexpr size_t kNetworkBytes = 8;

}  // namespace

std::string PeerKey(absl::string_view peer) {
  const std::string text = absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  absl::string_view address = text;
  address = address.substr(0, std::min(address.rfind(':'), address.size()));
  if (absl::ConsumePrefix(&address, "ipv4:")) return std::string(address);
  if (!absl::ConsumePrefix(&address, "ipv6:[")) return std::string(address);
  address = address.substr(0, address.find_first_of("%]"));
  unsigned char bytes[sizeof(in6_addr)];
  if (inet_pton(AF_INET6, std::string(address).c_str(), bytes) != 1) return std::string(address);
  for (size_t i = kNetworkBytes; i < sizeof(bytes); ++i) bytes[i] = 0;
  char network[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, bytes, network, sizeof(network));
  return absl::StrCat(network, "/64");
}

absl::Duration RefusalBrake::Refused(absl::string_view peer, absl::Time now) {
  if (per_minute_ == 0) return absl::ZeroDuration();
  const std::string key = PeerKey(peer);
  const absl::MutexLock lock(&mutex_);
  if (peers_.size() >= kMostPeers && !peers_.contains(key)) Forget(now);
  TokenBucket& bucket = peers_[key];
  const absl::Duration wait = bucket.Wait(now, per_minute_ / 60.0, per_minute_);
  if (wait == absl::ZeroDuration()) bucket.Take(1);
  return absl::Ceil(wait, absl::Milliseconds(1));
}

void RefusalBrake::Forget(absl::Time now) {
  for (auto it = peers_.begin(); it != peers_.end();) {
    if (it->second.IsFull(now, per_minute_ / 60.0, per_minute_)) {
      peers_.erase(it++);
    } else {
      ++it;
    }
  }
  if (peers_.size() >= kMostPeers) peers_.erase(peers_.begin());
}

}  // namespace mixmatch::server
