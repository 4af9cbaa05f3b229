#include "client/cpp/where.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {
namespace {

constexpr int kMostDepth = 16;

struct Token {
  enum Kind { kWord, kQuoted, kSign, kEnd } kind = kEnd;
  std::string text;
  size_t at = 0;
};

bool IsWordCharacter(char c) { return !absl::ascii_isspace(c) && !absl::StrContains("()=<>!,'\"", std::string(1, c)); }

absl::StatusOr<std::vector<Token>> Split(absl::string_view text) {
  std::vector<Token> tokens;
  size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    Token token;
    token.at = i;
    if (absl::ascii_isspace(c)) {
      ++i;
      continue;
    }
    if (c == '\'' || c == '"') {
      const size_t end = text.find(c, i + 1);
      if (end == absl::string_view::npos) {
        return absl::InvalidArgumentError(absl::StrCat("where: the quote at character ", i + 1, " is not closed"));
      }
      token.kind = Token::kQuoted;
      token.text = std::string(text.substr(i + 1, end - i - 1));
      i = end + 1;
    } else if (IsWordCharacter(c)) {
      size_t end = i;
      while (end < text.size() && IsWordCharacter(text[end])) ++end;
      token.kind = Token::kWord;
      token.text = std::string(text.substr(i, end - i));
      i = end;
    } else {
      const size_t length =
          i + 1 < text.size() && text[i + 1] == '=' && absl::StrContains("<>!", std::string(1, c)) ? 2 : 1;
      token.kind = Token::kSign;
      token.text = std::string(text.substr(i, length));
      i += length;
    }
    tokens.push_back(std::move(token));
  }
  tokens.push_back({Token::kEnd, "", text.size()});
  return tokens;
}

