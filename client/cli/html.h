// A result page that stands alone: pictures, players and text embedded, to open in any browser.
#ifndef MIXMATCH_CLIENT_CLI_HTML_H_
#define MIXMATCH_CLIENT_CLI_HTML_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::client {

// One hit with its content; empty content is shown as a note (too large, or gone).
struct PageHit {
  v1::Hit hit;
  std::string content;
};

// Names, snippets, metadata and text content are untrusted: everything is escaped, and the page forbids scripts and any
// connection by its content security policy.
std::string ResultPage(absl::string_view query, const std::vector<PageHit>& hits);

// &, <, >, " and ' as entities.
std::string EscapeHtml(absl::string_view text);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_HTML_H_
