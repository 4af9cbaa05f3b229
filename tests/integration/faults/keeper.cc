#include "tests/integration/faults/keeper.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/status_macros.h"
#include "tests/integration/media.h"

namespace mixmatch {
namespace {

constexpr size_t kTrace = 30;      // Steps that a finding tells.
constexpr size_t kAskedBack = 40;  // Deleted items and contents that a check looks at, at most.
constexpr int64_t kHits = 10;
constexpr double kSame = 0.99;     // Score of a text with itself, stored in half precision.
constexpr const char* kColors[] = {"red", "green", "blue", ""};

}  // namespace

Keeper::Keeper(std::string name, const KeeperOptions& options, Findings& findings)
    : name_(name), options_(options), findings_(findings), random_(options.seed), truth_(std::move(name)) {}

void Keeper::Note(const std::string& step) {
  trace_.push_back(step);
  if (trace_.size() > kTrace) trace_.pop_front();
}

void Keeper::Wrong(const std::string& what) {
  findings_.Add(absl::StrCat(name_, ": ", what, "\n  last steps:\n    ", absl::StrJoin(trace_, "\n    ")));
}

std::string Keeper::SomeSource() {
  const uint64_t which = Draw(4);
  return which == 0 ? "" : absl::StrCat(name_, "-source-", which);
}

uint64_t Keeper::SomeItem() { return std::next(truth_.items().begin(), Draw(truth_.items().size()))->first; }

std::string Keeper::SomeEvent(bool existing) {
  if (!truth_.events().empty() && (existing || Draw(2) == 0)) {
    return std::next(truth_.events().begin(), Draw(truth_.events().size()))->first;
  }
  return existing ? "" : absl::StrCat(name_, "-event-", next_event_++);
}

bool Keeper::Settle(const absl::Status& status, const std::string& call, const Truth* after) {
  if (status.ok()) {
    if (after != nullptr) truth_ = *after;
    return true;
  }
  // gRPC cancels calls that come in the moment of a stop.
  if (absl::IsUnavailable(status) || absl::IsCancelled(status)) {
    gone_away_ = true;
    if (after != nullptr) maybe_ = *after;
    Note(absl::StrCat(call, " -> the server went"));
  } else {
    Wrong(absl::StrCat(call, ": ", status.ToString()));
  }
  return false;
}

// Uploads.

TrueItem Keeper::NewItem() {
  TrueItem item;
  item.number = next_number_++;
  item.name = absl::StrCat(name_, "-", item.number, "-0");
  item.source = SomeSource();
  item.color = kColors[Draw(std::size(kColors))];
  item.rank = static_cast<double>(Draw(100));
  item.request_id = absl::StrCat(name_, "-upload-", item.number);
  const std::string content = ContentOf(name_, item.number);
  item.sha256 = Sha256(content);
  item.size = content.size();
  if (Draw(3) == 0) item.events.insert(SomeEvent(false));
  return item;
}

v1::UploadHeader Keeper::HeaderOf(const TrueItem& item) const {
  v1::UploadHeader header;
  header.set_request_id(item.request_id);
  header.set_name(item.name);
  header.set_source(item.source);
  if (!item.events.empty()) header.set_event_id(*item.events.begin());
  auto& metadata = *header.mutable_metadata();
  metadata[kOwnerKey].set_text(name_);
  metadata[kNumberKey].set_number(static_cast<double>(item.number));
  if (!item.color.empty()) metadata["color"].set_text(item.color);
  metadata["rank"].set_number(item.rank);
  return header;
}

void Keeper::Finished(TrueItem item, const absl::StatusOr<v1::UploadResponse>& response, const std::string& call) {
  if (response.ok()) item.item_id = response->item().item_id();
  Truth after = truth_;
  after.Upload(item);
  if (!Settle(response.status(), call, &after)) return;
  answered_[item.request_id] = item.item_id;
  if (response->repeated_request()) Wrong(call + ": answered as if it had been sent before");
  const std::string difference = Difference(truth_, item, response->item());
  if (!difference.empty()) Wrong(absl::StrCat(call, ": ", difference));
}

void Keeper::Upload() {
  const TrueItem item = NewItem();
  const std::string call =
      absl::StrCat("upload number ", item.number, " ", item.events.empty() ? "" : *item.events.begin());
  Note(call);
  Finished(item, api_->Upload(ContentOf(name_, item.number), HeaderOf(item)), call);
}

void Keeper::UploadAgain() {
  if (answered_.empty()) return;
  const auto [request_id, item_id] = *std::next(answered_.begin(), Draw(answered_.size()));
  const std::string call = absl::StrCat("upload again by ", request_id);
  Note(call);
  v1::UploadHeader header;
  header.set_request_id(request_id);
  const auto response = api_->Upload("Something else that must not be stored.", header);
  const bool deleted = std::find(gone_.begin(), gone_.end(), item_id) != gone_.end();
  if (deleted && absl::IsNotFound(response.status())) return;
  if (!Settle(response.status(), call, nullptr)) return;
  if (deleted || !response->repeated_request() || response->item().item_id() != item_id) {
    Wrong(absl::StrCat(call, ": got item ", response->item().item_id(), ", should be ", item_id));
  }
}

// First half of a content without an end; then the rest, from where the server says.
void Keeper::UploadInPieces() {
  if (!partial_.has_value()) {
    Partial partial;
    partial.number = next_number_++;
    partial.request_id = absl::StrCat(name_, "-upload-", partial.number);
    const std::string content = ContentOf(name_, partial.number);
    const std::string call = absl::StrCat("begin upload number ", partial.number);
    Note(call);
    partial_ = partial;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(120));
    v1::UploadResponse response;
    const auto stream = api_->items->Upload(&context, &response);
    v1::UploadRequest message;
    message.mutable_header()->set_request_id(partial.request_id);
    stream->Write(message);
    message.set_chunk(content.substr(0, content.size() / 2));
    stream->Write(message);
    stream->WritesDone();
    const absl::Status status = FromGrpc(stream->Finish());
    if (absl::IsInvalidArgument(status)) {
      partial_->bytes = content.size() / 2;
    } else {
      Settle(status.ok() ? absl::InternalError("a stream without a finish was answered OK") : status, call, nullptr);
    }
    return;
  }
  const std::string content = ContentOf(name_, partial_->number);
  v1::GetUploadRequest request;
  v1::GetUploadResponse received;
  request.set_request_id(partial_->request_id);
  grpc::ClientContext context;
  absl::Status status = FromGrpc(api_->items->GetUpload(&context, request, &received));
  const std::string call =
      absl::StrCat("go on with upload number ", partial_->number, " at ", received.received_bytes());
  Note(call);
  if (absl::IsNotFound(status) && !partial_->bytes.has_value()) status = absl::OkStatus();
  if (!Settle(status, call, nullptr)) return;
  if (partial_->bytes.has_value() && received.received_bytes() != *partial_->bytes) {
    Wrong(absl::StrCat(call, ", should be ", *partial_->bytes));
    return;
  }
  TrueItem item;
  item.number = partial_->number;
  item.name = absl::StrCat(name_, "-", item.number, "-0");
  item.rank = 7.0;
  item.request_id = partial_->request_id;
  item.sha256 = Sha256(content);
  item.size = content.size();
  v1::UploadHeader header = HeaderOf(item);
  header.set_resume_offset(received.received_bytes());
  partial_.reset();
  Finished(item, api_->Upload(content, header), call);
}

