#include "server/item_filter.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
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
constexpr char kLocation[] = "location";

// The value of a field, seen in the item itself.
struct FieldValue {
  enum Kind { kText, kNumber, kFlag, kPlace } kind = kText;
  absl::string_view text;
  double number = 0.0;  // Of a flag 0 or 1.
  const v1::Location* place = nullptr;
};

FieldValue Text(absl::string_view text) { return {FieldValue::kText, text, 0.0, nullptr}; }
FieldValue Number(double number) { return {FieldValue::kNumber, {}, number, nullptr}; }

using ValueTest = std::function<bool(const FieldValue&)>;
// Whether the test holds for a value of one field of an item: none where it is absent, several for event_id.
using Getter = std::function<bool(const v1::Item&, const ValueTest&)>;

// False for a value that has no kind.
bool ToFieldValue(const v1::MetadataValue& value, FieldValue& out) {
  switch (value.kind_case()) {
    case v1::MetadataValue::kText:
      out = Text(value.text());
      return true;
    case v1::MetadataValue::kNumber:
      out = Number(value.number());
      return true;
    case v1::MetadataValue::kFlag:
      out = {FieldValue::kFlag, {}, value.flag() ? 1.0 : 0.0, nullptr};
      return true;
    case v1::MetadataValue::KIND_NOT_SET:
      return false;
  }
  return false;
}

// The names are made once: filters are evaluated on every item.
absl::string_view ModalityName(v1::Modality modality) {
  static const auto* const names = [] {
    auto* made = new std::vector<std::string>;
    for (int i = 0; i < v1::Modality_ARRAYSIZE; ++i) {
      const std::string& name = v1::Modality_Name(static_cast<v1::Modality>(i));
      made->push_back(absl::AsciiStrToLower(absl::StripPrefix(name, "MODALITY_")));
    }
    return made;
  }();
  return v1::Modality_IsValid(modality) ? absl::string_view((*names)[modality]) : absl::string_view();
}

template <typename Time>
double Seconds(const Time& time) {
  return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
}

Getter OptionalText(const std::string& (v1::Item::*field)() const) {
  return [field](const v1::Item& item, const ValueTest& test) {
    const std::string& text = (item.*field)();
    return !text.empty() && test(Text(text));
  };
}

absl::StatusOr<Getter> MakeGetter(const std::string& field) {
  using v1::Item;
  if (absl::StartsWith(field, kMetadataPrefix) && field.size() > sizeof(kMetadataPrefix) - 1) {
    return Getter([key = field.substr(sizeof(kMetadataPrefix) - 1)](const Item& item, const ValueTest& test) {
      const auto found = item.metadata().find(key);
      FieldValue value;
      return found != item.metadata().end() && ToFieldValue(found->second, value) && test(value);
    });
  }
  if (field == "media_type") return OptionalText(&Item::media_type);
  if (field == "name") return OptionalText(&Item::name);
  if (field == "source") return OptionalText(&Item::source);
  if (field == "item_id") return Getter([](const Item& i, const ValueTest& t) { return t(Number(i.item_id())); });
  if (field == "size_bytes") return Getter([](const Item& i, const ValueTest& t) { return t(Number(i.size_bytes())); });
  if (field == "modality") {
    return Getter([](const Item& i, const ValueTest& test) { return test(Text(ModalityName(i.modality()))); });
  }
  if (field == "event_id") {
    return Getter([](const Item& i, const ValueTest& test) {
      return std::any_of(i.event_ids().begin(), i.event_ids().end(),
                         [&](const std::string& id) { return test(Text(id)); });
    });
  }
  if (field == "observed_time") {
    return Getter([](const Item& i, const ValueTest& test) {
      return i.has_observed_time() && test(Number(Seconds(i.observed_time())));
    });
  }
  if (field == "created_time") {
    return Getter([](const Item& i, const ValueTest& test) { return test(Number(Seconds(i.created_time()))); });
  }
  if (field == "duration") {
    return Getter(
        [](const Item& i, const ValueTest& test) { return i.has_duration() && test(Number(Seconds(i.duration()))); });
  }
  if (field == kLocation) {
    return Getter([](const Item& i, const ValueTest& test) {
      return i.has_location() && test(FieldValue{FieldValue::kPlace, {}, 0.0, &i.location()});
    });
  }
  return absl::InvalidArgumentError(
      "filter.field: unknown field; wanted item_id, modality, media_type, name, source, event_id, observed_time, "
      "created_time, duration, size_bytes, location or metadata.KEY");
}

// Metres between two places on a sphere, by the haversine formula: exact enough at any distance.
double Distance(double latitude_a, double longitude_a, double latitude_b, double longitude_b) {
  constexpr double kRadians = 3.14159265358979323846 / 180.0;
  constexpr double kEarth = 6'371'008.8;  // Mean radius (IUGG), metres.
  const double south = std::sin((latitude_b - latitude_a) * kRadians / 2);
  const double west = std::sin((longitude_b - longitude_a) * kRadians / 2);
  const double h =
      south * south + std::cos(latitude_a * kRadians) * std::cos(latitude_b * kRadians) * west * west;
  return 2 * kEarth * std::asin(std::sqrt(std::clamp(h, 0.0, 1.0)));
}

