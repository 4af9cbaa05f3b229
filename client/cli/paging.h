// Lists that come in pages.
#ifndef MIXMATCH_CLIENT_CLI_PAGING_H_
#define MIXMATCH_CLIENT_CLI_PAGING_H_

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {

// Prints the first `limit` entries (0: all) into `table`, or as JSON, and says on stderr if there are more. `fetch`
// asks for a page, `entries` gives what is in one, `cells` the row of an entry.
template <typename Request, typename Fetch, typename Entries, typename Cells>
int PrintPages(Session& session, int64_t limit, Request request, Table table, const Fetch& fetch,
               const Entries& entries, const Cells& cells) {
  bool more = true;
  for (int64_t left = limit; more && (left > 0 || limit == 0);) {
    request.set_page_size(static_cast<int32_t>(limit == 0 ? 1000 : std::min<int64_t>(left, 1000)));
    const auto page = fetch(request);
    if (!page.ok()) return session.Fail(page.status());
    for (const auto& entry : entries(*page)) {
      if (session.json) {
        session.out() << Json(entry) << "\n";
      } else {
        table.Add(cells(entry));
      }
    }
    left -= entries(*page).size();
    more = !page->next_page_token().empty();
    request.set_page_token(page->next_page_token());
  }
  if (session.json) return kOk;
  table.Print(session.out(), session.terminal().color);
  if (more) session.err() << "There are more; -n 0 lists all.\n";
  return kOk;
}

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_PAGING_H_
