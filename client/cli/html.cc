#include "client/cli/html.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
)";

constexpr char kStyle[] = R"(<style>
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --ink: #1b1f24;
  --soft: #5d6672; --line: #dfe3e8; --bar: #2f6fde; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171b; --card: #1d2127; --ink: #e8ebef; --soft: #9aa4b1; --line: #313841; --bar: #6ea0ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--back); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
h2 { font-size: 1rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
.query { display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: 1.5rem; }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; padding: 0; margin: 0;
  list-style: none; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem;
  min-width: 14rem; }
.query .card { border-left: .3rem solid var(--bar); }
img, video { display: block; width: 100%; max-height: 14rem; object-fit: contain; border-radius: .3rem;
  margin-bottom: .6rem; }
audio { display: block; width: 100%; margin-bottom: .6rem; }
blockquote { margin: 0 0 .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .85rem; margin: .3rem 0 0; overflow-wrap: anywhere; }
.bar { height: .45rem; border-radius: .3rem; background: var(--line); overflow: hidden; margin-top: .5rem; }
.bar i { display: block; height: 100%; background: var(--bar); }
</style></head><body>
)";

// An element that shows the bytes or plays them from `start_seconds`; "" if no browser does.
std::string Player(absl::string_view bytes, double start_seconds) {
  const std::string type = SniffMedia(bytes);
  if (type.empty()) return "";
  std::string uri = absl::StrCat("data:", type, ";base64,", absl::Base64Escape(bytes));
  if (absl::StartsWith(type, "image/")) return absl::StrCat("<img alt=\"\" src=\"", uri, "\">\n");
  if (start_seconds > 0) absl::StrAppendFormat(&uri, "#t=%.2f", start_seconds);
  const char* const element = absl::StartsWith(type, "audio/") ? "audio" : "video";
  return absl::StrCat("<", element, " controls preload=\"metadata\" src=\"", uri, "\"></", element, ">\n");
}

void AddTerm(const PageTerm& term, std::string& html) {
  absl::StrAppend(&html, "<div class=\"card\"><h2>", HtmlEscape(term.label), "</h2>\n");
  if (!term.text.empty()) absl::StrAppend(&html, "<blockquote>", HtmlEscape(term.text), "</blockquote>\n");
  absl::StrAppend(&html, Player(term.content, 0));
  if (term.weight != 1) absl::StrAppend(&html, "<p class=\"soft\">weight ", term.weight, "</p>\n");
  absl::StrAppend(&html, "</div>\n");
}

void AddHit(const PageHit& shown, size_t rank, std::string& html) {
  const v1::Item& item = shown.hit.item();
  absl::StrAppend(&html, "<li class=\"card\">\n");
  const std::string player = Player(shown.content, shown.hit.part().start_seconds());
  absl::StrAppend(&html, player);
  if (shown.hit.part().modality() == v1::MODALITY_TEXT && !shown.hit.part().snippet().empty()) {
    absl::StrAppend(&html, "<blockquote>", HtmlEscape(shown.hit.part().snippet()), "</blockquote>\n");
  }
  absl::StrAppend(&html, "<h2>", rank, ". ", HtmlEscape(item.name().empty() ? "(no name)" : item.name()), "</h2>\n");
  const double percent = std::clamp(static_cast<double>(shown.hit.score()), 0.0, 1.0) * 100.0;
  absl::StrAppendFormat(&html, "<div class=\"bar\"><i style=\"width:%.1f%%\"></i></div>\n", percent);
  absl::StrAppendFormat(&html, "<p class=\"soft\">score %.4f, item %d, %s", shown.hit.score(), item.item_id(),
                        HtmlEscape(ModalityName(shown.hit.part().modality())));
  if (shown.hit.part().modality() != v1::MODALITY_TEXT && !PartText(shown.hit.part()).empty()) {
    absl::StrAppend(&html, " at ", HtmlEscape(PartText(shown.hit.part())));
  }
  absl::StrAppend(&html, "</p>\n");
  if (!shown.hit.event_id().empty())
    absl::StrAppend(&html, "<p class=\"soft\">event ", HtmlEscape(shown.hit.event_id()), "</p>\n");
  const std::string metadata = MetadataText(item);
  if (!metadata.empty()) absl::StrAppend(&html, "<p class=\"soft\">", HtmlEscape(metadata), "</p>\n");
  if (!shown.note.empty()) absl::StrAppend(&html, "<p class=\"soft\">", HtmlEscape(shown.note), "</p>\n");
  absl::StrAppend(&html, "</li>\n");
}

}  // namespace

std::string SniffMedia(absl::string_view bytes) {
  const auto at = [&](size_t offset, absl::string_view magic) {
    return bytes.size() >= offset + magic.size() && bytes.substr(offset, magic.size()) == magic;
  };
  if (at(0, "\x89PNG")) return "image/png";
  if (at(0, "\xFF\xD8\xFF")) return "image/jpeg";
  if (at(0, "GIF8")) return "image/gif";
  if (at(0, "RIFF") && at(8, "WEBP")) return "image/webp";
  if (at(0, "RIFF") && at(8, "WAVE")) return "audio/wav";
  if (at(0, "OggS")) return absl::StrContains(bytes.substr(0, 512), "theora") ? "video/ogg" : "audio/ogg";
  if (at(0, "fLaC")) return "audio/flac";
  if (at(0, "ID3") || at(0, "\xFF\xFB") || at(0, "\xFF\xF3") || at(0, "\xFF\xF2")) return "audio/mpeg";
  if (at(4, "ftypM4A")) return "audio/mp4";
  if (at(4, "ftyp")) return "video/mp4";
  if (at(0, "\x1A\x45\xDF\xA3")) return "video/webm";
  const absl::string_view head = bytes.substr(0, 1024);
  if (absl::StrContains(head, "<svg") && (at(0, "<") || at(0, "\xEF\xBB\xBF<"))) return "image/svg+xml";
  return "";
}

std::string PageHead(absl::string_view title) {
  return absl::StrCat(kHead, "<title>", HtmlEscape(title), "</title>\n", kStyle);
}

std::string ResultPage(const Page& page) {
  std::string html = PageHead("Mix-Match: search results");
  absl::StrAppend(&html, "<h1>Mix-Match: ", page.hits.size(), page.hits.size() == 1 ? " hit" : " hits", "</h1>\n");
  absl::StrAppend(&html, "<section class=\"query\" aria-label=\"Query\">\n");
  for (const PageTerm& term : page.query) AddTerm(term, html);
  absl::StrAppend(&html, "</section>\n<ol class=\"hits\">\n");
  for (size_t i = 0; i < page.hits.size(); ++i) AddHit(page.hits[i], i + 1, html);
  absl::StrAppendFormat(&html, "</ol>\n<p class=\"soft\">generation %d, encoded in %.1f ms, searched in %.1f ms</p>\n",
                        page.response.generation(), page.response.encode_milliseconds(),
                        page.response.search_milliseconds());
  absl::StrAppend(&html, "</body></html>\n");
  return html;
}

}  // namespace mixmatch::client
