#include "server/item_filter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"

namespace mixmatch::server {
namespace {

v1::Filter Parse(const std::string& text) {
  v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

v1::Item AnItem() {
  v1::Item item;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    item_id: 7 media_type: "image/png" modality: MODALITY_IMAGE name: "cat.png" source: "camera-3"
    metadata { key: "color" value { text: "red" } }
    metadata { key: "height" value { number: 1.5 } }
    metadata { key: "tame" value { flag: true } }
    observed_time { seconds: 100 nanos: 500000000 } created_time { seconds: 200 } duration { seconds: 3 }
    location { latitude: 48.8584 longitude: 2.2945 } size_bytes: 1000 event_ids: "walk" event_ids: "zoo")",
                                                            &item));
  return item;
}

bool Matches(const std::string& filter, const v1::Item& item = AnItem()) {
  const auto predicate = CompileFilter(Parse(filter));
  EXPECT_TRUE(predicate.ok()) << predicate.status() << " " << filter;
  return predicate.ok() && (!*predicate || (*predicate)(item));
}

bool Condition(const std::string& field, const std::string& test, const v1::Item& item = AnItem()) {
  return Matches(absl::StrCat("condition { field: '", field, "' ", test, " }"), item);
}

absl::StatusCode CodeOf(const std::string& filter) { return CompileFilter(Parse(filter)).status().code(); }

std::string Within(double latitude, double longitude, double meters) {
  return absl::StrCat("within { latitude: ", latitude, " longitude: ", longitude, " radius_meters: ", meters, " }");
}

TEST(ItemFilterTest, AnEmptyFilterStandsForAllItems) {
  const auto predicate = CompileFilter(v1::Filter());
  ASSERT_TRUE(predicate.ok());
  EXPECT_FALSE(*predicate) << "so that a search need not call it";
}

TEST(ItemFilterTest, EveryFieldCanBeComparedWithAValue) {
  EXPECT_TRUE(Condition("item_id", "equals { number: 7 }"));
  EXPECT_FALSE(Condition("item_id", "equals { number: 8 }"));
  EXPECT_TRUE(Condition("modality", "equals { text: 'image' }"));
  EXPECT_FALSE(Condition("modality", "equals { text: 'audio' }"));
  EXPECT_TRUE(Condition("media_type", "equals { text: 'image/png' }"));
  EXPECT_TRUE(Condition("name", "equals { text: 'cat.png' }"));
  EXPECT_TRUE(Condition("source", "equals { text: 'camera-3' }"));
  EXPECT_TRUE(Condition("size_bytes", "equals { number: 1000 }"));
  EXPECT_TRUE(Condition("observed_time", "equals { number: 100.5 }"));
  EXPECT_TRUE(Condition("created_time", "equals { number: 200 }"));
  EXPECT_TRUE(Condition("duration", "equals { number: 3 }"));
  EXPECT_TRUE(Condition("metadata.color", "equals { text: 'red' }"));
  EXPECT_TRUE(Condition("metadata.height", "equals { number: 1.5 }"));
  EXPECT_TRUE(Condition("metadata.tame", "equals { flag: true }"));
  EXPECT_FALSE(Condition("metadata.tame", "equals { flag: false }"));
}

TEST(ItemFilterTest, AnEventIdHoldsIfAnyEventOfTheItemMeetsIt) {
  EXPECT_TRUE(Condition("event_id", "equals { text: 'walk' }"));
  EXPECT_TRUE(Condition("event_id", "equals { text: 'zoo' }"));
  EXPECT_FALSE(Condition("event_id", "equals { text: 'sea' }"));
  EXPECT_TRUE(Condition("event_id", "prefix: 'zo'"));
}

TEST(ItemFilterTest, TextAndNumbersNeverEqualEachOther) {
  EXPECT_FALSE(Condition("item_id", "equals { text: '7' }"));
  EXPECT_FALSE(Condition("name", "equals { number: 0 }"));
}

