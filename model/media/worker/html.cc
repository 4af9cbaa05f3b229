#include "model/media/worker/html.h"

#include <gumbo.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/unicode.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int kMostDepth = 1'000;      // Of elements that we walk through.
constexpr int kMostOpenTags = 10'000;  // The parser's own recursion is bounded by this.
constexpr size_t kLeastAltWords = 2;   // An alternative text of fewer words names, it does not describe.

absl::Status TooDeep() {
  return absl::InvalidArgumentError(
      "content: got HTML with elements nested too deep, wanted at most 1,000; simplify it");
}

absl::string_view Attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? absl::string_view() : absl::string_view(found->value);
}

bool HasClass(const GumboElement& element, absl::string_view wanted) {
  for (absl::string_view name : absl::StrSplit(Attribute(element, "class"), absl::ByAnyChar(" \t\n"))) {
    if (name == wanted) return true;
  }
  return false;
}

bool IsSkipped(const GumboElement& element) {
  switch (element.tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_MATH:
      return true;
    default:
      return HasClass(element, "navheader") || HasClass(element, "navfooter");  // As DocBook writes them.
  }
}

// Elements whose beginning and end part texts. (HTML Standard, "Flow content": section 15.3)
bool IsBlock(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_UL:
      return true;
    default:
      return false;
  }
}

bool IsHeading(GumboTag tag) { return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6; }

// What holds a picture or table together with the words that describe it: HTML's own element, and DocBook's.
bool IsFigure(const GumboElement& element) {
  return element.tag == GUMBO_TAG_FIGURE ||
         (element.tag == GUMBO_TAG_DIV && (HasClass(element, "figure") || HasClass(element, "informalfigure") ||
                                           HasClass(element, "mediaobject") || HasClass(element, "table")));
}

bool IsCaption(const GumboElement& element, bool in_figure) {
  if (element.tag == GUMBO_TAG_FIGCAPTION || element.tag == GUMBO_TAG_CAPTION) return true;
  return in_figure && (HasClass(element, "caption") || (element.tag == GUMBO_TAG_P && HasClass(element, "title")));
}

bool HasTag(const GumboNode& node, GumboTag tag, int depth) {
  if (depth > kMostDepth || (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE)) return false;
  const GumboVector& children = node.v.element.children;
  for (unsigned i = 0; i < children.length; ++i) {
    const auto& child = *static_cast<const GumboNode*>(children.data[i]);
    if (child.type == GUMBO_NODE_ELEMENT && child.v.element.tag == tag) return true;
    if (HasTag(child, tag, depth + 1)) return true;
  }
  return false;
}

class HtmlReader {
 public:
  HtmlReader(const PictureOf& picture, DocumentWriter* document) : picture_(picture), document_(*document) {}

  absl::Status Read(const GumboNode& root) {
    MIXMATCH_RETURN_IF_ERROR(Walk(root, 0));
    return FlushText();
  }

 private:
  absl::Status Walk(const GumboNode& node, int depth) {
    if (depth > kMostDepth) return TooDeep();
    switch (node.type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_WHITESPACE:
      case GUMBO_NODE_CDATA:
        text_ += node.v.text.text;
        return absl::OkStatus();
      case GUMBO_NODE_ELEMENT:
        return WalkElement(node, depth);
      default:
        return absl::OkStatus();
    }
  }

  absl::Status WalkChildren(const GumboElement& element, int depth) {
    for (unsigned i = 0; i < element.children.length; ++i) {
      MIXMATCH_RETURN_IF_ERROR(Walk(*static_cast<const GumboNode*>(element.children.data[i]), depth + 1));
    }
    return absl::OkStatus();
  }

  absl::Status WalkElement(const GumboNode& node, int depth) {
    const GumboElement& element = node.v.element;
    if (IsSkipped(element) || element.tag == GUMBO_TAG_HEAD) return absl::OkStatus();
    if (element.tag == GUMBO_TAG_BR) text_ += ' ';
    if (element.tag == GUMBO_TAG_IMG) return Image(element);
    if (!IsBlock(element.tag)) return WalkChildren(element, depth);
    MIXMATCH_RETURN_IF_ERROR(FlushText());
    if (IsCaption(element, figures_ > 0)) return Caption(element, depth);
    if (element.tag == GUMBO_TAG_TABLE) return Table(node, depth);
    if (IsFigure(element)) return Figure(element, depth);
    MIXMATCH_RETURN_IF_ERROR(WalkChildren(element, depth));
    if (!IsHeading(element.tag)) return FlushText();
    const std::string words = std::exchange(text_, "");
    return document_.Heading(words);
  }