absl::StatusOr<ValueTest> MakeWithin(const v1::GeoCircle& circle) {
  if (!(circle.latitude() >= -90 && circle.latitude() <= 90 && circle.longitude() >= -180 &&
        circle.longitude() <= 180 && circle.radius_meters() >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter.within: got latitude ", circle.latitude(), ", longitude ", circle.longitude(),
                     ", radius_meters ", circle.radius_meters(), "; wanted -90 to 90, -180 to 180 and 0 or more"));
  }
  return ValueTest([circle](const FieldValue& value) {
    return value.kind == FieldValue::kPlace &&
           Distance(circle.latitude(), circle.longitude(), value.place->latitude(), value.place->longitude()) <=
               circle.radius_meters();
  });
}

// Texts and numbers, each kind in a set of its own: lists of a thousand values are asked of every item.
absl::StatusOr<ValueTest> MakeOneOf(const v1::ValueList& list) {
  if (list.values_size() < 1 || list.values_size() > kMostValues) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter.in: got ", list.values_size(), " values, wanted 1 to ", kMostValues));
  }
  absl::flat_hash_set<std::string> texts;
  absl::flat_hash_set<double> numbers, flags;
  for (const v1::MetadataValue& wanted : list.values()) {
    if (wanted.has_text()) texts.insert(wanted.text());
    if (wanted.has_number()) numbers.insert(wanted.number());
    if (wanted.has_flag()) flags.insert(wanted.flag() ? 1.0 : 0.0);
  }
  return ValueTest([texts = std::move(texts), numbers = std::move(numbers),
                    flags = std::move(flags)](const FieldValue& value) {
    switch (value.kind) {
      case FieldValue::kText:
        return texts.contains(value.text);
      case FieldValue::kNumber:
        return numbers.contains(value.number);
      case FieldValue::kFlag:
        return flags.contains(value.number);
      case FieldValue::kPlace:
        return false;
    }
    return false;
  });
}

absl::StatusOr<ValueTest> MakeTest(const v1::Condition& condition) {
  switch (condition.test_case()) {
    case v1::Condition::kEquals: {
      const v1::MetadataValue& wanted = condition.equals();
      switch (wanted.kind_case()) {
        case v1::MetadataValue::kText:
          return ValueTest([text = wanted.text()](const FieldValue& value) {
            return value.kind == FieldValue::kText && value.text == text;
          });
        case v1::MetadataValue::kNumber:
          return ValueTest([number = wanted.number()](const FieldValue& value) {
            return value.kind == FieldValue::kNumber && value.number == number;
          });
        case v1::MetadataValue::kFlag:
          return ValueTest([flag = wanted.flag() ? 1.0 : 0.0](const FieldValue& value) {
            return value.kind == FieldValue::kFlag && value.number == flag;
          });
        case v1::MetadataValue::KIND_NOT_SET:
          return absl::InvalidArgumentError("filter.equals: got no value");
      }
      break;
    }
    case v1::Condition::kIn:
      return MakeOneOf(condition.in());
    case v1::Condition::kRange: {
      const v1::Range& range = condition.range();
      if ((range.has_min() && std::isnan(range.min())) || (range.has_max() && std::isnan(range.max()))) {
        return absl::InvalidArgumentError("filter.range: got a bound that is not a number");
      }
      return ValueTest([has_min = range.has_min(), min = range.min(), has_max = range.has_max(),
                        max = range.max()](const FieldValue& value) {
        return value.kind == FieldValue::kNumber && (!has_min || value.number >= min) &&
               (!has_max || value.number <= max);
      });
    }
    case v1::Condition::kPrefix:
      return ValueTest([prefix = condition.prefix()](const FieldValue& value) {
        return value.kind == FieldValue::kText && absl::StartsWith(value.text, prefix);
      });
    case v1::Condition::kExists:
      return ValueTest([](const FieldValue&) { return true; });
    case v1::Condition::kWithin:
      return MakeWithin(condition.within());
    case v1::Condition::TEST_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "filter.condition: got no test; set one of equals, in, range, exists, prefix, within");
}

absl::StatusOr<ItemPredicate> CompileCondition(const v1::Condition& condition) {
  MIXMATCH_ASSIGN_OR_RETURN(Getter get, MakeGetter(condition.field()));
  MIXMATCH_ASSIGN_OR_RETURN(ValueTest test, MakeTest(condition));
  const bool is_place = condition.field() == kLocation;
  const bool asks_place = condition.test_case() == v1::Condition::kWithin;
  if (is_place != asks_place && condition.test_case() != v1::Condition::kExists) {
    return absl::InvalidArgumentError(
        "filter.condition: `within` is of the field location, which takes no other test than it and exists");
  }
  const bool wanted = condition.test_case() != v1::Condition::kExists || condition.exists();
  return ItemPredicate([get = std::move(get), test = std::move(test), wanted](const v1::Item& item) {
    return get(item, test) == wanted;
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
