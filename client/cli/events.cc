// link, unlink and events: links, correct, hold, release, remove.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/paging.h"

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

// "declared" of EVENT_KIND_DECLARED; "held" of LINK_STATE_HELD.
std::string KindName(v1::EventKind kind) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::EventKind_Name(kind), "EVENT_KIND_"));
}
std::string StateName(v1::LinkState state) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::LinkState_Name(state), "LINK_STATE_"));
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
  return PrintPages(
      session, options.limit, request, Table({"event", "kind", "members"}),
      [&](const auto& asked) { return session.client().ListEvents(asked); },
      [](const auto& page) -> const auto& { return page.events(); },
      [](const v1::Event& event) -> std::vector<std::string> {
        return {event.event_id(), KindName(event.kind()), MembersText(event)};
      });
}

struct LinksOptions {
  uint64_t item = 0;
  uint64_t part = 0;
  std::string event, kind, state, principal;
  std::string source;
  bool by_source = false;
  int64_t limit = 100;
};

bool FillNames(Session& session, const LinksOptions& options, v1::ListLinksRequest& request) {
  v1::EventKind kind = v1::EVENT_KIND_UNSPECIFIED;
  if (!options.kind.empty() && !v1::EventKind_Parse("EVENT_KIND_" + absl::AsciiStrToUpper(options.kind), &kind)) {
    session.err() << "mixmatch events links: --kind: wanted declared, container, caption, name, time, place, folder\n";
    return false;
  }
  v1::LinkState state = v1::LINK_STATE_UNSPECIFIED;
  if (!options.state.empty() && !v1::LinkState_Parse("LINK_STATE_" + absl::AsciiStrToUpper(options.state), &state)) {
    session.err() << "mixmatch events links: --state: wanted learned, undone, capped or held\n";
    return false;
  }
  request.set_kind(kind);
  request.set_state(state);
  return true;
}

std::vector<std::string> LinkCells(const v1::Link& link) {
  return {link.link_id(), KindName(link.kind()), StateName(link.state()), absl::StrFormat("%.3g", link.weight()),
          absl::StrJoin(link.item_ids(), " "), link.explanation()};
}

Table LinkTable() { return Table({"link", "kind", "state", "weight", "items", "why"}); }

int Links(Session& session, const LinksOptions& options) {
  v1::ListLinksRequest request;
  if (!FillNames(session, options, request)) return kUsage;
  request.set_item_id(options.item);
  request.set_part_id(options.part);
  request.set_event_id(options.event);
  request.set_principal(options.principal);
  if (options.by_source) request.set_source(options.source);
  return PrintPages(
      session, options.limit, request, LinkTable(), [&](const auto& asked) { return session.client().ListLinks(asked); },
      [](const auto& page) -> const auto& { return page.links(); }, LinkCells);
}

struct CorrectOptions {
  std::string link;
  double weight = 0.0;
  bool undo = false;
  bool restore = false;
};

