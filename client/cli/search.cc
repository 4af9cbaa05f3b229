#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/cli/batch.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/html.h"
#include "client/cpp/where.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {
namespace {

constexpr size_t kInlineBytes = 3 * 1024 * 1024;  // Of one message; more is streamed.

// One term as it was typed.
struct TypedTerm {
  std::string kind;  // "text", "image", ..., "item", "part", "upload".
  std::string value;
  double weight = 1;
};

struct SearchOptions {
  std::vector<std::string> typed;  // Where the parser puts the terms' values, in no useful order.
  std::vector<TypedTerm> terms;
  std::string targets;
  std::string where;
  int64_t k = 10;
  std::string group = "item";
  bool exclude = false;
  bool vectors = false;
  std::string html;
  double html_mib = 8;
  std::string batch;
};

absl::StatusOr<std::string> ReadAll(Session& session, const std::string& path) {
  if (path == "-") return std::string((std::istreambuf_iterator<char>(session.in())), std::istreambuf_iterator<char>());
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(path)));
  if (bytes.empty()) return absl::InvalidArgumentError(absl::StrCat(Printable(path), " is empty"));
  return bytes;
}

// A request, what of it is streamed, and how the query is shown.
struct Query {
  v1::SearchRequest request;
  std::string large;
  std::vector<PageTerm> shown;
  std::vector<std::string> content_kinds;  // As typed, of each content term.
};

absl::Status AddTerm(Session& session, const TypedTerm& typed, Query& query) {
  PageTerm shown;
  shown.weight = typed.weight;
  shown.label = absl::StrCat(typed.kind, typed.kind == "text" ? "" : " ", typed.kind == "text" ? "" : typed.value);
  v1::QueryTerm term;
  term.set_weight(static_cast<float>(typed.weight));
  uint64_t id = 0;
  if (typed.kind == "item" || typed.kind == "part") {
    if (!absl::SimpleAtoi(typed.value, &id)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", typed.kind, ": wanted a number, as shown by search and get"));
    }
    typed.kind == "item" ? term.set_item_id(id) : term.set_part_id(id);
  } else if (typed.kind == "upload") {
    term.set_upload_request_id(typed.value);
  } else if (typed.kind == "text" && typed.value != "-") {
    term.mutable_content()->set_text(typed.value);
    shown.text = typed.value;
  } else {
    MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadAll(session, typed.value));
    if (bytes.size() > kInlineBytes) {
      if (!query.large.empty() || typed.weight != 1) {
        return absl::InvalidArgumentError(
            "one term of the query may be larger than 3 MiB, of weight 1; put the others first and use --item");
      }
      query.large = bytes;
    } else if (typed.kind == "text") {
      term.mutable_content()->set_text(bytes);
    } else {
      term.mutable_content()->set_data(bytes);
    }
    (typed.kind == "text" ? shown.text : shown.content) = std::move(bytes);
  }
  if (term.kind_case() != v1::QueryTerm::KIND_NOT_SET) *query.request.add_query() = std::move(term);
  if (typed.kind != "item" && typed.kind != "part" && typed.kind != "upload") query.content_kinds.push_back(typed.kind);
  query.shown.push_back(std::move(shown));
  return absl::OkStatus();
}

// All of a request but its terms.
absl::StatusOr<v1::SearchRequest> MakeFrame(const SearchOptions& options) {
  v1::SearchRequest request;
  for (const absl::string_view name : absl::StrSplit(options.targets, ',', absl::SkipEmpty())) {
    v1::Modality modality = v1::MODALITY_UNSPECIFIED;
    if (!ParseModality(name, modality)) {
      return absl::InvalidArgumentError("--for: wanted text, image, audio, video, document, table, series or score, with commas between");
    }
    if (modality != v1::MODALITY_UNSPECIFIED) request.add_target_modalities(modality);
  }
  MIXMATCH_ASSIGN_OR_RETURN(*request.mutable_filter(), ParseWhere(options.where));
  request.set_k(options.k);
  request.set_group_by(options.group == "event"  ? v1::GROUP_BY_EVENT
                       : options.group == "part" ? v1::GROUP_BY_PART
                                                 : v1::GROUP_BY_ITEM);
  request.set_exclude_query_items(options.exclude);
  request.set_include_vectors(options.vectors);
  return request;
}

