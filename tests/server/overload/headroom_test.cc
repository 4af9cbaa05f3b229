#include "server/overload/headroom.h"

#include <gtest/gtest.h>

#include <vector>

namespace mixmatch::server {
namespace {

using Memory = Headroom::Memory;

constexpr int64_t kMost = 1'000'000;

class HeadroomTest : public ::testing::Test {
 protected:
  HeadroomTest() : headroom_(Options(), [this] { return now_; }) {}

  static OverloadOptions Options() {
    OverloadOptions options;
    options.max_memory_bytes = kMost;
    options.min_free_bytes = 1000;
    options.min_free_share = 0.01;
    return options;
  }

  ResourceReading now_{0, 1'000'000, 1'000'000};
  Headroom headroom_;
};

TEST_F(HeadroomTest, MemoryIsRefusedStepByStepAndGivenAgainOnlyByAMargin) {
  struct Step {
    double share;
    Memory level;
  };
  for (const Step& step : std::vector<Step>{{0.50, Memory::kEnough},
                                            {0.85, Memory::kEnough},
                                            {0.86, Memory::kLittle},
                                            {0.82, Memory::kLittle},
                                            {0.79, Memory::kEnough},
                                            {0.84, Memory::kEnough},
                                            {0.96, Memory::kNone},
                                            {0.92, Memory::kNone},
                                            {0.89, Memory::kLittle},
                                            {0.81, Memory::kLittle},
                                            {0.80, Memory::kEnough}}) {
    now_.memory = static_cast<int64_t>(step.share * kMost);
    headroom_.ReadNow();
    EXPECT_EQ(headroom_.memory(), step.level) << step.share;
  }
}

TEST_F(HeadroomTest, ADiskIsLowBelowTheLargerOfBothAndUntilThereIsAQuarterMore) {
  EXPECT_EQ(headroom_.min_free(), 10'000) << "a hundredth of the disk is more than 1,000 bytes";
  const auto low_with = [&](int64_t free) {
    now_.disk_free = free;
    headroom_.ReadNow();
    return headroom_.disk_low();
  };
  EXPECT_FALSE(low_with(10'000));
  EXPECT_TRUE(low_with(9'999));
  EXPECT_TRUE(low_with(12'499));
  EXPECT_FALSE(low_with(12'500));
  EXPECT_FALSE(low_with(10'001));
}

TEST_F(HeadroomTest, ADiskThatCannotBeReadIsNotLow) {
  now_ = {};
  headroom_.ReadNow();
  EXPECT_FALSE(headroom_.disk_low());
}

TEST_F(HeadroomTest, SaysWhetherAnAllocationWouldFit) {
  now_.memory = 500'000;
  headroom_.ReadNow();
  EXPECT_TRUE(headroom_.HasMemoryFor(450'000));
  EXPECT_FALSE(headroom_.HasMemoryFor(450'001));
}

TEST(ReadingTest, TheMachineAndThisProcessAreThere) {
  EXPECT_GT(MostMemory(), 0);
  EXPECT_GT(ResidentBytes(), 0);
  EXPECT_LT(ResidentBytes(), MostMemory());
  EXPECT_GT(DiskSpace("/").disk_size, 0);
  EXPECT_EQ(DiskSpace("/no/such/place").disk_size, 0);
}

}  // namespace
}  // namespace mixmatch::server
