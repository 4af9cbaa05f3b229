#include "server/validation.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/event_links.h"

namespace mixmatch::server {
namespace {

constexpr int kMostKeys = 64;
constexpr size_t kMostKeyBytes = 128;
constexpr size_t kMostValueBytes = 4096;
constexpr size_t kMostNameBytes = 1024;
constexpr size_t kMostRequestIdBytes = 128;
constexpr size_t kMostEventIdBytes = 256;

absl::Status CheckLength(absl::string_view field, absl::string_view value, size_t most) {
  if (value.size() <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": got ", value.size(), " bytes, wanted at most ", most, "; shorten it"));
}

absl::Status CheckKey(absl::string_view field, absl::string_view key) {
  bool good = !key.empty() && key.size() <= kMostKeyBytes;
  for (char c : key) good = good && (absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-');
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": got a key of ", key.size(), " bytes; wanted 1 to ",
                                                 kMostKeyBytes, " of letters, digits, '_', '.' and '-'"));
}

}  // namespace

absl::Status CheckMetadata(absl::string_view field,
                           const google::protobuf::Map<std::string, v1::MetadataValue>& metadata) {
  if (metadata.size() > kMostKeys) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": got ", metadata.size(), " keys, wanted at most ", kMostKeys));
  }
  for (const auto& [key, value] : metadata) {
    MIXMATCH_RETURN_IF_ERROR(CheckKey(field, key));
    switch (value.kind_case()) {
      case v1::MetadataValue::kText:
        MIXMATCH_RETURN_IF_ERROR(CheckLength(absl::StrCat(field, ".", key), value.text(), kMostValueBytes));
        break;
      case v1::MetadataValue::kNumber:
        if (!std::isfinite(value.number())) {
          return absl::InvalidArgumentError(absl::StrCat(field, ".", key, ": got a number that is not finite"));
        }
        break;
      case v1::MetadataValue::kFlag:
        break;
      case v1::MetadataValue::KIND_NOT_SET:
        return absl::InvalidArgumentError(
            absl::StrCat(field, ".", key, ": got no value, wanted text, a number or a flag"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRequestId(absl::string_view field, absl::string_view request_id) {
  return CheckLength(field, request_id, kMostRequestIdBytes);
}

absl::Status CheckEventId(absl::string_view field, absl::string_view event_id) {
  MIXMATCH_RETURN_IF_ERROR(CheckLength(field, event_id, kMostEventIdBytes));
  for (absl::string_view prefix : {kContainerPrefix, kFormedPrefix}) {
    if (!absl::StartsWith(event_id, prefix)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": ids that begin with \"", prefix, "\" are the server's own; choose another"));
  }
  return absl::OkStatus();
}

absl::Status CheckLocation(absl::string_view field, const v1::Location& location) {
  const bool good = location.latitude() >= -90 && location.latitude() <= 90 && location.longitude() >= -180 &&
                    location.longitude() <= 180;
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": got latitude ", location.latitude(), ", longitude ",
                                                 location.longitude(), "; wanted -90 to 90 and -180 to 180"));
}

absl::Status CheckHeader(const v1::UploadHeader& header) {
  MIXMATCH_RETURN_IF_ERROR(CheckRequestId("header.request_id", header.request_id()));
  MIXMATCH_RETURN_IF_ERROR(CheckLength("header.name", header.name(), kMostNameBytes));
  MIXMATCH_RETURN_IF_ERROR(CheckLength("header.source", header.source(), kMostNameBytes));
  MIXMATCH_RETURN_IF_ERROR(CheckEventId("header.event_id", header.event_id()));
  MIXMATCH_RETURN_IF_ERROR(CheckMetadata("header.metadata", header.metadata()));
  if (header.has_location()) MIXMATCH_RETURN_IF_ERROR(CheckLocation("header.location", header.location()));
  const auto& duration = header.observed_duration();
  if (duration.seconds() < 0 || duration.nanos() < 0) {
    return absl::InvalidArgumentError("header.observed_duration: got a negative duration");
  }
  if (header.resume_offset() > 0 && header.request_id().empty()) {
    return absl::InvalidArgumentError("header.resume_offset: needs the request_id of the upload that it goes on with");
  }
  return absl::OkStatus();
}

absl::Status CheckMember(const v1::EventMember& member) {
  if (member.item_id() == 0) return absl::InvalidArgumentError("members.item_id: got 0, wanted the id of an item");
  if (member.part_id() != 0 && member.part_id() >> 16 != member.item_id()) {
    return absl::InvalidArgumentError(absl::StrCat("members.part_id: got part ", member.part_id(), " of item ",
                                                   member.part_id() >> 16, ", wanted one of item ", member.item_id()));
  }
  if (!(member.weight() >= 0.0f && member.weight() <= 100.0f)) {
    return absl::InvalidArgumentError(
        absl::StrCat("members.weight: got ", member.weight(), ", wanted over 0 and up to 100"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> PageSize(int requested) {
  if (requested == 0) return 100;
  if (requested < 1 || requested > 1000) {
    return absl::InvalidArgumentError(absl::StrCat("page_size: got ", requested, ", wanted 1 to 1,000, or 0 for 100"));
  }
  return requested;
}

absl::StatusOr<uint64_t> PageToken(absl::string_view token) {
  uint64_t number = 0;
  if (token.empty() || absl::SimpleAtoi(token, &number)) return number;
  return absl::InvalidArgumentError("page_token: not one that this server gave; pass next_page_token as it came");
}

}  // namespace mixmatch::server