absl::StatusOr<Query> MakeQuery(Session& session, const SearchOptions& options) {
  Query query;
  MIXMATCH_ASSIGN_OR_RETURN(query.request, MakeFrame(options));
  for (const TypedTerm& typed : options.terms) MIXMATCH_RETURN_IF_ERROR(AddTerm(session, typed, query));
  if (query.shown.empty()) {
    return absl::InvalidArgumentError(
        "nothing to search for; give --text, --image, --audio, --video, --file, --item, --part or --batch");
  }
  return query;
}

// Content found to be of another kind than was typed deserves a word.
void WarnOfKinds(Session& session, const Query& query, const v1::SearchResponse& response) {
  if (!query.large.empty()) return;  // It comes last, whatever was typed.
  for (size_t i = 0; i < query.content_kinds.size() && i < response.query_modalities_size(); ++i) {
    const std::string found = ModalityName(response.query_modalities(static_cast<int>(i)));
    if (query.content_kinds[i] == "file" || query.content_kinds[i] == found) continue;
    session.err() << "mixmatch search: what --" << query.content_kinds[i] << " names is " << found
                  << "; searched with that\n";
  }
}

std::vector<std::string> Titles(const std::string& group) {
  std::vector<std::string> titles = {"score", "item", "modality", "name", "part", "metadata"};
  if (group == "part") titles[1] = "part id";
  if (group == "event") titles.insert(titles.begin() + 1, "event");
  return titles;
}

std::vector<std::string> Row(const v1::Hit& hit, const std::string& group) {
  std::vector<std::string> row = {absl::StrFormat("%.4f", hit.score()),
                                  absl::StrCat(group == "part" ? hit.part().part_id() : hit.item().item_id()),
                                  ModalityName(hit.part().modality()),
                                  hit.item().name(),
                                  PartText(hit.part()),
                                  MetadataText(hit.item())};
  if (group == "event") row.insert(row.begin() + 1, hit.event_id());
  return row;
}

void PrintTable(Session& session, const v1::SearchResponse& response, const std::string& group) {
  Table table(Titles(group));
  for (const v1::Hit& hit : response.hits()) table.Add(Row(hit, group));
  if (response.hits().empty()) {
    session.out() << "nothing found\n";
  } else {
    table.Print(session.out(), session.terminal().color);
  }
}

absl::Status WritePage(Session& session, const SearchOptions& options, const Query& query,
                       const v1::SearchResponse& response) {
  const auto limit = static_cast<uint64_t>(options.html_mib * 1024 * 1024);
  Page page;
  page.response = response;
  page.query = query.shown;
  for (PageTerm& term : page.query) {
    if (term.content.size() > limit) term.content.clear();
  }
  std::map<uint64_t, PageHit> fetched;  // An item may be hit by several parts.
  for (const v1::Hit& hit : response.hits()) {
    const auto [known, fresh] = fetched.try_emplace(hit.item().item_id());
    if (fresh && hit.item().size_bytes() > limit) {
      known->second.note =
          absl::StrCat("Not embedded: ", Bytes(hit.item().size_bytes()),
                       " is more than --html-limit; fetch it with: mixmatch download ", hit.item().item_id());
    } else if (fresh && hit.item().modality() != v1::MODALITY_TEXT) {
      v1::DownloadRequest request;
      request.set_item_id(hit.item().item_id());
      std::string& content = known->second.content;
      const absl::Status status = session.client().Download(
          request, [&](absl::string_view piece) { content.append(piece.data(), piece.size()); });
      if (!status.ok()) {
        content.clear();
        known->second.note = absl::StrCat("Not embedded: ", status.message());
      } else if (SniffMedia(content).empty()) {
        known->second.note = "Not embedded: browsers do not play this format.";
      }
    }
    page.hits.push_back(known->second);
    page.hits.back().hit = hit;
  }
  std::ofstream file(options.html, std::ios::binary | std::ios::trunc);
  file << ResultPage(page);
  file.close();
  return file ? absl::OkStatus() : absl::InvalidArgumentError("--html: cannot write the file");
}

