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
    if (const auto series = ParseNpy(bytes, 1.0, 64, 10'000); series.ok()) {
      ASSERT_EQ(series->values.size(), series->seconds.size() * series->channels.size());
    }
  }
}

}  // namespace
}  // namespace mixmatch::model