void Keeper::Delete() {
  if (truth_.items().empty()) return;
  const uint64_t number = SomeItem();
  const uint64_t item_id = truth_.items().at(number)->item_id;
  const std::string call = absl::StrCat("delete item ", item_id, " (number ", number, ")");
  Note(call);
  Truth after = truth_;
  after.Delete(number);
  if (Settle(api_->Delete(item_id), call, &after)) gone_.push_back(item_id);
}

// Events.

void Keeper::Link() {
  if (truth_.items().size() < 2) return;
  const std::string event_id = SomeEvent(false);
  std::map<uint64_t, float> members;
  const size_t count = std::min<size_t>(2 + Draw(3), truth_.items().size());
  while (members.size() < count) members[SomeItem()] = Draw(3) == 0 ? 2.5f : 1.0f;
  v1::LinkRequest request;
  request.set_event_id(event_id);
  for (const auto& [number, weight] : members) {
    v1::EventMember& member = *request.add_members();
    member.set_item_id(truth_.items().at(number)->item_id);
    if (weight != 1.0f || Draw(2) == 0) member.set_weight(weight);
  }
  if (Draw(2) == 0) request.set_request_id(absl::StrCat(name_, "-link-", next_event_++));
  const std::string call = absl::StrCat("link ", members.size(), " into ", event_id);
  Note(call);
  Truth after = truth_;
  after.Link(event_id, members);
  if (!Settle(api_->client->Link(request).status(), call, &after)) return;
  if (!request.request_id().empty()) link_requests_[request.request_id()] = event_id;
}