  absl::Status FlushText() {
    const std::string words = std::exchange(text_, "");
    return document_.Text(words);
  }

  absl::Status Figure(const GumboElement& element, int depth) {
    const int outer_described = std::exchange(described_before_, document_.described());
    ++figures_;
    MIXMATCH_RETURN_IF_ERROR(WalkChildren(element, depth));
    MIXMATCH_RETURN_IF_ERROR(FlushText());
    --figures_;
    described_before_ = outer_described;
    if (figures_ > 0) return absl::OkStatus();
    has_caption_ = false;
    document_.NoNext();
    return absl::OkStatus();
  }

  // Words before the picture describe the next one, words after it the last.
  absl::Status Caption(const GumboElement& element, int depth) {
    MIXMATCH_RETURN_IF_ERROR(WalkChildren(element, depth));
    const std::string words = std::exchange(text_, "");
    has_caption_ = true;
    return document_.described() > described_before_ ? document_.Caption(words) : document_.CaptionOfNext(words);
  }

  absl::Status Image(const GumboElement& element) {
    std::string file = picture_(Attribute(element, "src"));
    if (file.empty()) return absl::OkStatus();
    MIXMATCH_RETURN_IF_ERROR(FlushText());
    MIXMATCH_RETURN_IF_ERROR(document_.Figure(std::move(file)));
    const absl::string_view alternative = Attribute(element, "alt");
    const std::vector<absl::string_view> words = absl::StrSplit(alternative, ' ', absl::SkipWhitespace());
    if (!document_.added() || has_caption_ || words.size() < kLeastAltWords) return absl::OkStatus();
    return document_.Caption(alternative);
  }

  // Rows of data: two or more rows of equally many cells, two or more, without tables or pictures in them.
  absl::Status Table(const GumboNode& node, int depth) {
    std::vector<std::vector<const GumboNode*>> rows;
    CollectRows(node, depth, &rows);
    const bool even =
        rows.size() >= 2 && rows[0].size() >= 2 &&
        std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return row.size() == rows[0].size(); });
    if (!even || HasTag(node, GUMBO_TAG_TABLE, depth) || HasTag(node, GUMBO_TAG_IMG, depth)) {
      MIXMATCH_RETURN_IF_ERROR(WalkChildren(node.v.element, depth));
      return FlushText();
    }
    const bool header = std::all_of(rows[0].begin(), rows[0].end(),
                                    [](const GumboNode* cell) { return cell->v.element.tag == GUMBO_TAG_TH; });
    DecodedTable table;
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < rows[r].size(); ++c) {
        MIXMATCH_RETURN_IF_ERROR(WalkChildren(rows[r][c]->v.element, depth));
        std::string words = Folded(std::exchange(text_, ""));
        if (r == 0 && header && words.empty()) words = absl::StrCat(c + 1);
        if (r == 0 && !header) table.columns.push_back(absl::StrCat(c + 1));
        (r == 0 && header ? table.columns : table.cells).push_back(std::move(words));
      }
    }
    const int described = document_.described();
    if (const GumboNode* caption = CaptionOf(node.v.element); caption != nullptr && figures_ == 0) {
      MIXMATCH_RETURN_IF_ERROR(WalkChildren(caption->v.element, depth));
      MIXMATCH_RETURN_IF_ERROR(document_.CaptionOfNext(std::exchange(text_, "")));
    }
    MIXMATCH_RETURN_IF_ERROR(document_.Table(std::move(table)));
    if (document_.described() == described) document_.NoNext();
    return absl::OkStatus();
  }

  static const GumboNode* CaptionOf(const GumboElement& table) {
    for (unsigned i = 0; i < table.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(table.children.data[i]);
      if (child->type == GUMBO_NODE_ELEMENT && child->v.element.tag == GUMBO_TAG_CAPTION) return child;
    }
    return nullptr;
  }

  static void CollectRows(const GumboNode& node, int depth, std::vector<std::vector<const GumboNode*>>* rows) {
    if (depth > kMostDepth || node.type != GUMBO_NODE_ELEMENT) return;
    const GumboElement& element = node.v.element;
    for (unsigned i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type != GUMBO_NODE_ELEMENT) continue;
      const GumboTag tag = child->v.element.tag;
      if (tag == GUMBO_TAG_TR) rows->emplace_back();
      if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
        if (!rows->empty()) rows->back().push_back(child);
      } else if (tag == GUMBO_TAG_TR || tag == GUMBO_TAG_THEAD || tag == GUMBO_TAG_TBODY || tag == GUMBO_TAG_TFOOT) {
        CollectRows(*child, depth + 1, rows);
      }
    }
  }

  const PictureOf& picture_;
  DocumentWriter& document_;
  std::string text_;          // Words since the last block began or ended.
  int figures_ = 0;           // Figures that we are in.
  int described_before_ = 0;  // DocumentWriter::described() when the innermost began.
  bool has_caption_ = false;  // The outermost has words of its own.
};