TEST(ItemFilterTest, InHoldsForAnyOfItsValues) {
  EXPECT_TRUE(Condition("metadata.color", "in { values { text: 'blue' } values { text: 'red' } }"));
  EXPECT_FALSE(Condition("metadata.color", "in { values { text: 'blue' } values { number: 1 } }"));
}

TEST(ItemFilterTest, ARangeIncludesItsBoundsAndIsOpenWhereNoneIsGiven) {
  EXPECT_TRUE(Condition("size_bytes", "range { min: 1000 max: 1000 }"));
  EXPECT_TRUE(Condition("size_bytes", "range { min: 1 }"));
  EXPECT_TRUE(Condition("size_bytes", "range { max: 1e9 }"));
  EXPECT_TRUE(Condition("size_bytes", "range { }"));
  EXPECT_FALSE(Condition("size_bytes", "range { min: 1000.5 }"));
  EXPECT_FALSE(Condition("size_bytes", "range { max: 999 }"));
  EXPECT_FALSE(Condition("name", "range { }")) << "text is in no range of numbers";
}

TEST(ItemFilterTest, APrefixIsOfTextOnly) {
  EXPECT_TRUE(Condition("name", "prefix: 'cat'"));
  EXPECT_TRUE(Condition("name", "prefix: ''"));
  EXPECT_FALSE(Condition("name", "prefix: 'at'"));
  EXPECT_FALSE(Condition("item_id", "prefix: '7'"));
}

TEST(ItemFilterTest, AnAbsentFieldFailsEveryConditionButItsAbsence) {
  const v1::Item bare;
  for (const char* field : {"media_type", "name", "source", "event_id", "observed_time", "duration", "metadata.color"}) {
    EXPECT_FALSE(Condition(field, "equals { text: '' }", bare)) << field;
    EXPECT_FALSE(Condition(field, "range { }", bare)) << field;
    EXPECT_FALSE(Condition(field, "prefix: ''", bare)) << field;
    EXPECT_FALSE(Condition(field, "exists: true", bare)) << field;
    EXPECT_TRUE(Condition(field, "exists: false", bare)) << field;
    EXPECT_TRUE(Condition(field, "exists: true")) << field;
    EXPECT_FALSE(Condition(field, "exists: false")) << field;
  }
  EXPECT_FALSE(Condition("location", Within(0, 0, 1e9), bare));
  EXPECT_TRUE(Condition("location", "exists: false", bare));
  EXPECT_TRUE(Condition("location", "exists: true"));
}