// Is answered with the event as it is now, and changes nothing.
void Keeper::LinkAgain() {
  if (link_requests_.empty() || truth_.items().size() < 2) return;
  const auto [request_id, event_id] = *std::next(link_requests_.begin(), Draw(link_requests_.size()));
  const std::string call = absl::StrCat("link again by ", request_id);
  Note(call);
  v1::LinkRequest request;
  request.set_event_id(event_id);
  request.set_request_id(request_id);
  request.add_members()->set_item_id(truth_.items().at(SomeItem())->item_id);
  const auto event = api_->client->Link(request);
  const auto known = truth_.events().find(event_id);
  if (known == truth_.events().end() && absl::IsNotFound(event.status())) return;
  if (!Settle(event.status(), call, nullptr)) return;
  if (known == truth_.events().end() || event->members_size() != static_cast<int>(known->second->members.size())) {
    Wrong(absl::StrCat(call, ": got ", event->members_size(), " members"));
  }
}

void Keeper::Unlink() {
  const std::string event_id = SomeEvent(true);
  if (event_id.empty()) return;
  std::set<uint64_t> members;
  const auto& there = truth_.events().at(event_id)->members;
  if (Draw(3) != 0) members.insert(std::next(there.begin(), Draw(there.size()))->first);
  v1::UnlinkRequest request;
  request.set_event_id(event_id);
  for (uint64_t number : members) request.add_members()->set_item_id(truth_.items().at(number)->item_id);
  const std::string call = absl::StrCat("unlink ", members.size(), " (0: all) of ", event_id);
  Note(call);
  Truth after = truth_;
  after.Unlink(event_id, members);
  Settle(api_->client->Unlink(request).status(), call, &after);
}

void Keeper::Correct() {
  const std::string event_id = SomeEvent(true);
  if (event_id.empty()) return;
  v1::CorrectLinkRequest request;
  request.set_link_id(event_id);
  std::optional<double> weight;
  switch (Draw(3)) {
    case 0:
      weight = 0.0;
      request.set_undo(true);
      break;
    case 1:
      weight = 3.5;
      request.set_weight(*weight);
      break;
    default:
      request.set_restore(true);
  }
  const std::string call = absl::StrCat("correct ", event_id, " to ", weight.value_or(-1.0), " (-1: restore)");
  Note(call);
  Truth after = truth_;
  after.Correct(event_id, weight);
  Settle(api_->client->CorrectLink(request).status(), call, &after);
}

void Keeper::Hold() {
  const std::string source = absl::StrCat(name_, "-source-", 1 + Draw(3));
  const bool hold = truth_.held().count(source) == 0;
  const std::string call = absl::StrCat(hold ? "hold " : "release ", source);
  Note(call);
  Truth after = truth_;
  after.Hold(source, hold);
  v1::HoldLinksRequest to_hold;
  v1::ReleaseLinksRequest to_release;
  to_hold.set_source(source);
  to_release.set_source(source);
  const absl::Status status =
      hold ? api_->client->HoldLinks(to_hold).status() : api_->client->ReleaseLinks(to_release).status();
  Settle(status, call, &after);
}

void Keeper::RemoveLinks() {
  v1::RemoveLinksRequest request;
  request.set_source(absl::StrCat(name_, "-source-", 1 + Draw(3)));
  const std::string call = absl::StrCat("remove links of ", request.source());
  Note(call);
  Truth after = truth_;
  after.RemoveLinks(request.source());
  Settle(api_->client->RemoveLinks(request).status(), call, &after);
}

void Keeper::Update() {
  if (truth_.items().empty()) return;
  TrueItem item = *truth_.items().at(SomeItem());
  v1::UpdateMetadataRequest request;
  request.set_item_id(item.item_id);
  if (Draw(2) == 0) {
    item.color = kColors[Draw(std::size(kColors))];
    if (item.color.empty()) {
      request.add_remove("color");
    } else {
      (*request.mutable_set())["color"].set_text(item.color);
    }
  }
  if (Draw(2) == 0) {
    item.rank = static_cast<double>(Draw(100));
    (*request.mutable_set())["rank"].set_number(item.rank);
  }
  if (Draw(4) == 0) {
    item.name = absl::StrCat(name_, "-", item.number, "-", Draw(1000));
    request.set_name(item.name);
  }
  if (Draw(4) == 0) {
    item.source = SomeSource();
    request.set_source(item.source);
  }
  const std::string call = absl::StrCat("update item ", item.item_id);
  Note(call);
  Truth after = truth_;
  after.PutItem(item);
  Settle(api_->client->UpdateMetadata(request).status(), call, &after);
}