// An upper bound of how deep elements nest, from the tags alone.
bool NestsTooDeep(absl::string_view html) {
  int open = 0;
  for (size_t at = html.find('<'); at != absl::string_view::npos; at = html.find('<', at + 1)) {
    const char next = at + 1 < html.size() ? html[at + 1] : ' ';
    if (next == '/') open = std::max(0, open - 1);
    if (absl::ascii_isalpha(static_cast<unsigned char>(next)) && ++open > kMostOpenTags) return true;
    // Elements that have no end tag, and those whose end tag is often left out.
    for (absl::string_view empty :
         {"br", "img", "hr", "meta", "link", "input", "col", "p", "li", "td", "tr", "th", "dt", "dd", "option"}) {
      const absl::string_view rest = html.substr(at + 1);
      if (absl::StartsWithIgnoreCase(rest, empty) && rest.size() > empty.size() &&
          !absl::ascii_isalnum(static_cast<unsigned char>(rest[empty.size()]))) {
        open = std::max(0, open - 1);
      }
    }
  }
  return false;
}

std::string PercentDecoded(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view digits = text.substr(std::min(text.size(), i + 1), 2);
    if (text[i] == '%' && digits.size() == 2 && absl::ascii_isxdigit(static_cast<unsigned char>(digits[0])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(digits[1]))) {
      out += absl::HexStringToBytes(digits);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

bool LooksLikeHtml(absl::string_view head) {
  absl::ConsumePrefix(&head, "\xef\xbb\xbf");
  while (true) {
    head = absl::StripLeadingAsciiWhitespace(head);
    const absl::string_view close = absl::StartsWith(head, "<!--")    ? "-->"
                                    : absl::StartsWith(head, "<?xml") ? "?>"
                                                                      : "";
    if (close.empty()) break;
    const size_t end = head.find(close);
    if (end == absl::string_view::npos) return false;
    head.remove_prefix(end + close.size());
  }
  return absl::StartsWithIgnoreCase(head, "<!doctype html") || absl::StartsWithIgnoreCase(head, "<html") ||
         absl::StartsWithIgnoreCase(head, "<head") || absl::StartsWithIgnoreCase(head, "<body");
}

std::string DataUriBytes(absl::string_view link) {
  link = absl::StripAsciiWhitespace(link);
  if (!absl::StartsWithIgnoreCase(link, "data:")) return "";
  const size_t comma = link.find(',');
  if (comma == absl::string_view::npos) return "";
  const absl::string_view kind = link.substr(0, comma), data = link.substr(comma + 1);
  if (!absl::EndsWithIgnoreCase(kind, ";base64")) return PercentDecoded(data);
  std::string bytes;
  return absl::Base64Unescape(PercentDecoded(data), &bytes) ? bytes : "";
}

absl::Status AddHtml(absl::string_view utf8, const PictureOf& picture, DocumentWriter* document) {
  if (NestsTooDeep(utf8)) return TooDeep();
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  const auto destroy = [&options](GumboOutput* output) { gumbo_destroy_output(&options, output); };
  const std::unique_ptr<GumboOutput, decltype(destroy)> output(
      gumbo_parse_with_options(&options, utf8.data(), utf8.size()), destroy);
  if (output == nullptr) return absl::InvalidArgumentError("content: got HTML that cannot be parsed; correct it");
  return HtmlReader(picture, document).Read(*output->root);
}

absl::Status DecodeHtml(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  // Pictures inside are text too, a third larger than their files.
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes,
                            content.ReadEverything(request.max_table_bytes, "an HTML document"));
  std::string converted;
  DocumentWriter document(request);
  MIXMATCH_RETURN_IF_ERROR(AddHtml(AsUtf8(bytes, &converted), DataUriBytes, &document));
  return document.Finish("text/html", writer);
}

}  // namespace mixmatch::model
