#include "server/item_filter.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

constexpr int kMostDepth = 16;
constexpr int kMostConditions = 256;
constexpr int kMostValues = 1000;
constexpr char kMetadataPrefix[] = "metadata.";

v1::MetadataValue Text(absl::string_view text) {
  v1::MetadataValue value;
  value.set_text(std::string(text));
  return value;
}

v1::MetadataValue Number(double number) {
  v1::MetadataValue value;
  value.set_number(number);
  return value;
}

// The values of one field of an item: none where it is absent, several for event_id.
using Getter = std::function<std::vector<v1::MetadataValue>(const v1::Item&)>;

std::vector<v1::MetadataValue> NonEmpty(const std::string& text) {
  if (text.empty()) return {};
  return {Text(text)};
}

std::string ModalityName(v1::Modality modality) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Modality_Name(modality), "MODALITY_"));
}

absl::StatusOr<Getter> MakeGetter(const std::string& field) {
  using Values = std::vector<v1::MetadataValue>;
  if (absl::StartsWith(field, kMetadataPrefix) && field.size() > sizeof(kMetadataPrefix) - 1) {
    return Getter([key = field.substr(sizeof(kMetadataPrefix) - 1)](const v1::Item& item) -> Values {
      const auto found = item.metadata().find(key);
      if (found == item.metadata().end()) return {};
      return {found->second};
    });
  }
  if (field == "item_id") return Getter([](const v1::Item& i) -> Values { return {Number(i.item_id())}; });
  if (field == "modality") return Getter([](const v1::Item& i) -> Values { return {Text(ModalityName(i.modality()))}; });
  if (field == "media_type") return Getter([](const v1::Item& i) { return NonEmpty(i.media_type()); });
  if (field == "name") return Getter([](const v1::Item& i) { return NonEmpty(i.name()); });
  if (field == "source") return Getter([](const v1::Item& i) { return NonEmpty(i.source()); });
  if (field == "size_bytes") return Getter([](const v1::Item& i) -> Values { return {Number(i.size_bytes())}; });
  if (field == "event_id") {
    return Getter([](const v1::Item& i) {
      Values values;
      for (const std::string& id : i.event_ids()) values.push_back(Text(id));
      return values;
    });
  }
  if (field == "observed_time") {
    return Getter([](const v1::Item& i) -> Values {
      if (!i.has_observed_time()) return {};
      return {Number(i.observed_time().seconds() + i.observed_time().nanos() * 1e-9)};
    });
  }
  if (field == "created_time") {
    return Getter([](const v1::Item& i) -> Values {
      return {Number(i.created_time().seconds() + i.created_time().nanos() * 1e-9)};
    });
  }
  if (field == "duration") {
    return Getter([](const v1::Item& i) -> Values {
      if (!i.has_duration()) return {};
      return {Number(i.duration().seconds() + i.duration().nanos() * 1e-9)};
    });
  }
  return absl::InvalidArgumentError(
      "filter.field: unknown field; wanted item_id, modality, media_type, name, source, event_id, observed_time, "
      "created_time, duration, size_bytes or metadata.KEY");
}

bool Equal(const v1::MetadataValue& a, const v1::MetadataValue& b) {
  if (a.kind_case() != b.kind_case()) return false;
  switch (a.kind_case()) {
    case v1::MetadataValue::kText:
      return a.text() == b.text();
    case v1::MetadataValue::kNumber:
      return a.number() == b.number();
    case v1::MetadataValue::kFlag:
      return a.flag() == b.flag();
    default:
      return false;
  }
}

using ValueTest = std::function<bool(const v1::MetadataValue&)>;

