#include "server/link_list.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/event_book.h"
#include "server/event_links.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

constexpr int kEventsAPage = 10'000;

// "<links of the event to pass over>:<event id>".
struct Place {
  size_t skip = 0;
  std::string event_id;
};

absl::StatusOr<Place> ParsePlace(const std::string& token) {
  Place place;
  if (token.empty()) return place;
  const size_t colon = token.find(':');
  if (colon == std::string::npos || !absl::SimpleAtoi(token.substr(0, colon), &place.skip)) {
    return absl::InvalidArgumentError("page_token: not one that this server gave; pass next_page_token as it came");
  }
  place.event_id = token.substr(colon + 1);
  return place;
}

class Page {
 public:
  Page(const index::Store& store, const v1::ListLinksRequest& request, int size, Place begin,
       v1::ListLinksResponse& response)
      : request_(request), size_(size), begin_(std::move(begin)), response_(response), facts_(StoreFacts(store)) {}

  absl::Status Init(const index::Store& store) {
    MIXMATCH_ASSIGN_OR_RETURN(holds_, ReadHolds(store));
    return absl::OkStatus();
  }

  // False when the page is full.
  absl::StatusOr<bool> Add(const storage::v1::EventRecord& record) {
    const std::string& event_id = record.event().event_id();
    if (event_id < begin_.event_id || record.event().members().empty()) return true;
    if (++events_ > kEventsAPage) return Full(0, event_id);
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<EventLink> links, LinksOf(facts_, holds_, record, /*explain=*/true));
    for (size_t i = event_id == begin_.event_id ? begin_.skip : 0; i < links.size(); ++i) {
      v1::Link link = ToApi(record, links[i]);
      MIXMATCH_ASSIGN_OR_RETURN(const bool wanted, Wanted(record, link));
      if (!wanted) continue;
      if (response_.links_size() == size_) return Full(i, event_id);
      *response_.add_links() = std::move(link);
    }
    return true;
  }

 private:
  bool Full(size_t skip, const std::string& event_id) {
    response_.set_next_page_token(absl::StrCat(skip, ":", event_id));
    return false;
  }

  // A declared link has the sources of its items; a formed one that of the item that brought it about.
  absl::StatusOr<bool> Wanted(const storage::v1::EventRecord& record, const v1::Link& link) {
    const auto has = [](const auto& ids, uint64_t id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
    if (request_.item_id() != 0 && !has(link.item_ids(), request_.item_id())) return false;
    if (request_.part_id() != 0 && !has(link.part_ids(), request_.part_id())) return false;
    if (request_.kind() != v1::EVENT_KIND_UNSPECIFIED && link.kind() != request_.kind()) return false;
    if (request_.state() != v1::LINK_STATE_UNSPECIFIED && link.state() != request_.state()) return false;
    if (!request_.principal().empty()) {
      bool found = link.principal() == request_.principal();
      for (const v1::EventMember& member : record.event().members()) {
        found |= PrincipalOf(member.principal()) == request_.principal();
      }
      if (!found) return false;
    }
    if (!request_.has_source()) return true;
    for (uint64_t item_id : link.item_ids()) {
      MIXMATCH_ASSIGN_OR_RETURN(const auto item, facts_(item_id));
      if (item != nullptr && item->record.item().source() == request_.source()) return true;
    }
    return false;
  }

  const v1::ListLinksRequest& request_;
  const int size_;
  const Place begin_;
  v1::ListLinksResponse& response_;
  const FactsReader facts_;
  storage::v1::LinkHolds holds_;
  int events_ = 0;
};

}  // namespace

absl::Status ListLinks(const index::Store& store, const v1::ListLinksRequest& request,
                       v1::ListLinksResponse& response) {
  MIXMATCH_ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  MIXMATCH_ASSIGN_OR_RETURN(const Place begin, ParsePlace(request.page_token()));
  Page page(store, request, size, begin, response);
  MIXMATCH_RETURN_IF_ERROR(page.Init(store));
  std::vector<std::string> ids;
  const uint64_t item_id = request.item_id() != 0 ? request.item_id() : request.part_id() >> 16;
  if (!request.event_id().empty()) {
    ids.push_back(request.event_id());
  } else if (item_id != 0) {
    MIXMATCH_ASSIGN_OR_RETURN(ids, store.GetEventIds(item_id));
  } else {
    absl::Status failed;
    MIXMATCH_RETURN_IF_ERROR(store.ForEachEvent(begin.event_id, [&](const storage::v1::EventRecord& record) {
      const absl::StatusOr<bool> more = page.Add(record);
      failed = more.status();
      return more.ok() && *more;
    }));
    return failed;
  }
  for (const std::string& id : ids) {
    const auto record = store.GetEvent(id);
    if (absl::IsNotFound(record.status())) continue;
    MIXMATCH_RETURN_IF_ERROR(record.status());
    MIXMATCH_ASSIGN_OR_RETURN(const bool more, page.Add(*record));
    if (!more) break;
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::server