absl::StatusOr<std::vector<BatchQuery>> OpenBatch(Session& session, const SearchOptions& options) {
  if (!options.terms.empty()) {
    return absl::InvalidArgumentError("--batch: takes its queries from the file; leave out --text and the like");
  }
  MIXMATCH_ASSIGN_OR_RETURN(const v1::SearchRequest frame, MakeFrame(options));
  if (options.batch == "-") return ReadBatch(session.in(), frame);
  std::ifstream file(options.batch);
  if (!file.is_open()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(options.batch)));
  return ReadBatch(file, frame);
}

// JSON as answers come, or one table in the order of the file.
int SearchBatch(Session& session, const SearchOptions& options) {
  const auto queries = OpenBatch(session, options);
  if (!queries.ok()) {
    session.err() << "mixmatch search: " << queries.status().message() << "\n";
    return kUsage;
  }
  std::vector<v1::SearchRequest> requests;
  for (const BatchQuery& query : *queries) requests.push_back(query.request);
  std::vector<v1::SearchResponse> responses(requests.size());
  int code = kOk;
  const absl::Status status = session.client().BatchSearch(requests, [&](size_t place, auto response) {
    v1::BatchSearchResponse line;
    line.set_index(static_cast<uint32_t>(place));
    if (response.ok()) {
      *line.mutable_response() = *std::move(response);
      if (!session.json) responses[place] = std::move(*line.mutable_response());
    } else {
      code = kSomeFailed;
      line.mutable_error()->set_code(static_cast<int>(response.status().code()));
      line.mutable_error()->set_message(std::string(response.status().message()));
      session.err() << "mixmatch search: line " << (*queries)[place].line << ": "
                    << absl::StatusCodeToString(response.status().code()) << ": " << response.status().message()
                    << "\n";
    }
    if (session.json) session.out() << Json(line) << "\n";
  });
  if (!session.json) {
    std::vector<std::string> titles = Titles(options.group);
    titles.insert(titles.begin(), {"line", "query"});
    Table table(std::move(titles));
    for (size_t i = 0; i < responses.size(); ++i) {
      for (const v1::Hit& hit : responses[i].hits()) {
        std::vector<std::string> row = Row(hit, options.group);
        row.insert(row.begin(), {absl::StrCat((*queries)[i].line), (*queries)[i].shown});
        table.Add(std::move(row));
      }
    }
    table.Print(session.out(), session.terminal().color);
  }
  return status.ok() ? code : session.Fail(status);
}

int Search(Session& session, const SearchOptions& options) {
  if (!options.batch.empty()) return SearchBatch(session, options);
  const auto query = MakeQuery(session, options);
  if (!query.ok()) {
    session.err() << "mixmatch search: " << query.status().message() << "\n";
    return kUsage;
  }
  const auto response = session.client().Search(query->request, query->large);
  if (!response.ok()) return session.Fail(response.status());
  WarnOfKinds(session, *query, *response);
  if (session.json) {
    session.out() << Json(*response) << "\n";
  } else {
    PrintTable(session, *response, options.group);
  }
  if (options.html.empty()) return kOk;
  const absl::Status status = WritePage(session, options, *query, *response);
  if (!status.ok()) return session.Fail(status);
  if (!session.json) session.out() << "Wrote " << Printable(options.html) << "; open it in a browser.\n";
  return kOk;
}

