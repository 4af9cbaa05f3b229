#include "model/media/worker/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/media/worker/document_writer.h"
#include "model/media/worker/html.h"
#include "model/media/worker/sniff.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

bool IsHeading(absl::string_view line) {
  const size_t marks = line.find_first_not_of('#');
  return marks != absl::string_view::npos && marks >= 1 && marks <= 6 && line[marks] == ' ' &&
         !absl::StripAsciiWhitespace(line.substr(marks)).empty();
}

bool IsTableRule(absl::string_view line) {
  return absl::StrContains(line, "|") && absl::StrContains(line, "---") &&
         line.find_first_not_of("|-: \t\r") == absl::string_view::npos;
}

struct Free {
  void operator()(char* text) const { free(text); }
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};

}  // namespace

bool LooksLikeMarkdown(absl::string_view hint, absl::string_view head) {
  hint = absl::StripAsciiWhitespace(hint.substr(0, hint.find(';')));
  if (absl::EqualsIgnoreCase(hint, "text/markdown") || absl::EqualsIgnoreCase(hint, "text/x-markdown")) return true;
  if (!hint.empty() && hint != "text/plain" && hint != "application/octet-stream") return false;
  absl::ConsumePrefix(&head, "\xef\xbb\xbf");
  int headings = 0;
  bool apart = true, marked = false;
  for (absl::string_view line : absl::StrSplit(head, '\n')) {
    headings += apart && IsHeading(line);
    marked = marked || absl::StartsWith(line, "```") || absl::StrContains(line, "](") || IsTableRule(line);
    apart = absl::StripAsciiWhitespace(line).empty();
  }
  return headings >= 2 || (headings == 1 && marked);
}

absl::Status DecodeMarkdown(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a Markdown document"));
  absl::string_view text = bytes;
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  if (ValidUtf8Prefix(text) != text.size()) {
    return absl::InvalidArgumentError("content: got Markdown that is no UTF-8, wanted that; convert it to UTF-8");
  }
  cmark_gfm_core_extensions_ensure_registered();
  // Nothing of it is shown, so nothing in it is unsafe; the library would drop pictures that it does not know.
  const std::unique_ptr<cmark_parser, Free> parser(cmark_parser_new(CMARK_OPT_UNSAFE));
  cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension("table"));
  cmark_parser_feed(parser.get(), text.data(), text.size());
  const std::unique_ptr<cmark_node, Free> node(cmark_parser_finish(parser.get()));
  const std::unique_ptr<char, Free> html(
      cmark_render_html(node.get(), CMARK_OPT_UNSAFE, cmark_parser_get_syntax_extensions(parser.get())));
  DocumentWriter document(request);
  MIXMATCH_RETURN_IF_ERROR(AddHtml(html.get(), DataUriBytes, &document));
  return document.Finish("text/markdown", writer);
}

}  // namespace mixmatch::model
