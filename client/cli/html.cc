#include "client/cli/html.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mixmatch::client {
namespace {

constexpr size_t kMostText = 2000;  // Bytes shown of a text.

constexpr char kHead[] = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'">
<title>Mix-Match results</title><style>
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
.hit { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .6rem; padding: .8rem; overflow: hidden; }
.hit img, .hit video { width: 100%; height: 12rem; object-fit: contain; } .hit audio { width: 100%; }
.bar { height: .4rem; border-radius: .2rem; background: color-mix(in srgb, currentColor 15%, transparent); margin: .5rem 0; }
.bar i { display: block; height: 100%; border-radius: .2rem; background: #2a8; }
.name { font-weight: 600; overflow-wrap: anywhere; } .quiet { opacity: .7; font-size: .85rem; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; max-height: 12rem; overflow: auto; font: inherit; }
</style></head><body>
)";

// What a browser may be given as it is; a type of the server's sniffing, still checked.
bool SafeType(absl::string_view type) {
  for (char c : type) {
    if (!absl::ascii_isalnum(c) && c != '/' && c != '-' && c != '+' && c != '.') return false;
  }
  return true;
}

std::string DataUri(const v1::Item& item, const std::string& content) {
  return absl::StrCat("data:", SafeType(item.media_type()) ? item.media_type() : "application/octet-stream", ";base64,",
                      absl::Base64Escape(content));
}

std::string Player(const PageHit& page_hit) {
  const v1::Item& item = page_hit.hit.item();
  const v1::Part& part = page_hit.hit.part();
  if (page_hit.content.empty()) return "<p class=\"quiet\">too large for this page: use mixmatch download</p>";
  const std::string at = part.start_seconds() > 0.0 ? absl::StrFormat("#t=%.2f", part.start_seconds()) : "";
  switch (item.modality()) {
    case v1::MODALITY_IMAGE:
      return absl::StrCat("<img alt=\"\" src=\"", DataUri(item, page_hit.content), "\">");
    case v1::MODALITY_VIDEO:
      return absl::StrCat("<video controls src=\"", DataUri(item, page_hit.content), at, "\"></video>");
    case v1::MODALITY_AUDIO:
      return absl::StrCat("<audio controls src=\"", DataUri(item, page_hit.content), at, "\"></audio>");
    default:
      return absl::StrCat("<pre>", EscapeHtml(absl::string_view(page_hit.content).substr(0, kMostText)), "</pre>");
  }
}

std::string Card(const PageHit& page_hit, size_t rank) {
  const v1::Hit& hit = page_hit.hit;
  std::string events;
  for (const std::string& event : hit.item().event_ids()) absl::StrAppend(&events, " ", EscapeHtml(event));
  std::string time;
  if (hit.part().end_seconds() > hit.part().start_seconds()) {
    time = absl::StrFormat(", %.1f to %.1f s", hit.part().start_seconds(), hit.part().end_seconds());
  }
  const double share = hit.score() < 0.0f ? 0.0 : 100.0 * hit.score();
  return absl::StrCat("<li class=\"hit\">", Player(page_hit), "<div class=\"bar\"><i style=\"width:",
                      absl::StrFormat("%.0f", share), "%\"></i></div><div class=\"name\">", rank, ". ",
                      EscapeHtml(hit.item().name()), "</div><div class=\"quiet\">item ", hit.item().item_id(), ", score ",
                      absl::StrFormat("%.3f", hit.score()), time, events, "</div></li>\n");
}

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string ResultPage(absl::string_view query, const std::vector<PageHit>& hits) {
  std::string page = absl::StrCat(kHead, "<h1>", EscapeHtml(query), "</h1>\n<ul class=\"hits\">\n");
  for (size_t i = 0; i < hits.size(); ++i) absl::StrAppend(&page, Card(hits[i], i + 1));
  return absl::StrCat(page, "</ul></body></html>\n");
}

}  // namespace mixmatch::client