absl::StatusOr<ValueTest> MakeTest(const v1::Condition& condition) {
  switch (condition.test_case()) {
    case v1::Condition::kEquals:
      if (condition.equals().kind_case() == v1::MetadataValue::KIND_NOT_SET) {
        return absl::InvalidArgumentError("filter.equals: got no value");
      }
      return ValueTest([wanted = condition.equals()](const v1::MetadataValue& value) { return Equal(value, wanted); });
    case v1::Condition::kIn:
      if (condition.in().values_size() < 1 || condition.in().values_size() > kMostValues) {
        return absl::InvalidArgumentError(
            absl::StrCat("filter.in: got ", condition.in().values_size(), " values, wanted 1 to ", kMostValues));
      }
      return ValueTest([list = condition.in()](const v1::MetadataValue& value) {
        for (const v1::MetadataValue& wanted : list.values()) {
          if (Equal(value, wanted)) return true;
        }
        return false;
      });
    case v1::Condition::kRange: {
      const v1::Range& range = condition.range();
      if ((range.has_min() && std::isnan(range.min())) || (range.has_max() && std::isnan(range.max()))) {
        return absl::InvalidArgumentError("filter.range: got a bound that is not a number");
      }
      return ValueTest([range](const v1::MetadataValue& value) {
        return value.kind_case() == v1::MetadataValue::kNumber && (!range.has_min() || value.number() >= range.min()) &&
               (!range.has_max() || value.number() <= range.max());
      });
    }
    case v1::Condition::kPrefix:
      return ValueTest([prefix = condition.prefix()](const v1::MetadataValue& value) {
        return value.kind_case() == v1::MetadataValue::kText && absl::StartsWith(value.text(), prefix);
      });
    case v1::Condition::kExists:
      return ValueTest([](const v1::MetadataValue&) { return true; });
    case v1::Condition::TEST_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("filter.condition: got no test; set one of equals, in, range, exists, prefix");
}

absl::StatusOr<ItemPredicate> CompileCondition(const v1::Condition& condition) {
  MIXMATCH_ASSIGN_OR_RETURN(Getter get, MakeGetter(condition.field()));
  MIXMATCH_ASSIGN_OR_RETURN(ValueTest test, MakeTest(condition));
  const bool wanted = condition.test_case() != v1::Condition::kExists || condition.exists();
  return ItemPredicate([get = std::move(get), test = std::move(test), wanted](const v1::Item& item) {
    for (const v1::MetadataValue& value : get(item)) {
      if (test(value)) return wanted;
    }
    return !wanted;
  });
}

absl::StatusOr<ItemPredicate> Compile(const v1::Filter& filter, int depth, int& conditions);

absl::StatusOr<std::vector<ItemPredicate>> CompileList(const v1::FilterList& list, int depth, int& conditions) {
  std::vector<ItemPredicate> predicates;
  for (const v1::Filter& filter : list.filters()) {
    MIXMATCH_ASSIGN_OR_RETURN(ItemPredicate predicate, Compile(filter, depth + 1, conditions));
    if (!predicate) predicate = [](const v1::Item&) { return true; };
    predicates.push_back(std::move(predicate));
  }
  return predicates;
}

absl::StatusOr<ItemPredicate> Compile(const v1::Filter& filter, int depth, int& conditions) {
  if (depth > kMostDepth || ++conditions > kMostConditions) {
    return absl::InvalidArgumentError(absl::StrCat("filter: wanted at most ", kMostDepth, " levels and ",
                                                   kMostConditions, " conditions; use `in` for many values"));
  }
  switch (filter.kind_case()) {
    case v1::Filter::KIND_NOT_SET:
      return ItemPredicate();
    case v1::Filter::kCondition:
      return CompileCondition(filter.condition());
    case v1::Filter::kNot: {
      MIXMATCH_ASSIGN_OR_RETURN(ItemPredicate inner, Compile(filter.not_(), depth + 1, conditions));
      return ItemPredicate([inner = std::move(inner)](const v1::Item& item) { return inner && !inner(item); });
    }
    case v1::Filter::kAll: {
      MIXMATCH_ASSIGN_OR_RETURN(auto list, CompileList(filter.all(), depth, conditions));
      return ItemPredicate([list = std::move(list)](const v1::Item& item) {
        for (const ItemPredicate& predicate : list) {
          if (!predicate(item)) return false;
        }
        return true;
      });
    }
    case v1::Filter::kAny: {
      MIXMATCH_ASSIGN_OR_RETURN(auto list, CompileList(filter.any(), depth, conditions));
      return ItemPredicate([list = std::move(list)](const v1::Item& item) {
        for (const ItemPredicate& predicate : list) {
          if (predicate(item)) return true;
        }
        return false;
      });
    }
  }
  return ItemPredicate();
}

}  // namespace

absl::StatusOr<ItemPredicate> CompileFilter(const v1::Filter& filter) {
  int conditions = 0;
  return Compile(filter, 0, conditions);
}

}  // namespace mixmatch::server
