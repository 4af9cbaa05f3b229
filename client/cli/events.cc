// link, unlink and events.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

constexpr uint64_t kPartsPerItem = 65536;

// "12", "12:0.5", "part:786433", "part:786433:2": an item or part with a weight.
bool ParseMember(absl::string_view text, v1::EventMember& member) {
  std::vector<absl::string_view> fields = absl::StrSplit(text, ':');
  uint64_t id = 0;
  const bool part = fields[0] == "part";
  if (part) fields.erase(fields.begin());
  float weight = 1;
  if (fields.empty() || fields.size() > 2 || !absl::SimpleAtoi(fields[0], &id) || id == 0) return false;
  if (fields.size() == 2 && (!absl::SimpleAtof(fields[1], &weight) || !(weight > 0))) return false;
  member.set_item_id(part ? id / kPartsPerItem : id);
  if (part) member.set_part_id(id);
  member.set_weight(weight);
  return true;
}

struct LinkOptions {
  std::string event;
  std::vector<std::string> members;
  bool all = false;
};

template <typename Request>
bool AddMembers(Session& session, const LinkOptions& options, Request& request) {
  for (const std::string& text : options.members) {
    if (ParseMember(text, *request.add_members())) continue;
    session.err() << "mixmatch: a member is an item id or part:PART_ID, with :WEIGHT behind if it is not 1; got "
                  << Printable(text) << "\n";
    return false;
  }
  return true;
}

std::string MembersText(const v1::Event& event) {
  std::string text;
  for (const v1::EventMember& member : event.members()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", member.part_id() != 0 ? "part:" : "",
                    member.part_id() != 0 ? member.part_id() : member.item_id());
    if (member.weight() != 1 && member.weight() != 0) absl::StrAppend(&text, ":", member.weight());
  }
  return text;
}

int Print(Session& session, const absl::StatusOr<v1::Event>& event) {
  if (!event.ok()) return session.Fail(event.status());
  if (session.json) {
    session.out() << Json(*event) << "\n";
  } else {
    session.out() << Printable(event->event_id()) << ": "
                  << (event->members().empty() ? "no members, removed" : MembersText(*event)) << "\n";
  }
  return kOk;
}

int Link(Session& session, const LinkOptions& options) {
  v1::LinkRequest request;
  request.set_event_id(options.event);
  if (!AddMembers(session, options, request)) return kUsage;
  return Print(session, session.client().Link(request));
}

int Unlink(Session& session, const LinkOptions& options) {
  v1::UnlinkRequest request;
  request.set_event_id(options.event);
  if (!AddMembers(session, options, request)) return kUsage;
  if (options.all != options.members.empty()) {
    session.err() << "mixmatch unlink: name the members to take out, or --all to undo the whole event\n";
    return kUsage;
  }
  return Print(session, session.client().Unlink(request));
}

struct EventsOptions {
  std::string id;
  uint64_t item = 0;
  int64_t limit = 100;
};

int Events(Session& session, const EventsOptions& options) {
  if (!options.id.empty()) return Print(session, session.client().GetEvent(options.id));
  v1::EventServiceListRequest request;
  request.set_item_id(options.item);
  Table table({"event", "kind", "members"});
  bool more = true;
  for (int64_t left = options.limit; more && (left > 0 || options.limit == 0);) {
    request.set_page_size(static_cast<int32_t>(options.limit == 0 ? 1000 : std::min<int64_t>(left, 1000)));
    const auto page = session.client().ListEvents(request);
    if (!page.ok()) return session.Fail(page.status());
    for (const v1::Event& event : page->events()) {
      if (session.json) {
        session.out() << Json(event) << "\n";
      } else {
        table.Add({event.event_id(), event.kind() == v1::EVENT_KIND_CONTAINER ? "container" : "declared",
                   MembersText(event)});
      }
    }
    left -= page->events_size();
    more = !page->next_page_token().empty();
    request.set_page_token(page->next_page_token());
  }
  if (session.json) return kOk;
  table.Print(session.out(), session.terminal().color);
  if (more) session.err() << "There are more; -n 0 lists all.\n";
  return kOk;
}

}  // namespace

void AddEvents(CLI::App& app, Session& session) {
  CLI::App* link = app.add_subcommand("link", "Declare that items occurred together");
  const auto link_options = std::make_shared<LinkOptions>();
  link->add_option("-e,--event", link_options->event, "The event's id; default: a new one");
  link->add_option("member", link_options->members, "Item ids or part:PART_ID, with :WEIGHT if not 1")->required();
  link->footer("Examples:\n  mixmatch link 12 13\n  mixmatch link --event storm 12:0.5 part:786433");
  link->callback(
      [&session, link_options] { session.action = [&session, link_options] { return Link(session, *link_options); }; });

  CLI::App* unlink = app.add_subcommand("unlink", "Undo a link, with what was learned from it");
  const auto unlink_options = std::make_shared<LinkOptions>();
  unlink->add_option("event", unlink_options->event, "The event's id")->required();
  unlink->add_option("member", unlink_options->members, "Members to take out");
  unlink->add_flag("--all", unlink_options->all, "Undo the whole event");
  unlink->footer("Examples:\n  mixmatch unlink storm 12\n  mixmatch unlink storm --all");
  unlink->callback([&session, unlink_options] {
    session.action = [&session, unlink_options] { return Unlink(session, *unlink_options); };
  });

  CLI::App* events = app.add_subcommand("events", "List events, or show one");
  const auto events_options = std::make_shared<EventsOptions>();
  events->add_option("event", events_options->id, "Show this event");
  events->add_option("--item", events_options->item, "Only events of this item");
  events->add_option("-n,--limit", events_options->limit, "At most so many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  events->footer("Examples:\n  mixmatch events --item 12\n  mixmatch events storm");
  events->callback([&session, events_options] {
    session.action = [&session, events_options] { return Events(session, *events_options); };
  });
}

}  // namespace mixmatch::client