std::string FieldOf(const std::string& name) {
  static const auto* const fields =
      new absl::flat_hash_set<std::string>({"item_id", "modality", "media_type", "name", "source", "event_id",
                                            "observed_time", "created_time", "duration", "size_bytes",
                                            "location"});
  return fields->contains(name) || absl::StartsWith(name, "metadata.") ? name : "metadata." + name;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<v1::Filter> Parse() {
    MIXMATCH_ASSIGN_OR_RETURN(v1::Filter filter, Or(0));
    if (Peek().kind != Token::kEnd) return Wanted("'and', 'or' or the end");
    return filter;
  }

 private:
  const Token& Peek() const { return tokens_[at_]; }
  const Token& Next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool Take(absl::string_view word) {
    const bool same = Peek().kind != Token::kQuoted && absl::EqualsIgnoreCase(Peek().text, word) && !word.empty();
    if (same) Next();
    return same;
  }
  absl::Status Wanted(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("where: character ", Peek().at + 1, ": wanted ", what,
                                                   ". Example: lang=fr and year>=1990 and not kind in (a, b)"));
  }

  absl::StatusOr<v1::Filter> Or(int depth) {
    if (depth > kMostDepth) return Wanted("fewer parentheses");
    MIXMATCH_ASSIGN_OR_RETURN(v1::Filter first, And(depth));
    if (!absl::EqualsIgnoreCase(Peek().text, "or")) return first;
    v1::Filter any;
    *any.mutable_any()->add_filters() = std::move(first);
    while (Take("or")) {
      MIXMATCH_ASSIGN_OR_RETURN(*any.mutable_any()->add_filters(), And(depth));
    }
    return any;
  }

  absl::StatusOr<v1::Filter> And(int depth) {
    MIXMATCH_ASSIGN_OR_RETURN(v1::Filter first, Not(depth));
    if (!absl::EqualsIgnoreCase(Peek().text, "and")) return first;
    v1::Filter all;
    *all.mutable_all()->add_filters() = std::move(first);
    while (Take("and")) {
      MIXMATCH_ASSIGN_OR_RETURN(*all.mutable_all()->add_filters(), Not(depth));
    }
    return all;
  }

  absl::StatusOr<v1::Filter> Not(int depth) {
    if (depth > kMostDepth) return Wanted("fewer 'not' and parentheses");
    if (Take("not")) {
      v1::Filter negated;
      MIXMATCH_ASSIGN_OR_RETURN(*negated.mutable_not_(), Not(depth + 1));
      return negated;
    }
    if (Take("(")) {
      MIXMATCH_ASSIGN_OR_RETURN(v1::Filter inner, Or(depth + 1));
      if (!Take(")")) return Wanted("')'");
      return inner;
    }
    return Test();
  }

  absl::StatusOr<v1::MetadataValue> Value() {
    if (Peek().kind == Token::kQuoted) {
      v1::MetadataValue value;
      value.set_text(Next().text);
      return value;
    }
    if (Peek().kind != Token::kWord) return Wanted("a value");
    return ParseValue(Next().text);
  }

  absl::StatusOr<double> Number() {
    double number = 0.0;
    if (Peek().kind != Token::kWord || !absl::SimpleAtod(Peek().text, &number)) return Wanted("a number");
    Next();
    return number;
  }

  absl::StatusOr<v1::Filter> Test() {
    if (Peek().kind != Token::kWord) return Wanted("a field");
    v1::Filter filter;
    v1::Condition& condition = *filter.mutable_condition();
    condition.set_field(FieldOf(Next().text));
    if (Take("exists")) {
      condition.set_exists(true);
      return filter;
    }
    if (Take("starts")) {
      if (Peek().kind != Token::kWord && Peek().kind != Token::kQuoted) return Wanted("a text");
      condition.set_prefix(Next().text);
      return filter;
    }
    if (Take("within")) {
      v1::GeoCircle& circle = *condition.mutable_within();
      if (!Take("(")) return Wanted("'('");
      MIXMATCH_ASSIGN_OR_RETURN(const double latitude, Number());
      if (!Take(",")) return Wanted("',' and a longitude");
      MIXMATCH_ASSIGN_OR_RETURN(const double longitude, Number());
      if (!Take(",")) return Wanted("',' and a radius in metres");
      MIXMATCH_ASSIGN_OR_RETURN(const double radius, Number());
      if (!Take(")")) return Wanted("')'");
      circle.set_latitude(latitude);
      circle.set_longitude(longitude);
      circle.set_radius_meters(radius);
      return filter;
    }
    if (Take("in")) {
      if (!Take("(")) return Wanted("'('");
      do {
        MIXMATCH_ASSIGN_OR_RETURN(*condition.mutable_in()->add_values(), Value());
      } while (Take(","));
      if (!Take(")")) return Wanted("',' or ')'");
      return filter;
    }
    const std::string sign = Peek().kind == Token::kSign ? Next().text : "";
    if (sign == "=" || sign == "!=") {
      MIXMATCH_ASSIGN_OR_RETURN(*condition.mutable_equals(), Value());
      if (sign == "=") return filter;
      v1::Filter negated;
      *negated.mutable_not_() = std::move(filter);
      return negated;
    }
    if (sign != "<" && sign != "<=" && sign != ">" && sign != ">=") {
      return Wanted("one of = != < <= > >= in exists starts within");
    }
    MIXMATCH_ASSIGN_OR_RETURN(const double number, Number());
    const double infinity = std::numeric_limits<double>::infinity();
    if (sign == "<") condition.mutable_range()->set_max(std::nextafter(number, -infinity));
    if (sign == "<=") condition.mutable_range()->set_max(number);
    if (sign == ">") condition.mutable_range()->set_min(std::nextafter(number, infinity));
    if (sign == ">=") condition.mutable_range()->set_min(number);
    return filter;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

v1::MetadataValue ParseValue(absl::string_view text) {
  v1::MetadataValue value;
  double number = 0.0;
  if (text == "true" || text == "false") {
    value.set_flag(text == "true");
  } else if (absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    value.set_number(number);
  } else {
    if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front()) {
      text = text.substr(1, text.size() - 2);
    }
    value.set_text(std::string(text));
  }
  return value;
}

absl::StatusOr<v1::Filter> ParseWhere(absl::string_view text) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<Token> tokens, Split(text));
  if (tokens.size() == 1) return v1::Filter();
  return Parser(std::move(tokens)).Parse();
}

}  // namespace mixmatch::client