// Reads.

void Keeper::Get() {
  if (truth_.items().empty()) return;
  const TrueItem item = *truth_.items().at(SomeItem());
  const std::string call = absl::StrCat("get item ", item.item_id);
  Note(call);
  const auto got = api_->Get(item.item_id, /*vectors=*/true);
  if (!Settle(got.status(), call, nullptr)) return;
  const std::string difference = Difference(truth_, item, *got);
  if (!difference.empty()) Wrong(absl::StrCat(call, ": ", difference));
  for (const v1::Part& part : got->parts()) {
    if (part.vector_size() != 512) Wrong(absl::StrCat(call, ": a part has no vector"));
  }
}

void Keeper::Download() {
  if (truth_.items().empty()) return;
  const TrueItem item = *truth_.items().at(SomeItem());
  const uint64_t offset = Draw(2) == 0 ? 0 : Draw(item.size);
  const uint64_t length = Draw(2) == 0 ? 0 : 1 + Draw(item.size - offset);
  const std::string call = absl::StrCat("download item ", item.item_id, " from ", offset, ", ", length, " bytes");
  Note(call);
  const auto bytes = api_->Download(item.item_id, offset, length);
  if (!Settle(bytes.status(), call, nullptr)) return;
  const std::string content = ContentOf(name_, item.number);
  if (*bytes != content.substr(offset, length == 0 ? std::string::npos : length)) Wrong(call + ": other bytes");
}

void Keeper::List() {
  const Condition condition = RandomCondition(truth_, [this](uint64_t below) { return Draw(below); });
  Note("list");
  const auto items = api_->ListAll(condition.filter, 1 + static_cast<int>(Draw(200)));
  if (!Settle(items.status(), "list", nullptr)) return;
  std::set<uint64_t> wanted, got;
  for (const auto& [number, item] : truth_.items()) {
    if (condition.holds(*item)) wanted.insert(item->item_id);
  }
  for (const v1::Item& item : *items) got.insert(item.item_id());
  if (wanted != got || got.size() != items->size()) {
    Wrong(absl::StrCat("list by ", condition.filter.ShortDebugString(), ": got ", items->size(), " items, should be ",
                       wanted.size()));
  }
}

// Of a search with this condition: living items that meet it, as they are, and as many as there are.
std::string Keeper::CheckHits(const absl::StatusOr<v1::SearchResponse>& response, const Condition& condition,
                              int64_t k) {
  std::map<uint64_t, const TrueItem*> matching;
  for (const auto& [number, item] : truth_.items()) {
    if (condition.holds(*item)) matching[item->item_id] = item.get();
  }
  for (const v1::Hit& hit : response->hits()) {
    const auto found = matching.find(hit.item().item_id());
    if (found == matching.end()) return absl::StrCat("item ", hit.item().item_id(), " should not be a hit");
    const std::string difference = Difference(truth_, *found->second, hit.item());
    if (!difference.empty()) return difference;
    if (hit.generation() != response->generation()) return "hits are of several generations";
  }
  const auto wanted = std::min<int64_t>(k, static_cast<int64_t>(matching.size()));
  if (response->hits_size() != wanted) return absl::StrCat("got ", response->hits_size(), " hits, should be ", wanted);
  return "";
}

void Keeper::Search() {
  const Condition condition = RandomCondition(truth_, [this](uint64_t below) { return Draw(below); });
  v1::SearchRequest request = ByText(ContentOf("nobody", Draw(100000) * 713 + 1).substr(0, 60), 1 + Draw(20));
  *request.mutable_filter() = condition.filter;
  Note("search by words");
  const auto response = api_->Search(request);
  if (!Settle(response.status(), "search by words", nullptr)) return;
  const std::string wrong = CheckHits(response, condition, request.k());
  if (!wrong.empty()) Wrong(absl::StrCat("search by words with ", condition.filter.ShortDebugString(), ": ", wrong));
}

