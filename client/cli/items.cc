// get, ls, rm and items update.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/paging.h"
#include "client/cli/observed.h"
#include "client/cpp/where.h"

namespace mixmatch::client {
namespace {

std::string Time(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string Events(const v1::Item& item) {
  std::string text;
  for (const std::string& id : item.event_ids()) absl::StrAppend(&text, text.empty() ? "" : ", ", id);
  return text;
}

void PrintItem(Session& session, const v1::Item& item) {
  Table table({"item", absl::StrCat(item.item_id())});
  table.Add({"name", item.name()});
  table.Add({"modality", ModalityName(item.modality())});
  table.Add({"media type", item.media_type()});
  table.Add({"size", Bytes(item.size_bytes())});
  if (item.has_duration()) table.Add({"duration", absl::StrCat(item.duration().seconds(), " s")});
  table.Add({"source", item.source()});
  table.Add({"metadata", MetadataText(item)});
  table.Add({"events", Events(item)});
  if (item.has_observed_time()) table.Add({"observed", Time(item.observed_time())});
  table.Add({"stored", Time(item.created_time())});
  table.Add({"parts", absl::StrCat(item.part_count())});
  table.Print(session.out(), session.terminal().color);
  if (item.parts().empty()) return;
  session.out() << "\n";
  Table parts({"part", "modality", "what"});
  for (const v1::Part& part : item.parts()) {
    parts.Add({absl::StrCat(part.part_id()), ModalityName(part.modality()), PartText(part)});
  }
  parts.Print(session.out(), session.terminal().color);
}

struct GetOptions {
  std::vector<uint64_t> ids;
  bool parts = false;
  bool vectors = false;
};

int Get(Session& session, const GetOptions& options) {
  int code = kOk;
  for (const uint64_t id : options.ids) {
    const auto item = session.client().Get(id, options.parts, options.vectors);
    if (!item.ok()) {
      code = options.ids.size() == 1 ? session.Fail(item.status()) : (session.Fail(item.status()), kSomeFailed);
    } else if (session.json) {
      session.out() << Json(*item) << "\n";
    } else {
      PrintItem(session, *item);
    }
  }
  return code;
}

int Remove(Session& session, const std::vector<uint64_t>& ids) {
  int code = kOk;
  for (const uint64_t id : ids) {
    const absl::Status status = session.client().Delete(id);
    if (!status.ok()) {
      code = ids.size() == 1 ? session.Fail(status) : (session.Fail(status), kSomeFailed);
    } else if (session.json) {
      session.out() << "{\"item_id\":\"" << id << "\",\"deleted\":true}\n";
    } else {
      session.out() << "deleted " << id << "\n";
    }
  }
  return code;
}

struct ListOptions {
  std::string where;
  int64_t limit = 100;
};

int List(Session& session, const ListOptions& options) {
  v1::ItemServiceListRequest request;
  auto filter = ParseWhere(options.where);
  if (!filter.ok()) {
    session.err() << "mixmatch ls: " << filter.status().message() << "\n";
    return kUsage;
  }
  *request.mutable_filter() = *std::move(filter);
  return PrintPages(
      session, options.limit, request, Table({"item", "modality", "size", "name", "events", "metadata"}),
      [&](const auto& asked) { return session.client().List(asked); },
      [](const auto& page) -> const auto& { return page.items(); },
      [](const v1::Item& item) -> std::vector<std::string> {
        return {absl::StrCat(item.item_id()), ModalityName(item.modality()), Bytes(item.size_bytes()), item.name(),
                Events(item), MetadataText(item)};
      });
}

struct UpdateOptions {
  uint64_t id = 0;
  std::vector<std::string> set, remove;
  std::string name, source, time, location;
  bool has_name = false, has_source = false;
};

int Update(Session& session, const UpdateOptions& options) {
  v1::UpdateMetadataRequest request;
  request.set_item_id(options.id);
  for (const std::string& pair : options.set) {
    const std::pair<std::string, std::string> split = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (split.first.empty() || split.first.size() == pair.size()) {
      session.err() << "mixmatch items update: --meta: wanted KEY=VALUE, e.g. --meta lang=fr\n";
      return kUsage;
    }
    (*request.mutable_set())[split.first] = ParseValue(split.second);
  }
  for (const std::string& key : options.remove) request.add_remove(key);
  if (options.has_name) request.set_name(options.name);
  if (options.has_source) request.set_source(options.source);
  if (!options.time.empty() && !ParseTime(options.time, *request.mutable_observed_time())) {
    session.err() << "mixmatch items update: --observed-time: " << kTimeHint << "\n";
    return kUsage;
  }
  if (!options.location.empty() && !ParseLocation(options.location, *request.mutable_location())) {
    session.err() << "mixmatch items update: --location: " << kLocationHint << "\n";
    return kUsage;
  }
  const auto item = session.client().UpdateMetadata(request);
  if (!item.ok()) return session.Fail(item.status());
  if (session.json) {
    session.out() << Json(*item) << "\n";
  } else {
    PrintItem(session, *item);
  }
  return kOk;
}

void AddUpdate(CLI::App& app, Session& session) {
  CLI::App* items = app.add_subcommand("items", "Change what is said of items");
  items->require_subcommand(1);
  CLI::App* update = items->add_subcommand("update", "Change metadata, name, source, time or place of an item");
  const auto options = std::make_shared<UpdateOptions>();
  update->add_option("id", options->id, "The item")->required();
  update->add_option("-m,--meta", options->set, "KEY=VALUE to set")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  update->add_option("--remove-meta", options->remove, "KEY to remove")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  CLI::Option* name = update->add_option("--name", options->name, "A new name");
  CLI::Option* source = update->add_option("--source", options->source, "A new source");
  update->add_option("--observed-time", options->time, "When it happened, e.g. 2026-05-01T10:00:00Z");
  update->add_option("--location", options->location, "Where it happened: LATITUDE,LONGITUDE in degrees");
  const std::string examples =
      "Examples:\n  mixmatch items update 12 -m lang=fr --remove-meta draft\n"
      "  mixmatch items update 12 --observed-time 2026-05-01T10:00:00Z --location 47.3769,8.5417";
  items->footer(examples);
  update->footer("Events that the server formed by name, time or place are formed anew.\n\n" + examples);
  update->callback([&session, options, name, source] {
    options->has_name = name->count() > 0;
    options->has_source = source->count() > 0;
    session.action = [&session, options] { return Update(session, *options); };
  });
}

}  // namespace

void AddItems(CLI::App& app, Session& session) {
  CLI::App* get = app.add_subcommand("get", "Show items");
  const auto get_options = std::make_shared<GetOptions>();
  get->add_option("id", get_options->ids, "Item ids")->required();
  get->add_flag("--parts", get_options->parts, "With their parts");
  get->add_flag("--vectors", get_options->vectors, "With their parts' vectors; seen with --json");
  get->footer("Example:\n  mixmatch get 12 --parts");
  get->callback(
      [&session, get_options] { session.action = [&session, get_options] { return Get(session, *get_options); }; });

  CLI::App* ls = app.add_subcommand("ls", "List items");
  const auto list_options = std::make_shared<ListOptions>();
  ls->add_option("-w,--where", list_options->where, "Only items for which it is true, as in search");
  ls->add_option("-n,--limit", list_options->limit, "At most so many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  ls->footer("Examples:\n  mixmatch ls --where 'modality=video and year>=1990'\n  mixmatch --json ls -n 0");
  ls->callback(
      [&session, list_options] { session.action = [&session, list_options] { return List(session, *list_options); }; });

  CLI::App* rm = app.add_subcommand("rm", "Delete items, with what was learned from them");
  const auto ids = std::make_shared<std::vector<uint64_t>>();
  rm->add_option("id", *ids, "Item ids")->required();
  rm->footer("Example:\n  mixmatch rm 12 13");
  rm->callback([&session, ids] { session.action = [&session, ids] { return Remove(session, *ids); }; });
  AddUpdate(app, session);
}

}  // namespace mixmatch::client
