// A search's answers as one HTML file that needs no other.
#ifndef MIXMATCH_CLIENT_CLI_HTML_H_
#define MIXMATCH_CLIENT_CLI_HTML_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::client {

// One term of the query.
struct PageTerm {
  std::string label;  // E.g. "audio caw.wav".
  double weight = 1;
  std::string text;     // Of a text.
  std::string content;  // Bytes to show or play; may be empty.
};

struct PageHit {
  v1::Hit hit;
  std::string content;  // Bytes to show or play; may be empty.
  std::string note;     // Why there are none.
};

struct Page {
  std::vector<PageTerm> query;
  std::vector<PageHit> hits;
  v1::SearchResponse response;
};

// The media type by the first bytes, "" if they are of no kind that browsers show or play.
std::string SniffMedia(absl::string_view bytes);

// The start of a page, up to and with <body>: styles for light and dark, and a policy that forbids scripts and every
// connection. The title is escaped here.
std::string PageHead(absl::string_view title);

// Every name, text and metadata value is escaped, content is embedded by data: URIs in <img>, <audio> and <video> only,
// and the page forbids scripts and every connection (Content-Security-Policy).
std::string ResultPage(const Page& page);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_HTML_H_