void Keeper::SearchByOwnText() {
  if (truth_.items().empty()) return;
  const TrueItem item = *truth_.items().at(SomeItem());
  const std::string content = ContentOf(name_, item.number);
  const bool owned = Draw(2) == 0;
  const Condition condition = owned ? OwnedBy(name_) : Condition{{}, [](const TrueItem&) { return true; }};
  v1::SearchRequest request = content[0] == 'N' ? ByText(content, kHits) : ByContent(content, kHits);
  *request.mutable_filter() = condition.filter;
  const std::string call = absl::StrCat("search by the content of item ", item.item_id, owned ? ", among its own" : "");
  Note(call);
  const auto response = api_->Search(request);
  if (!Settle(response.status(), call, nullptr)) return;
  const std::string wrong = owned ? CheckHits(response, condition, kHits) : "";
  if (!wrong.empty()) Wrong(absl::StrCat(call, ": ", wrong));
  for (const v1::Hit& hit : response->hits()) {
    if (std::find(gone_.begin(), gone_.end(), hit.item().item_id()) != gone_.end()) {
      Wrong(absl::StrCat(call, ": found the deleted item ", hit.item().item_id()));
    }
  }
  if (!options_.exact) return;
  const bool found = std::any_of(response->hits().begin(), response->hits().end(), [&](const v1::Hit& hit) {
    return hit.item().item_id() == item.item_id && hit.score() >= kSame;
  });
  if (!found) {
    Wrong(absl::StrCat(call, ": it is not among the first ", kHits, " with a score of ", kSame,
                       " or more; the first has ", response->hits_size() > 0 ? response->hits(0).score() : -1.0f));
  }
}

void Keeper::AskForDeleted() {
  if (gone_.empty()) return;
  const uint64_t item_id = gone_[Draw(gone_.size())];
  Note(absl::StrCat("ask for the deleted item ", item_id));
  for (const absl::Status& status :
       {api_->Get(item_id).status(), api_->Download(item_id).status(), api_->Delete(item_id),
        api_->Search(ByItem(item_id)).status()}) {
    if (absl::IsNotFound(status)) continue;
    Settle(status.ok() ? absl::InternalError("it is there") : status, absl::StrCat("deleted item ", item_id), nullptr);
    return;
  }
}

void Keeper::Steer() {
  v1::ReindexRequest reindex;
  absl::Status status;
  std::string call;
  switch (Draw(8)) {
    case 0:
    case 1:
      call = "pause learning";
      status = api_->client->PauseLearning().status();
      break;
    case 2:
    case 3:
    case 4:
      call = "resume learning";
      status = api_->client->ResumeLearning().status();
      break;
    case 5:
    case 6:
      reindex.set_from_content(Draw(4) == 0);
      call = absl::StrCat("reindex", reindex.from_content() ? " from content" : "");
      status = api_->client->Reindex(reindex).status();
      break;
    default:
      call = "roll back";
      const auto history = api_->client->LearningHistory();
      status = history.status();
      if (history.ok() && history->trunks_size() > 0) {
        const uint64_t trunk = history->trunks(static_cast<int>(Draw(history->trunks_size()))).trunk();
        status = api_->client->RollBack(Draw(2) == 0 ? 0 : trunk).status();
      }
  }
  Note(call);
  // Learning is off; another reindex runs; that trunk was never published.
  if (absl::IsFailedPrecondition(status) || absl::IsNotFound(status)) return;
  Settle(status, call, nullptr);
}

// The run.

void Keeper::Step() {
  const uint64_t crowd = truth_.items().size() > options_.items ? 30 : 8;
  using Kind = void (Keeper::*)();
  const std::pair<uint64_t, Kind> kinds[] = {
      {28, &Keeper::Upload}, {2, &Keeper::UploadAgain},      {4, &Keeper::UploadInPieces}, {crowd, &Keeper::Delete},
      {9, &Keeper::Link},    {2, &Keeper::LinkAgain},        {4, &Keeper::Unlink},         {3, &Keeper::Correct},
      {1, &Keeper::Hold},    {10, &Keeper::Update},          {6, &Keeper::Get},            {6, &Keeper::Download},
      {3, &Keeper::List},    {9, &Keeper::SearchByOwnText},  {6, &Keeper::Search},         {2, &Keeper::AskForDeleted},
  };
  if (Draw(400) == 0) return RemoveLinks();
  if (options_.steers && Draw(150) == 0) return Steer();
  uint64_t all = 0;
  for (const auto& [weight, kind] : kinds) all += weight;
  uint64_t at = Draw(all);
  for (const auto& [weight, kind] : kinds) {
    if (at < weight) return (this->*kind)();
    at -= weight;
  }
}

