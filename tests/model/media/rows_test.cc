// The parsers of tables and series: what they read, what they refuse, and bytes made to break them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "model/media/worker/delimited.h"
#include "model/media/worker/json_lines.h"
#include "model/media/worker/npy.h"
#include "model/media/worker/raw_series.h"
#include "model/media/worker/table.h"
#include "model/media/worker/table_series.h"

namespace mixmatch::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr RowLimits kLimits = {1'000'000, 4096, 65'536};

// A .npy file of version 1.
std::string Npy(std::string header, const std::string& data) {
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out.push_back(static_cast<char>(header.size() & 255));
  out.push_back(static_cast<char>(header.size() >> 8));
  return out + header + data;
}

std::string HeaderOf(const std::string& type, const std::string& by_column, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + by_column + ", 'shape': (" + shape + "), }";
}

std::string SixFloats() {
  const float values[] = {1, 2, 3, 4, 5, 6};
  return std::string(reinterpret_cast<const char*>(values), sizeof(values));
}

absl::StatusCode CodeOf(absl::string_view csv, const RowLimits& limits = kLimits) {
  return ParseDelimited(csv, ',', limits).status().code();
}

TEST(DelimitedTest, QuotedCellsHoldDelimitersQuotesAndEndsOfRows) {
  const auto rows = ParseDelimited("a,b\r\n\"x, \"\"y\"\"\nz\",2\n\n3\n", ',', kLimits);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->columns, 2u);
  EXPECT_THAT(rows->cells, ElementsAre("a", "b", "x, \"y\"\nz", "2", "3", ""));
}

TEST(DelimitedTest, ALongerRowAndAnOpenQuoteAreErrorsThatNameTheRow) {
  EXPECT_THAT(std::string(ParseDelimited("a,b\n1,2\n1,2,3\n", ',', kLimits).status().message()),
              HasSubstr("row 3 has 3"));
  EXPECT_THAT(std::string(ParseDelimited("a,b\n\"open,2\n", ',', kLimits).status().message()), HasSubstr("row 2"));
  EXPECT_TRUE(ParseDelimited("a,b\n1,2,,\n", ',', kLimits).ok());
}