int Correct(Session& session, const CorrectOptions& options) {
  v1::CorrectLinkRequest request;
  request.set_link_id(options.link);
  if ((options.weight != 0.0) + options.undo + options.restore != 1) {
    session.err() << "mixmatch events correct: wanted one of --weight (over 0, up to 100), --undo and --restore\n";
    return kUsage;
  }
  if (options.undo) {
    request.set_undo(true);
  } else if (options.restore) {
    request.set_restore(true);
  } else {
    request.set_weight(options.weight);
  }
  const auto response = session.client().CorrectLink(request);
  if (!response.ok()) return session.Fail(response.status());
  Table table = LinkTable();
  for (const v1::Link& link : response->links()) {
    if (session.json) session.out() << Json(link) << "\n";
    table.Add(LinkCells(link));
  }
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

struct WhoseOptions {
  std::string source, principal;
  bool by_source = false;
};

template <typename Request>
Request Whose(const WhoseOptions& options) {
  Request request;
  if (options.by_source) {
    request.set_source(options.source);
  } else {
    request.set_principal(options.principal);
  }
  return request;
}

template <typename Response>
int PrintHolds(Session& session, const absl::StatusOr<Response>& response) {
  if (!response.ok()) return session.Fail(response.status());
  if (session.json) {
    session.out() << Json(*response) << "\n";
    return kOk;
  }
  session.out() << response->events_changed() << " events looked at again\n";
  for (const std::string& name : response->sources()) session.out() << "held source: " << Printable(name) << "\n";
  for (const std::string& name : response->principals()) session.out() << "held principal: " << Printable(name) << "\n";
  return kOk;
}

int Remove(Session& session, const WhoseOptions& options) {
  const auto response = session.client().RemoveLinks(Whose<v1::RemoveLinksRequest>(options));
  if (!response.ok()) return session.Fail(response.status());
  if (session.json) {
    session.out() << Json(*response) << "\n";
  } else {
    session.out() << response->items() << " items teach nothing now; " << response->events_changed()
                  << " events changed\n";
  }
  return kOk;
}

void AddLinks(CLI::App& events, Session& session) {
  CLI::App* links = events.add_subcommand("links", "List what is learned as occurring together, and why");
  const auto options = std::make_shared<LinksOptions>();
  links->add_option("item", options->item, "Only links of this item");
  links->add_option("--part", options->part, "Only links of this part");
  links->add_option("--event", options->event, "Only links of this event");
  links->add_option("--kind", options->kind, "declared, container, caption, name, time, place or folder");
  links->add_option("--state", options->state, "learned, undone, capped or held");
  CLI::Option* source = links->add_option("--source", options->source, "Only links of items of this source");
  links->add_option("--principal", options->principal, "Only links on behalf of this principal");
  links->add_option("-n,--limit", options->limit, "At most so many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  links->footer(
      "Examples:\n  mixmatch events links 12\n  mixmatch events links --kind time --source cam-1\n"
      "  mixmatch events links --state capped -n 0");
  links->callback([&session, options, source] {
    options->by_source = source->count() > 0;
    session.action = [&session, options] { return Links(session, *options); };
  });
}

void AddCorrect(CLI::App& events, Session& session) {
  CLI::App* correct = events.add_subcommand("correct", "Change, undo or restore a link; learning follows at once");
  const auto options = std::make_shared<CorrectOptions>();
  correct->add_option("link", options->link, "The link, or an event's id for all links of it")->required();
  correct->add_option("--weight", options->weight, "Learn it with this weight; 1 is an ordinary declared event")
      ->check(CLI::Range(1e-9, 100.0));
  correct->add_flag("--undo", options->undo, "Learn nothing from it; it does not come back by itself");
  correct->add_flag("--restore", options->restore, "Forget corrections of it");
  correct->footer(
      "Examples:\n  mixmatch events correct formed:time:12-13#786432-851968 --undo\n"
      "  mixmatch events correct 'item:12#c4' --weight 5\n  mixmatch events correct formed:time:12-13 --restore");
  correct->callback(
      [&session, options] { session.action = [&session, options] { return Correct(session, *options); }; });
}

// A command that takes a source or a principal.
void AddWhose(CLI::App& events, Session& session, const std::string& name, const std::string& what,
              int (*run)(Session&, const WhoseOptions&)) {
  CLI::App* command = events.add_subcommand(name, what);
  const auto options = std::make_shared<WhoseOptions>();
  CLI::Option_group* group = command->add_option_group("Whose");
  CLI::Option* source = group->add_option("--source", options->source, "Items of this source; '' is of none stated");
  group->add_option("--principal", options->principal, "What came on behalf of this principal");
  group->require_option(1);
  command->footer("Example:\n  mixmatch events " + name + " --source cam-1");
  command->callback([&session, options, source, run] {
    options->by_source = source->count() > 0;
    session.action = [&session, options, run] { return run(session, *options); };
  });
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

  CLI::App* events = app.add_subcommand("events", "List events, or show one; see and correct what is learned of them");
  const auto events_options = std::make_shared<EventsOptions>();
  events->add_option("event", events_options->id, "Show this event");
  events->add_option("--item", events_options->item, "Only events of this item");
  events->add_option("-n,--limit", events_options->limit, "At most so many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  events->footer("Examples:\n  mixmatch events --item 12\n  mixmatch events storm\n  mixmatch events links 12");
  AddLinks(*events, session);
  AddCorrect(*events, session);
  AddWhose(*events, session, "hold", "Learn nothing from a source or principal, now and from now on",
           [](Session& s, const WhoseOptions& o) {
             return PrintHolds(s, s.client().HoldLinks(Whose<v1::HoldLinksRequest>(o)));
           });
  AddWhose(*events, session, "release", "Take a hold back, and learn what the cap of the source now allows",
           [](Session& s, const WhoseOptions& o) {
             return PrintHolds(s, s.client().ReleaseLinks(Whose<v1::ReleaseLinksRequest>(o)));
           });
  AddWhose(*events, session, "remove", "Unlearn for good what a source or principal brought; its items stay", &Remove);
  events->callback([&session, events, events_options] {
    if (!events->get_subcommands().empty()) return;
    session.action = [&session, events_options] { return Events(session, *events_options); };
  });
}

}  // namespace mixmatch::client
