// Links as they are listed: of an item, a part, an event, a source, or all there are.
#ifndef MIXMATCH_SERVER_LINK_LIST_H_
#define MIXMATCH_SERVER_LINK_LIST_H_

#include "absl/status/status.h"
#include "index/store/store.h"
#include "mixmatch/v1/event_service.pb.h"

namespace mixmatch::server {

// As EventService.ListLinks. Looks at a bounded number of events for a page, so a page may be short.
absl::Status ListLinks(const index::Store& store, const v1::ListLinksRequest& request, v1::ListLinksResponse& response);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LINK_LIST_H_