TEST(ItemFilterTest, ACircleHoldsWhatIsNoFartherThanItsRadius) {
  // The Louvre is 3.2 km from the Eiffel tower, Berlin 878 km.
  EXPECT_TRUE(Condition("location", Within(48.8606, 2.3376, 3300)));
  EXPECT_FALSE(Condition("location", Within(48.8606, 2.3376, 3000)));
  EXPECT_TRUE(Condition("location", Within(52.52, 13.405, 885e3)));
  EXPECT_FALSE(Condition("location", Within(52.52, 13.405, 870e3)));
  EXPECT_TRUE(Condition("location", Within(48.8584, 2.2945, 0))) << "the edge is within";
  EXPECT_TRUE(Condition("location", Within(-48.8584, -177.7055, 20'100e3))) << "the other side of the Earth";
}

TEST(ItemFilterTest, ACircleReachesOverTheDateLineAndThePoles) {
  v1::Item item;
  item.mutable_location()->set_latitude(10);
  item.mutable_location()->set_longitude(179.9);
  EXPECT_TRUE(Condition("location", Within(10, -179.9, 25e3), item));
  item.mutable_location()->set_latitude(89.9);
  EXPECT_TRUE(Condition("location", Within(89.9, -0.1, 25e3), item));
}

TEST(ItemFilterTest, ACircleIsOnEarthAndOnlyOfTheLocation) {
  const auto code = [](const std::string& field, const std::string& test) {
    return CodeOf(absl::StrCat("condition { field: '", field, "' ", test, " }"));
  };
  for (const std::string& bad :
       {Within(91, 0, 1), Within(0, 181, 1), Within(0, 0, -1), std::string("within { latitude: nan }")}) {
    EXPECT_EQ(code("location", bad), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(code("name", Within(0, 0, 1)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("location", "equals { number: 1 }"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("location", "range { }"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("location", Within(0, 0, 1)), absl::StatusCode::kOk);
}

TEST(ItemFilterTest, FiltersCombineByAllAnyAndNot) {
  const std::string yes = "filters { condition { field: 'item_id' exists: true } } ";
  const std::string no = "filters { condition { field: 'item_id' exists: false } } ";
  EXPECT_TRUE(Matches("all { " + yes + yes + "}"));
  EXPECT_FALSE(Matches("all { " + yes + no + "}"));
  EXPECT_TRUE(Matches("any { " + no + yes + "}"));
  EXPECT_FALSE(Matches("any { " + no + no + "}"));
  EXPECT_TRUE(Matches("all { }"));
  EXPECT_FALSE(Matches("any { }"));
  EXPECT_TRUE(Matches("not { condition { field: 'name' prefix: 'dog' } }"));
  EXPECT_FALSE(Matches("not { }")) << "an empty filter is true";
  EXPECT_TRUE(Matches("any { filters { } }")) << "an empty filter is true inside a list too";
}

TEST(ItemFilterTest, AnUnknownFieldIsRefused) {
  for (const char* field : {"", "colour", "metadata", "metadata.", "Item_Id", "parts", "name "}) {
    EXPECT_EQ(CodeOf(absl::StrCat("condition { field: '", field, "' exists: true }")),
              absl::StatusCode::kInvalidArgument)
        << field;
  }
  EXPECT_EQ(CodeOf("not { all { filters { condition { field: 'x' exists: true } } } }"),
            absl::StatusCode::kInvalidArgument);
}

TEST(ItemFilterTest, AConditionWithoutATestOrAValueIsRefused) {
  EXPECT_EQ(CodeOf("condition { field: 'name' }"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("condition { field: 'name' equals { } }"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("condition { field: 'name' in { } }"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("condition { field: 'item_id' range { min: nan } }"), absl::StatusCode::kInvalidArgument);
}

TEST(ItemFilterTest, InTakesUpTo1000Values) {
  v1::Filter filter;
  filter.mutable_condition()->set_field("item_id");
  for (int i = 0; i < 1000; ++i) filter.mutable_condition()->mutable_in()->add_values()->set_number(i);
  EXPECT_TRUE(CompileFilter(filter).ok());
  filter.mutable_condition()->mutable_in()->add_values()->set_number(1000);
  EXPECT_TRUE(absl::IsInvalidArgument(CompileFilter(filter).status()));
}

v1::Filter Nested(int depth) {
  v1::Filter filter;
  filter.mutable_condition()->set_field("item_id");
  filter.mutable_condition()->set_exists(true);
  for (int i = 0; i < depth; ++i) {
    v1::Filter outer;
    *outer.mutable_not_() = filter;
    filter = outer;
  }
  return filter;
}

TEST(ItemFilterTest, AFilterIsAtMost16DeepAndHasAtMost256Conditions) {
  EXPECT_TRUE(CompileFilter(Nested(16)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CompileFilter(Nested(17)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CompileFilter(Nested(60)).status()));
  v1::Filter wide;
  for (int i = 0; i < 255; ++i) *wide.mutable_any()->add_filters() = Nested(0);
  EXPECT_TRUE(CompileFilter(wide).ok());
  for (int i = 0; i < 2; ++i) *wide.mutable_any()->add_filters() = Nested(0);
  EXPECT_TRUE(absl::IsInvalidArgument(CompileFilter(wide).status()));
}

}  // namespace
}  // namespace mixmatch::server
