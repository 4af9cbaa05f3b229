// mixmatch link, unlink, events.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"

namespace mixmatch::client {
namespace {

std::vector<std::string> Row(const v1::Event& event) {
  std::vector<std::string> members;
  for (const v1::EventMember& member : event.members()) {
    members.push_back(member.part_id() == 0 ? absl::StrCat(member.item_id())
                                            : absl::StrCat(member.item_id(), "/", member.part_id() & 0xFFFF));
  }
  return {event.event_id(), event.kind() == v1::EVENT_KIND_CONTAINER ? "container" : "declared",
          absl::StrJoin(members, " ")};
}

void Print(Context& context, const absl::StatusOr<v1::Event>& event, absl::string_view what) {
  if (!event.ok()) {
    context.exit_code = Fail(context, what, event.status());
  } else if (context.json) {
    PrintJson(*event);
  } else {
    PrintTable({"EVENT", "KIND", "MEMBERS"}, {Row(*event)});
  }
}

void List(Context& context, uint64_t item_id) {
  v1::EventServiceListRequest request;
  request.set_item_id(item_id);
  request.set_page_size(1000);
  std::vector<std::vector<std::string>> rows;
  do {
    const auto page = context.client().ListEvents(request);
    if (!page.ok()) {
      context.exit_code = Fail(context, "events", page.status());
      return;
    }
    for (const v1::Event& event : page->events()) {
      if (context.json) {
        PrintJson(event);
      } else {
        rows.push_back(Row(event));
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!context.json) PrintTable({"EVENT", "KIND", "MEMBERS"}, rows);
}

}  // namespace

void AddEventCommands(CLI::App& app, Context& context) {
  struct Options {
    std::vector<uint64_t> items;
    std::string event;
    float weight = 1.0f;
    uint64_t item = 0;
  };
  auto options = std::make_shared<Options>();

  CLI::App* link = app.add_subcommand("link", "Say that items occurred together");
  link->add_option("items", options->items, "Item ids")->required();
  link->add_option("--event", options->event, "Add to this event; default: a new one");
  link->add_option("--weight", options->weight, "How strongly, over 0 and up to 100")->capture_default_str();
  link->footer("Examples:\n  mixmatch link 12 15\n  mixmatch link 16 --event crow");
  link->callback([&context, options] {
    v1::LinkRequest request;
    request.set_event_id(options->event);
    for (uint64_t item : options->items) {
      v1::EventMember& member = *request.add_members();
      member.set_item_id(item);
      member.set_weight(options->weight);
    }
    Print(context, context.client().Link(request), "link");
  });

  CLI::App* unlink = app.add_subcommand("unlink", "Undo an event, or take items out of it");
  unlink->add_option("event", options->event, "Event id")->required();
  unlink->add_option("items", options->items, "Item ids; default: all");
  unlink->footer("Examples:\n  mixmatch unlink crow\n  mixmatch unlink crow 16");
  unlink->callback([&context, options] {
    v1::UnlinkRequest request;
    request.set_event_id(options->event);
    for (uint64_t item : options->items) request.add_members()->set_item_id(item);
    Print(context, context.client().Unlink(request), "unlink");
  });

  CLI::App* events = app.add_subcommand("events", "List events");
  events->add_option("--item", options->item, "Only those of this item");
  events->footer("Example:\n  mixmatch events --item 12");
  events->callback([&context, options] { List(context, options->item); });
}

}  // namespace mixmatch::client