// The terms in the order in which they were typed, each --weight to the term before it.
std::vector<TypedTerm> TermsInOrder(const CLI::App& search) {
  std::map<const CLI::Option*, size_t> seen;
  std::vector<TypedTerm> terms;
  for (const CLI::Option* option : search.parse_order()) {
    std::string kind = option->get_lnames().empty() ? "" : option->get_lnames().front();
    const bool negative = kind.rfind("not-", 0) == 0;
    if (negative) kind = kind.substr(4);
    static const char* const kinds[] = {"text", "image", "audio", "video", "file", "item", "part", "upload", "weight"};
    if (std::find(std::begin(kinds), std::end(kinds), kind) == std::end(kinds)) continue;
    const std::vector<std::string>& results = option->results();
    const size_t at = seen[option]++;
    if (at >= results.size()) continue;
    if (kind == "weight") {
      double weight = 0;
      if (terms.empty()) throw CLI::ValidationError("--weight", "follows the term that it is for");
      if (!absl::SimpleAtod(results[at], &weight) || weight == 0)
        throw CLI::ValidationError("--weight", "wanted a number, not 0");
      terms.back().weight *= weight;
    } else {
      terms.push_back({kind, results[at], negative ? -1.0 : 1.0});
    }
  }
  return terms;
}

}  // namespace

void AddSearch(CLI::App& app, Session& session) {
  CLI::App* search = app.add_subcommand("search", "Find things of any kind by things of any kind");
  const auto options = std::make_shared<SearchOptions>();
  const auto term = [&](const std::string& name, const char* what) {
    search->add_option(name, options->typed, what)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group(name.rfind("--not-", 0) == 0 ? "Away from" : "Query");
  };
  term("--text", "Words in any language; - reads stdin");
  term("--image", "A picture file");
  term("--audio", "A sound file");
  term("--video", "A video file");
  term("--file", "A file of any kind; - reads stdin");
  term("--item", "A stored item's id");
  term("--part", "A stored part's id");
  term("--upload", "The request id of an earlier upload");
  term("--weight", "Share of the term before it; default 1");
  for (const char* kind : {"text", "image", "audio", "video", "file", "item", "part"}) {
    term(absl::StrCat("--not-", kind), "The same, but push away from it");
  }
  search->add_option("--for", options->targets, "What to find: text, image, audio, video, document, table, series, score, with commas; default: any");
  search->add_option("-w,--where", options->where, "Only items for which it is true");
  search->add_option("-k", options->k, "How many hits")->capture_default_str();
  search->add_option("--group", options->group, "One hit an item, event or part")
      ->check(CLI::IsMember({"item", "event", "part"}))
      ->capture_default_str();
  search->add_flag("--exclude-query", options->exclude, "Leave out items that are terms of the query");
  search->add_flag("--vectors", options->vectors, "With the parts' vectors; seen with --json");
  search->add_option("--batch", options->batch,
                     "Many queries from this file, one a line: words, or a SearchRequest in JSON; - reads stdin");
  search->add_option("--html", options->html, "Write a page with pictures and players to this file");
  search->add_option("--html-limit", options->html_mib, "Largest item to embed in it, MiB")
      ->check(CLI::Range(0.0, 1024.0))
      ->capture_default_str();
  search->footer(
      "Conditions: =, !=, <, <=, >, >=, in (a, b), exists, starts, within (LATITUDE, LONGITUDE, METRES), joined by\n"
      "and, or, not and parentheses. Fields: item_id, modality, media_type, name, source, event_id, observed_time,\n"
      "created_time, duration, size_bytes, location; others are metadata.\n\n"
      "Examples:\n"
      "  mixmatch search --audio caw.wav --for image,video\n"
      "  mixmatch search --text 'a red bird' --not-text parrot --weight 0.5 -k 20\n"
      "  mixmatch search --item 12 --where \"lang=fr and year>=1990 and not kind=x\" --html hits.html\n"
      "  mixmatch search --text storm --where \"location within (48.86, 2.35, 5000)\"\n"
      "  mixmatch search --batch queries.txt --for image -k 3\n"
      "  mixmatch search --batch requests.jsonl --json      # a BatchSearchResponse a line, as each is ready");
  search->get_option("--batch")->excludes("--html");
  search->callback([&session, options, search] {
    options->terms = TermsInOrder(*search);
    session.action = [&session, options] { return Search(session, *options); };
  });
}

}  // namespace mixmatch::client
