// mixmatch search: by text, files, stored items, or a weighted mix of them.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"
#include "client/cli/html.h"
#include "client/cpp/where.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {
namespace {

constexpr size_t kMostInMessage = 4 << 20;
constexpr uint64_t kMostOnPage = 16 << 20;  // Bytes of one item embedded in a page.

struct SearchOptions {
  std::vector<std::string> texts, not_texts, files, not_files;  // Files of any modality.
  std::vector<uint64_t> items, not_items, parts;
  std::string targets, where, group = "item", html;
  int64_t k = 10;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// `large` takes the one file that may be too big for a message.
absl::Status AddFile(const std::string& path, float weight, v1::SearchRequest& request, std::string& large) {
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  if (bytes.size() > kMostInMessage) {
    if (!large.empty() || weight != 1.0f) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": only one positive file may be over 4 MiB; put it and use --item"));
    }
    large = std::move(bytes);
    return absl::OkStatus();
  }
  v1::QueryTerm& term = *request.add_query();
  term.set_weight(weight);
  term.mutable_content()->set_data(std::move(bytes));
  return absl::OkStatus();
}

absl::Status BuildRequest(const SearchOptions& options, v1::SearchRequest& request, std::string& large) {
  for (const auto& [texts, weight] : {std::make_pair(&options.texts, 1.0f), std::make_pair(&options.not_texts, -1.0f)}) {
    for (const std::string& text : *texts) {
      v1::QueryTerm& term = *request.add_query();
      term.set_weight(weight);
      term.mutable_content()->set_text(text);
    }
  }
  for (const std::string& path : options.files) MIXMATCH_RETURN_IF_ERROR(AddFile(path, 1.0f, request, large));
  for (const std::string& path : options.not_files) MIXMATCH_RETURN_IF_ERROR(AddFile(path, -1.0f, request, large));
  for (const auto& [items, weight] : {std::make_pair(&options.items, 1.0f), std::make_pair(&options.not_items, -1.0f)}) {
    for (uint64_t item : *items) {
      v1::QueryTerm& term = *request.add_query();
      term.set_weight(weight);
      term.set_item_id(item);
    }
  }
  for (uint64_t part : options.parts) request.add_query()->set_part_id(part);
  for (v1::Modality modality : ParseModalities(options.targets)) request.add_target_modalities(modality);
  MIXMATCH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseWhere(options.where));
  request.set_k(options.k);
  request.set_exclude_query_items(true);
  request.set_group_by(options.group == "event"  ? v1::GROUP_BY_EVENT
                       : options.group == "part" ? v1::GROUP_BY_PART
                                                 : v1::GROUP_BY_ITEM);
  return absl::OkStatus();
}

std::string Title(const SearchOptions& options) {
  std::vector<std::string> words = options.texts;
  words.insert(words.end(), options.files.begin(), options.files.end());
  for (uint64_t item : options.items) words.push_back(absl::StrCat("item ", item));
  return absl::StrJoin(words, " + ");
}

void PrintHits(const v1::SearchResponse& response) {
  std::vector<std::vector<std::string>> rows;
  for (const v1::Hit& hit : response.hits()) {
    const v1::Part& part = hit.part();
    const std::string time = part.end_seconds() > part.start_seconds()
                                 ? absl::StrFormat("%.1f-%.1f s", part.start_seconds(), part.end_seconds())
                                 : "";
    const std::string events = hit.event_id().empty() ? absl::StrJoin(hit.item().event_ids(), ",") : hit.event_id();
    rows.push_back({absl::StrFormat("%.3f", hit.score()), absl::StrCat(hit.item().item_id()),
                    ModalityName(part.modality()), time, hit.item().name(), events,
                    std::string(absl::string_view(part.snippet()).substr(0, 60))});
  }
  PrintTable({"SCORE", "ITEM", "MODALITY", "TIME", "NAME", "EVENT", "TEXT"}, rows);
}

absl::Status WritePage(Context& context, const SearchOptions& options, const v1::SearchResponse& response) {
  std::vector<PageHit> hits;
  for (const v1::Hit& hit : response.hits()) {
    PageHit page_hit{hit, ""};
    if (hit.item().size_bytes() <= kMostOnPage) {
      v1::DownloadRequest request;
      request.set_item_id(hit.item().item_id());
      const absl::Status status = context.client().Download(request, [&](absl::string_view piece) {
        page_hit.content.append(piece.data(), piece.size());
      });
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    hits.push_back(std::move(page_hit));
  }
  std::ofstream out(options.html, std::ios::binary);
  out << ResultPage(Title(options), hits);
  if (!out.flush()) return absl::InternalError(absl::StrCat("--html: cannot write ", options.html));
  std::fprintf(stderr, "wrote %s\n", options.html.c_str());
  return absl::OkStatus();
}

void Search(Context& context, const SearchOptions& options) {
  v1::SearchRequest request;
  std::string large;
  const absl::Status built = BuildRequest(options, request, large);
  if (!built.ok() || (request.query().empty() && large.empty())) {
    Fail(context, "search",
         built.ok() ? absl::InvalidArgumentError("say what to look for: --text, --file, --item, ...; see search --help")
                    : built);
    context.exit_code = kUsage;
    return;
  }
  const auto response = context.client().Search(request, large);
  if (!response.ok()) {
    context.exit_code = Fail(context, "search", response.status());
    return;
  }
  if (context.json) {
    for (const v1::Hit& hit : response->hits()) PrintJson(hit);
  } else if (options.html.empty() || IsTerminal(1)) {
    PrintHits(*response);
  }
  if (options.html.empty()) return;
  const absl::Status written = WritePage(context, options, *response);
  if (!written.ok()) context.exit_code = Fail(context, "search", written);
}

}  // namespace

void AddSearch(CLI::App& app, Context& context) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* search = app.add_subcommand("search", "Find by text, picture, sound, video, stored items, or a mix");
  search->add_option("--text", options->texts, "Words");
  search->add_option("--image,--audio,--video,--file", options->files, "A file; what it is, is seen from its content");
  search->add_option("--item", options->items, "A stored item");
  search->add_option("--part", options->parts, "A stored part");
  search->add_option("--not-text", options->not_texts, "Away from these words");
  search->add_option("--not-file", options->not_files, "Away from this file");
  search->add_option("--not-item", options->not_items, "Away from this item");
  search->add_option("--for", options->targets, "Only these: text,image,audio,video");
  search->add_option("--where", options->where, "Only items for which it is true, e.g. \"lang=fr and year>=1990\"");
  search->add_option("-k", options->k, "How many")->capture_default_str();
  search->add_option("--group", options->group, "One hit an item, event or part")
      ->check(CLI::IsMember({"item", "event", "part"}))
      ->capture_default_str();
  search->add_option("--html", options->html, "Write a result page with pictures and players");
  for (CLI::Option* option : search->get_options()) {
    if (option->get_expected_max() > 1) option->expected(1)->take_all();
  }
  search->footer(
      "Examples:\n"
      "  mixmatch search --audio splash.wav --for video\n"
      "  mixmatch search --text 'a crow' --for image,audio --html hits.html\n"
      "  mixmatch search --item 12 --not-item 40 --where 'modality=image and not kind=logo' -k 20 --json");
  search->callback([&context, options] { Search(context, *options); });
}

}  // namespace mixmatch::client
