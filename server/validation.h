// What a request may say: each check names the field, what was got and what was wanted.
#ifndef MIXMATCH_SERVER_VALIDATION_H_
#define MIXMATCH_SERVER_VALIDATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item.pb.h"
#include "mixmatch/v1/item_service.pb.h"

namespace mixmatch::server {

inline constexpr char kContainerPrefix[] = "item:";

// All INVALID_ARGUMENT.
absl::Status CheckHeader(const v1::UploadHeader& header);
absl::Status CheckMetadata(absl::string_view field, const google::protobuf::Map<std::string, v1::MetadataValue>& metadata);
absl::Status CheckRequestId(absl::string_view field, absl::string_view request_id);
absl::Status CheckEventId(absl::string_view field, absl::string_view event_id);
absl::Status CheckLocation(absl::string_view field, const v1::Location& location);
absl::Status CheckMember(const v1::EventMember& member);
// A page size: 100 for 0, else itself if 1 to 1,000.
absl::StatusOr<int> PageSize(int requested);
// The number in a page token; 0 for an empty one.
absl::StatusOr<uint64_t> PageToken(absl::string_view token);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_VALIDATION_H_