void Keeper::Work(std::atomic<int64_t>& calls, bool until_gone) {
  while (!gone_away_ && !findings_.some()) {
    if (calls-- <= 0 && !until_gone) return;
    Step();
  }
}

absl::StatusOr<Observed> Keeper::Observe() {
  Observed observed;
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<v1::Item> items, api_->ListAll(OwnedBy(name_).filter, 1000));
  for (const v1::Item& item : items) {
    const auto number = static_cast<uint64_t>(item.metadata().at(kNumberKey).number());
    if (!observed.items.emplace(number, item).second) {
      return absl::DataLossError(absl::StrCat("number ", number, " of ", name_, " is stored twice"));
    }
  }
  v1::EventServiceListRequest request;
  request.set_page_size(1000);
  request.set_page_token(name_ + "-");  // Ids are in byte order.
  do {
    MIXMATCH_ASSIGN_OR_RETURN(const auto page, api_->client->ListEvents(request));
    for (const v1::Event& event : page.events()) {
      if (event.event_id().rfind(name_ + "-", 0) == 0) observed.events[event.event_id()] = event;
    }
    request.set_page_token(page.next_page_token());
  } while (request.page_token().rfind(name_ + "-", 0) == 0);
  for (const auto& [event_id, event] : observed.events) {
    v1::ListLinksRequest of_event;
    of_event.set_event_id(event_id);
    MIXMATCH_ASSIGN_OR_RETURN(const auto links, api_->client->ListLinks(of_event));
    observed.links[event_id].assign(links.links().begin(), links.links().end());
  }
  // Releasing what was never held changes nothing and tells what is.
  v1::ReleaseLinksRequest nothing;
  nothing.set_source(name_ + "-nothing");
  MIXMATCH_ASSIGN_OR_RETURN(const auto holds, api_->client->ReleaseLinks(nothing));
  for (const std::string& source : holds.sources()) {
    if (source.rfind(name_ + "-", 0) == 0) observed.held.insert(source);
  }
  return observed;
}

// Takes over the ids of items that the server stored without an answer.
void Keeper::Adopt(const Observed& observed) {
  for (const auto& [number, found] : observed.items) {
    TrueItem item = *truth_.items().at(number);
    if (item.item_id != 0) continue;
    item.item_id = found.item_id();
    answered_[item.request_id] = item.item_id;
    truth_.PutItem(item);
  }
}

void Keeper::Meet(const std::string& address, bool exact) {
  api_ = std::make_unique<Api>(address);
  options_.exact = exact;
  gone_away_ = false;
  Note("a server starts");
  if (!maybe_.has_value()) return;
  const Truth after = *std::exchange(maybe_, std::nullopt);
  const auto observed = Observe();
  if (!observed.ok()) return Wrong(absl::StrCat("asking what became of the last call: ", observed.status().ToString()));
  const std::string undone = Difference(truth_, *observed);
  if (undone.empty()) return;
  const std::string done = Difference(after, *observed);
  if (!done.empty()) {
    return Wrong(absl::StrCat("the last call was made neither wholly nor not at all.\n  Not at all: ", undone,
                              "\n  Wholly: ", done));
  }
  for (const auto& [number, item] : truth_.items()) {
    if (after.items().count(number) == 0) gone_.push_back(item->item_id);
  }
  truth_ = after;
  Adopt(*observed);
}

void Keeper::CheckAll(bool bytes) {
  const auto observed = Observe();
  if (!observed.ok()) return Wrong(absl::StrCat("reading everything: ", observed.status().ToString()));
  const std::string difference = Difference(truth_, *observed);
  if (!difference.empty()) return Wrong(difference);
  size_t asked = 0;
  for (const auto& [number, item] : truth_.items()) {
    if (!bytes && Draw(truth_.items().size()) >= kAskedBack) continue;
    const auto content = api_->Download(item->item_id);
    if (!content.ok() || *content != ContentOf(name_, number)) {
      return Wrong(absl::StrCat("the content of item ", item->item_id, " is not there: ", content.status().ToString()));
    }
  }
  for (auto item_id = gone_.rbegin(); item_id != gone_.rend() && (bytes || asked < kAskedBack); ++item_id, ++asked) {
    if (!absl::IsNotFound(api_->Get(*item_id).status()) || !absl::IsNotFound(api_->Download(*item_id).status())) {
      return Wrong(absl::StrCat("the deleted item ", *item_id, " is there"));
    }
  }
}

}  // namespace mixmatch
