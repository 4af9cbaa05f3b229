#include "client/cpp/where.h"

#include <google/protobuf/text_format.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::client {
namespace {

v1::Filter Parsed(const std::string& text) {
  auto filter = ParseWhere(text);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() ? *filter : v1::Filter();
}

TEST(WhereTest, EmptyTextIsTheEmptyFilter) { EXPECT_EQ(Parsed("  ").kind_case(), v1::Filter::KIND_NOT_SET); }

TEST(WhereTest, AnUnknownNameIsAMetadataKeyAndAFieldIsItself) {
  EXPECT_EQ(Parsed("lang=fr").condition().field(), "metadata.lang");
  EXPECT_EQ(Parsed("modality=image").condition().field(), "modality");
  EXPECT_EQ(Parsed("metadata.name=x").condition().field(), "metadata.name");
}

TEST(WhereTest, ValuesAreNumbersFlagsOrText) {
  EXPECT_EQ(Parsed("a=12.5").condition().equals().number(), 12.5);
  EXPECT_TRUE(Parsed("a=true").condition().equals().flag());
  EXPECT_EQ(Parsed("a='12'").condition().equals().text(), "12");
  EXPECT_EQ(Parsed("a=\"two words\"").condition().equals().text(), "two words");
}

TEST(WhereTest, AndBindsTighterThanOr) {
  const v1::Filter filter = Parsed("a=1 or b=2 and c=3");
  ASSERT_EQ(filter.any().filters_size(), 2);
  EXPECT_EQ(filter.any().filters(1).all().filters_size(), 2);
}

TEST(WhereTest, ParenthesesAndNotNest) {
  const v1::Filter filter = Parsed("not (a=1 or not b!=2)");
  ASSERT_EQ(filter.not_().any().filters_size(), 2);
  EXPECT_EQ(filter.not_().any().filters(1).not_().not_().condition().field(), "metadata.b");
}

TEST(WhereTest, RangesAreClosedOrOpenAsWritten) {
  EXPECT_EQ(Parsed("y>=1990").condition().range().min(), 1990.0);
  EXPECT_GT(Parsed("y>1990").condition().range().min(), 1990.0);
  EXPECT_LT(Parsed("y<1990").condition().range().max(), 1990.0);
  EXPECT_FALSE(Parsed("y<1990").condition().range().has_min());
}

TEST(WhereTest, InExistsAndStarts) {
  EXPECT_EQ(Parsed("lang in (fr, de, 'en')").condition().in().values_size(), 3);
  EXPECT_TRUE(Parsed("lang exists").condition().exists());
  EXPECT_EQ(Parsed("name starts crow").condition().prefix(), "crow");
}

TEST(WhereTest, ACircleIsALocation) {
  const v1::Filter filter = Parsed("location within (-48.5, 2.25, 5000) and lang exists");
  const v1::Condition& condition = filter.all().filters(0).condition();
  EXPECT_EQ(condition.field(), "location");
  EXPECT_EQ(condition.within().latitude(), -48.5);
  EXPECT_EQ(condition.within().longitude(), 2.25);
  EXPECT_EQ(condition.within().radius_meters(), 5000);
}

class BadWhere : public testing::TestWithParam<const char*> {};

TEST_P(BadWhere, IsRefusedWithItsPlace) {
  const auto filter = ParseWhere(GetParam());
  EXPECT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(filter.status().message()), testing::HasSubstr("character"));
}

INSTANTIATE_TEST_SUITE_P(All, BadWhere,
                         testing::Values("lang", "lang=", "=fr", "a=1 b=2", "(a=1", "a=1)", "a<b", "a in fr", "a in (",
                                         "'open", "a='open", "not", "and", "a=1 and", "location within 1", "location within (1, 2)", "location within (a, 2, 3)", "a ~ b",
                                         "((((((((((((((((((((a=1))))))))))))))))))))"));

}  // namespace
}  // namespace mixmatch::client
