#include "model/cells/cells.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace mixmatch::model {
namespace {

double NumberOf(absl::string_view cell) {
  double value;
  return ParseNumber(cell, &value) ? value : std::nan("");
}

double TimeOf(absl::string_view cell) {
  double value;
  return ParseTime(cell, &value) ? value : std::nan("");
}

ColumnType TypeOf(const std::vector<std::string>& cells) {
  return TypeOfColumn(cells.size(), [&](size_t i) { return absl::string_view(cells[i]); });
}

TEST(Cells, NumbersAreReadWithTheirSignsSeparatorsAndUnits) {
  EXPECT_EQ(NumberOf(" 12 "), 12);
  EXPECT_EQ(NumberOf("-3.5e4"), -35000);
  EXPECT_EQ(NumberOf("1,234.5"), 1234.5);
  EXPECT_EQ(NumberOf("1 234 567"), 1234567);
  EXPECT_EQ(NumberOf("1,5"), 1.5);
  EXPECT_EQ(NumberOf("12,345,678"), 12345678);
  EXPECT_DOUBLE_EQ(NumberOf("45 %"), 0.45);
  EXPECT_EQ(NumberOf("$12"), 12);
  EXPECT_EQ(NumberOf(".5"), 0.5);
}

TEST(Cells, WhatIsNoNumberIsNotReadAsOne) {
  for (const char* cell : {"", "-", "x1", "1x", "nan", "inf", "1e999", "0x10", "1,23,456", "1.2.3", "12-13", "%", "$", "e5", "192.168.1.1"}) {
    EXPECT_TRUE(std::isnan(NumberOf(cell))) << cell;
  }
  EXPECT_TRUE(std::isnan(NumberOf(std::string(5000, '1'))));
}

TEST(Cells, TimesAreReadAsSecondsSince1970) {
  EXPECT_EQ(TimeOf("1970-01-02"), 86400);
  EXPECT_EQ(TimeOf("1970/01/02"), 86400);
  EXPECT_EQ(TimeOf("1970-02"), 31 * 86400);
  EXPECT_EQ(TimeOf("2.1.1970"), 86400);
  EXPECT_EQ(TimeOf("1/2/1970"), 86400);
  EXPECT_EQ(TimeOf("13/02/1970"), (31 + 12) * 86400);
  EXPECT_EQ(TimeOf("1970-01-01 01:02"), 3720);
  EXPECT_DOUBLE_EQ(TimeOf("1970-01-01T00:00:01.25Z"), 1.25);
  EXPECT_EQ(TimeOf("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(TimeOf("2012-01-01"), 1325376000);
}

TEST(Cells, WhatIsNoTimeIsNotReadAsOne) {
  for (const char* cell : {"", "2021", "2021-13-01", "2021-02-30", "1-2", "12:30", "2021-03-04 25:00", "2021-03-04x", "3/4", "1.5.2", "0000-01-01"}) {
    EXPECT_TRUE(std::isnan(TimeOf(cell))) << cell;
  }
}

TEST(Cells, ACellHasTheMostSpecialTypeThatFits) {
  EXPECT_EQ(TypeOfCell("NA"), CellType::kEmpty);
  EXPECT_EQ(TypeOfCell("7"), CellType::kInteger);
  EXPECT_EQ(TypeOfCell("7.0"), CellType::kNumber);
  EXPECT_EQ(TypeOfCell("2020-01-01"), CellType::kTime);
  EXPECT_EQ(TypeOfCell("Yes"), CellType::kBoolean);
  EXPECT_EQ(TypeOfCell("rain"), CellType::kText);
}

TEST(Cells, AColumnMayHaveOneOddCellInTwenty) {
  std::vector<std::string> cells(20, "1.5");
  cells[3] = "see note";
  EXPECT_EQ(TypeOf(cells), ColumnType::kNumber);
  cells[4] = "see note";
  EXPECT_EQ(TypeOf(cells), ColumnType::kCategory);
}

TEST(Cells, FewDifferentShortTextsAreACategoryAndManyAreText) {
  std::vector<std::string> weather, names;
  for (int i = 0; i < 60; ++i) {
    weather.push_back(i % 3 == 0 ? "rain" : "sun");
    names.push_back("name " + std::to_string(i));
  }
  EXPECT_EQ(TypeOf(weather), ColumnType::kCategory);
  EXPECT_EQ(TypeOf(names), ColumnType::kText);
  EXPECT_EQ(TypeOf({"", "NA", "null"}), ColumnType::kEmpty);
  EXPECT_EQ(TypeOf({}), ColumnType::kEmpty);
}

}  // namespace
}  // namespace mixmatch::model
