#include "client/cli/batch.h"

#include <istream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace mixmatch::client {
namespace {

constexpr size_t kShownBytes = 40;

// At most kShownBytes, cut between characters.
std::string Shortened(absl::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  size_t end = kShownBytes;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

std::string ShownOf(const v1::SearchRequest& request) {
  std::string shown;
  for (const v1::QueryTerm& term : request.query()) {
    absl::StrAppend(&shown, shown.empty() ? "" : ", ", term.weight() < 0 ? "not " : "");
    switch (term.kind_case()) {
      case v1::QueryTerm::kContent:
        absl::StrAppend(&shown, term.content().has_text() ? term.content().text() : "content");
        break;
      case v1::QueryTerm::kItemId:
        absl::StrAppend(&shown, "item ", term.item_id());
        break;
      case v1::QueryTerm::kPartId:
        absl::StrAppend(&shown, "part ", term.part_id());
        break;
      case v1::QueryTerm::kUploadRequestId:
        absl::StrAppend(&shown, "upload ", term.upload_request_id());
        break;
      case v1::QueryTerm::kVector:
        absl::StrAppend(&shown, "vector");
        break;
      case v1::QueryTerm::KIND_NOT_SET:
        break;
    }
  }
  return shown;
}

void Complete(const v1::SearchRequest& defaults, v1::SearchRequest& request) {
  if (request.k() == 0) request.set_k(defaults.k());
  if (request.target_modalities().empty()) *request.mutable_target_modalities() = defaults.target_modalities();
  if (!request.has_filter() && defaults.has_filter()) *request.mutable_filter() = defaults.filter();
  if (request.group_by() == v1::GROUP_BY_UNSPECIFIED) request.set_group_by(defaults.group_by());
  request.set_include_vectors(request.include_vectors() || defaults.include_vectors());
  request.set_exclude_query_items(request.exclude_query_items() || defaults.exclude_query_items());
}

}  // namespace

absl::StatusOr<std::vector<BatchQuery>> ReadBatch(std::istream& in, const v1::SearchRequest& defaults) {
  std::vector<BatchQuery> queries;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty()) continue;
    BatchQuery query;
    query.line = number;
    if (text.front() == '{') {
      const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(text), &query.request);
      if (!parsed.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--batch: line ", number, " is not a SearchRequest in JSON: ", std::string(parsed.message()),
            R"(; wanted e.g. {"query": [{"content": {"text": "a red bird"}}], "k": 5})"));
      }
    } else {
      query.request.add_query()->mutable_content()->set_text(std::string(text));
    }
    Complete(defaults, query.request);
    query.shown = Shortened(ShownOf(query.request));
    queries.push_back(std::move(query));
  }
  if (queries.empty()) return absl::InvalidArgumentError("--batch: no query in it; wanted one a line");
  return queries;
}

}  // namespace mixmatch::client
