// mixmatch get, download, ls, rm.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"
#include "client/cpp/where.h"

namespace mixmatch::client {
namespace {

std::string Show(const v1::MetadataValue& value) {
  switch (value.kind_case()) {
    case v1::MetadataValue::kText:
      return value.text();
    case v1::MetadataValue::kNumber:
      return absl::StrCat(value.number());
    default:
      return value.flag() ? "true" : "false";
  }
}

std::string Show(const google::protobuf::Map<std::string, v1::MetadataValue>& metadata) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : metadata) pairs.push_back(absl::StrCat(key, "=", Show(value)));
  std::sort(pairs.begin(), pairs.end());
  return absl::StrJoin(pairs, " ");
}

std::vector<std::string> Row(const v1::Item& item) {
  return {absl::StrCat(item.item_id()), ModalityName(item.modality()), HumanBytes(item.size_bytes()), item.name(),
          absl::StrJoin(item.event_ids(), ","), Show(item.metadata())};
}

const std::vector<std::string>& Header() {
  static const auto* const header = new std::vector<std::string>{"ITEM", "MODALITY", "SIZE", "NAME", "EVENTS", "METADATA"};
  return *header;
}

void Get(Context& context, uint64_t item_id, bool parts, bool vectors) {
  const auto item = context.client().Get(item_id, parts, vectors);
  if (!item.ok()) {
    context.exit_code = Fail(context, absl::StrCat("get ", item_id), item.status());
  } else if (context.json || vectors) {
    PrintJson(*item);
  } else {
    PrintTable(Header(), {Row(*item)});
    std::vector<std::vector<std::string>> rows;
    for (const v1::Part& part : item->parts()) {
      rows.push_back({absl::StrCat(part.part_id()), ModalityName(part.modality()),
                      absl::StrFormat("%.2f-%.2f s", part.start_seconds(), part.end_seconds()), part.snippet()});
    }
    if (!rows.empty()) PrintTable({"PART", "MODALITY", "TIME", "TEXT"}, rows);
  }
}

void Download(Context& context, uint64_t item_id, const std::string& out) {
  v1::DownloadRequest request;
  request.set_item_id(item_id);
  std::ofstream file;
  if (!out.empty() && out != "-") file.open(out, std::ios::binary);
  std::ostream& stream = file.is_open() ? file : std::cout;
  absl::Status status = context.client().Download(request, [&](absl::string_view piece) {
    stream.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  });
  stream.flush();
  if (status.ok() && ((!out.empty() && out != "-" && !file.is_open()) || !stream)) {
    status = absl::InternalError(absl::StrCat("cannot write ", out));
  }
  if (!status.ok()) context.exit_code = Fail(context, absl::StrCat("download ", item_id), status);
}

void List(Context& context, const std::string& where, int most) {
  v1::ItemServiceListRequest request;
  const auto filter = ParseWhere(where);
  if (!filter.ok()) {
    Fail(context, "ls", filter.status());
    context.exit_code = kUsage;
    return;
  }
  *request.mutable_filter() = *filter;
  std::vector<std::vector<std::string>> rows;
  int left = most;
  do {
    request.set_page_size(std::min(left, 1000));
    const auto page = context.client().List(request);
    if (!page.ok()) {
      context.exit_code = Fail(context, "ls", page.status());
      return;
    }
    for (const v1::Item& item : page->items()) {
      if (context.json) {
        PrintJson(item);
      } else {
        rows.push_back(Row(item));
      }
    }
    left -= page->items_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && left > 0);
  if (!context.json) PrintTable(Header(), rows);
  if (!request.page_token().empty()) std::fprintf(stderr, "(there are more: --most N)\n");
}

void Remove(Context& context, const std::vector<uint64_t>& item_ids) {
  for (uint64_t item_id : item_ids) {
    const absl::Status status = context.client().Delete(item_id);
    if (!status.ok()) {
      const int code = Fail(context, absl::StrCat("rm ", item_id), status);
      context.exit_code = item_ids.size() == 1 ? code : kSomeFailed;
    }
  }
}

}  // namespace

void AddItemCommands(CLI::App& app, Context& context) {
  struct Options {
    uint64_t item_id = 0;
    std::vector<uint64_t> item_ids;
    bool parts = false, vectors = false;
    std::string out, where;
    int most = 100;
  };
  auto options = std::make_shared<Options>();

  CLI::App* get = app.add_subcommand("get", "Show one item");
  get->add_option("item", options->item_id, "Item id")->required();
  get->add_flag("--parts", options->parts, "Its parts too");
  get->add_flag("--vectors", options->vectors, "Their vectors too (JSON)");
  get->footer("Example:\n  mixmatch get 12 --parts");
  get->callback([&context, options] { Get(context, options->item_id, options->parts, options->vectors); });

  CLI::App* download = app.add_subcommand("download", "Write an item's content to a file or standard output");
  download->add_option("item", options->item_id, "Item id")->required();
  download->add_option("-o,--out", options->out, "File; default: standard output");
  download->footer("Example:\n  mixmatch download 12 -o crow.ogg");
  download->callback([&context, options] { Download(context, options->item_id, options->out); });

  CLI::App* ls = app.add_subcommand("ls", "List items");
  ls->add_option("--where", options->where, "Only those for which it is true, e.g. \"lang=fr and modality=audio\"");
  ls->add_option("--most", options->most, "At most so many")->check(CLI::PositiveNumber)->capture_default_str();
  ls->footer("Examples:\n  mixmatch ls --where 'modality=video and duration>=2'\n  mixmatch ls --json --most 100000");
  ls->callback([&context, options] { List(context, options->where, options->most); });

  CLI::App* rm = app.add_subcommand("rm", "Delete items, with what was learned from them");
  rm->add_option("items", options->item_ids, "Item ids")->required();
  rm->footer("Example:\n  mixmatch rm 12 13");
  rm->callback([&context, options] { Remove(context, options->item_ids); });
}

}  // namespace mixmatch::client