TEST(DelimitedTest, WhatIsBeyondALimitIsResourceExhausted) {
  EXPECT_EQ(CodeOf(std::string(1'000'000, ',')), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("a\n" + std::string(70'000, 'x')), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("a,b\n1,2\n3,4\n", {5, 10, 10}), absl::StatusCode::kResourceExhausted);
}

TEST(DelimitedTest, TheDelimiterIsTheOneThatCutsRowsAlikeAndProseHasNone) {
  EXPECT_EQ(SniffDelimiter("a;b\n1,5;2\n2,5;3\n"), ';');
  EXPECT_EQ(SniffDelimiter("a\tb\n1\t2\n"), '\t');
  EXPECT_EQ(SniffDelimiter("Just prose here.\nAnd, more of it.\nYes.\n"), 0);
}

TEST(JsonLinesTest, NestedObjectsBecomeColumnsAndArraysStayJson) {
  const auto rows = ParseJsonLines("{\"a\":1,\"b\":{\"c\":\"x\\u00e9\"}}\n"
                                   "{\"b\":{\"c\":null},\"d\":[1,{\"e\":2}]}\n", kLimits);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(rows->cells, ElementsAre("a", "b.c", "d", "1", "x\xc3\xa9", "", "", "", "[1,{\"e\":2}]"));
}

TEST(JsonLinesTest, BadLinesAreNamedAndDeepNestingIsRefused) {
  EXPECT_THAT(std::string(ParseJsonLines("{\"a\":1}\nnope\n", kLimits).status().message()), HasSubstr("line 2"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_EQ(ParseJsonLines(deep, kLimits).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ParseJsonLines("{\"a\":" + std::string(100'000, '['), kLimits).ok());
}

TEST(TableSeriesTest, DatesWithMostlyNumbersAreASeriesWithUnitsAndGaps) {
  const auto timed = AsSeries(
      MakeTable(2, {"date", "temp (C)", "2012-01-01", "1.5", "2012-01-02", "2.5", "2012-01-03", "NA"}));
  ASSERT_TRUE(timed.has_value());
  EXPECT_EQ(timed->observed_unix_seconds, 1325376000);
  EXPECT_THAT(timed->series.channels, ElementsAre("temp"));
  EXPECT_THAT(timed->series.units, ElementsAre("C"));
  EXPECT_THAT(timed->series.seconds, ElementsAre(0, 86400, 172800));
  EXPECT_TRUE(std::isnan(timed->series.values[2]));
}

TEST(TableSeriesTest, MostlyWordsOrTimesThatGoBackStayATable) {
  const std::vector<std::string> words = {"date",       "temp", "sky", "2012-01-01", "1", "rain",
                                          "2012-01-02", "2",    "sun", "2012-01-03", "3", "sun"};
  const std::vector<std::string> back = {"date", "temp", "2012-01-03", "1", "2012-01-02", "2", "2012-01-01", "3"};
  EXPECT_FALSE(AsSeries(MakeTable(3, words)).has_value());
  EXPECT_FALSE(AsSeries(MakeTable(2, back)).has_value());
}

TEST(TableSeriesTest, TimesBeyondAnyYearThatCanBeToldStayATable) {
  EXPECT_FALSE(AsSeries(MakeTable(2, {"seconds", "v", "1", "1", "2", "2", "999999999999", "3"})).has_value());
  EXPECT_FALSE(AsSeries(MakeTable(2, {"seconds", "v", "-999999999999", "1", "2", "2", "3", "3"})).has_value());
}

TEST(NpyTest, RowsAreSamplesInEitherOrderOfMemory) {
  const auto by_row = ParseNpy(Npy(HeaderOf("<f4", "False", "3, 2"), SixFloats()), 0.5, 64, 100);
  ASSERT_TRUE(by_row.ok()) << by_row.status();
  EXPECT_THAT(by_row->values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(by_row->seconds, ElementsAre(0, 0.5, 1));
  const auto by_column = ParseNpy(Npy(HeaderOf("<f4", "True", "3, 2"), SixFloats()), 1, 64, 100);
  ASSERT_TRUE(by_column.ok()) << by_column.status();
  EXPECT_THAT(by_column->values, ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(NpyTest, HugeShapesOtherTypesAndCutFilesAreRefused) {
  const std::string huge = HeaderOf("<f4", "False", "9223372036854775807, 2");
  EXPECT_EQ(ParseNpy(Npy(huge, SixFloats()), 1, 64, 100).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(ParseNpy(Npy(HeaderOf("<c8", "False", "3,"), SixFloats()), 1, 64, 100).ok());
  EXPECT_FALSE(ParseNpy(Npy(HeaderOf("<f4", "False", "7,"), SixFloats()), 1, 64, 100).ok());
}

absl::StatusOr<DecodedSeries> Raw(const std::string& bytes, const std::string& parameters, int64_t max_values = 100) {
  const auto type = ParseRawSeriesType("application/x-raw-series; " + parameters, 64);
  if (!type.ok()) return type.status();
  return ParseRawSeries(bytes, *type, 64, max_values);
}

TEST(RawSeriesTest, RowsHaveTheRateChannelsNamesAndUnitsOfTheMediaType) {
  const auto series = Raw(SixFloats(), "rate_hz=2; channels=3; type=f32; names=x,y,z; units=g,,\"s\"");
  ASSERT_TRUE(series.ok()) << series.status();
  EXPECT_THAT(series->values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(series->seconds, ElementsAre(0, 0.5));
  EXPECT_THAT(series->channels, ElementsAre("x", "y", "z"));
  EXPECT_EQ(series->units[0], "g");
  const auto bare = Raw(SixFloats(), "type=f32;rate_hz=10");
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_THAT(bare->channels, ElementsAre("0"));
  EXPECT_THAT(bare->units, ElementsAre(""));
  EXPECT_EQ(bare->seconds.size(), 6u);
}

TEST(RawSeriesTest, EveryTypeIsReadInBothOrdersOfBytes) {
  const auto only = [](const std::string& bytes, const std::string& parameters) {
    const auto series = Raw(bytes, "rate_hz=1; " + parameters);
    return series.ok() && series->values.size() == 1 ? series->values[0] : -1e9f;
  };
  EXPECT_EQ(only("\xfe", "type=i8"), -2);
  EXPECT_EQ(only("\xfe", "type=u8"), 254);
  EXPECT_EQ(only("\xfe\xff", "type=i16"), -2);
  EXPECT_EQ(only("\xff\xfe", "type=i16; order=big"), -2);
  EXPECT_EQ(only(std::string("\x01\x00", 2), "type=u16; order=big"), 256);
  EXPECT_EQ(only("\xfe\xff\xff\xff", "type=i32"), -2);
  EXPECT_EQ(only(std::string("\0\0\0\x07", 4), "type=u32; order=big"), 7);
  EXPECT_EQ(only(std::string("\0\0\0\0\0\0\0\x07", 8), "type=u64; order=big"), 7);
  EXPECT_EQ(only("\xff\xff\xff\xff\xff\xff\xff\xff", "type=i64"), -1);
  EXPECT_EQ(only(std::string("\x00\x3c", 2), "type=f16"), 1);
  EXPECT_EQ(only(std::string("\xbf\x80\0\0", 4), "type=f32; order=big"), -1);
  EXPECT_EQ(only(std::string("\x3f\xf0\0\0\0\0\0\0", 8), "type=f64; order=big"), 1);
  EXPECT_TRUE(std::isnan(only(std::string("\0\0\x80\x7f", 4), "type=f32"))) << "infinite: missing";
}

TEST(RawSeriesTest, ABadParameterAndRowsThatAreNotWholeAreErrorsThatNameThem) {
  const auto message = [](const std::string& parameters) { return std::string(Raw(SixFloats(), parameters).status().message()); };
  EXPECT_THAT(message("channels=2; type=f32"), HasSubstr("rate_hz"));
  EXPECT_THAT(message("rate_hz=0; type=f32"), HasSubstr("rate_hz"));
  EXPECT_THAT(message("rate_hz=1e300; type=f32"), HasSubstr("rate_hz"));
  for (const std::string type : {"", "type=f8", "type=i24", "type=b8", "type=float", "type=i0", "type=i-8"}) {
    EXPECT_THAT(message("rate_hz=1; " + type), HasSubstr("none of f16")) << type;
  }
  EXPECT_THAT(message("rate_hz=1; type=f32; channels=0"), HasSubstr("channels"));
  EXPECT_THAT(message("rate_hz=1; type=f32; channels=-1"), HasSubstr("channels"));
  EXPECT_THAT(message("rate_hz=1; type=f32; order=middle"), HasSubstr("order"));
  EXPECT_THAT(message("rate_hz=1; type=f32; channels=2; names=x"), HasSubstr("1 names, wanted one for each of 2"));
  EXPECT_THAT(message("rate_hz=1; type=f32; channels=5"), HasSubstr("24 bytes, wanted whole rows of 5 x 4"));
  EXPECT_EQ(Raw("", "rate_hz=1; type=u8").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RawSeriesTest, WhatIsBeyondALimitIsResourceExhausted) {
  EXPECT_EQ(Raw(SixFloats(), "rate_hz=1; type=f32; channels=65").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Raw(SixFloats(), "rate_hz=1; type=f32", 5).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Raw(std::string(4000, 'a'), "rate_hz=1e-6; type=u8", 10'000).status().code(),
            absl::StatusCode::kResourceExhausted)
      << "more than a century";
}

TEST(RowsTest, MutatedFilesAreAnsweredByEveryParser) {
  const std::string seeds[] = {"date,temp (C)\n2012-01-01,1.5\n2012-01-02,\"2,5\"\n2012-01-03,NA\n",
                               "{\"a\":1,\"b\":{\"c\":\"\\ud83d\\ude00\"}}\n{\"a\":[1,{\"z\":true}],\"b\":null}\n",
                               Npy(HeaderOf("<f4", "False", "3, 2"), SixFloats())};
  const std::string marks = ",;\t\n\"'{}[]\\0123e.-";
  const RowLimits limits = {10'000, 64, 1000};
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = seeds[i % 3];
    for (int change = random() % 6; change >= 0; --change) {
      const size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.insert(at, 1, marks[random() % marks.size()]); break;
        case 2: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 20)); break;
        default: bytes.erase(at, 1 + random() % 5);
      }
      if (bytes.empty()) bytes = "a";
    }
    const char delimiter = SniffDelimiter(bytes);
    auto rows = ParseDelimited(bytes, delimiter == 0 ? ',' : delimiter, limits);
    if (rows.ok() && rows->columns > 0) {
      ASSERT_EQ(rows->cells.size() % rows->columns, 0u);
      const auto timed = AsSeries(MakeTable(rows->columns, std::move(rows->cells)));
      if (timed.has_value()) {
        ASSERT_EQ(timed->series.values.size(), timed->series.seconds.size() * timed->series.channels.size());
      }
    }
    LooksLikeJsonLines(bytes);
    if (const auto lines = ParseJsonLines(bytes, limits); lines.ok() && lines->columns > 0) {
      ASSERT_EQ(lines->cells.size() % lines->columns, 0u);
    }
    const std::string types[] = {"type=f64; channels=2; names=x,y", "type=u16; order=big; channels=3", "type=f16"};
    std::string type = "rate_hz=1e3; " + types[i % 3];
    if (random() % 2 == 0) type.erase(random() % type.size(), 1 + random() % 3);
    if (const auto series = Raw(bytes, type, 10'000); series.ok()) {
      ASSERT_EQ(series->values.size(), series->seconds.size() * series->channels.size());
      ASSERT_EQ(series->units.size(), series->channels.size());
    }
    if (const auto series = ParseNpy(bytes, 1.0, 64, 10'000); series.ok()) {
      ASSERT_EQ(series->values.size(), series->seconds.size() * series->channels.size());
    }
  }
}

}  // namespace
}  // namespace mixmatch::model
