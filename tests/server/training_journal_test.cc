#include "server/training_journal.h"

#include <gtest/gtest.h>

namespace mixmatch::server {
namespace {

v1::TrainingSample Sample(uint64_t steps, v1::TrainingMark mark = v1::TRAINING_MARK_UNSPECIFIED) {
  v1::TrainingSample sample;
  sample.set_steps(steps);
  sample.set_mark(mark);
  return sample;
}

TEST(TrainingJournalTest, AFullJournalDropsEverySecondSampleOfItsOlderHalf) {
  TrainingJournal journal;
  for (uint64_t i = 0; i < TrainingJournal::kMost; ++i) journal.Add(Sample(i));
  EXPECT_EQ(journal.samples().size(), TrainingJournal::kMost);
  journal.Add(Sample(TrainingJournal::kMost));
  ASSERT_EQ(journal.samples().size(), 751u);
  for (size_t i = 0; i < 250; ++i) EXPECT_EQ(journal.samples()[i].steps(), 2 * i + 1);
  for (size_t i = 250; i < 751; ++i) EXPECT_EQ(journal.samples()[i].steps(), i + 250);
}

TEST(TrainingJournalTest, ItStaysBoundedAndOrderedForeverAndKeepsMarksLongest) {
  TrainingJournal journal;
  constexpr uint64_t kSamples = 20'000;
  for (uint64_t i = 0; i < kSamples; ++i) {
    journal.Add(Sample(i, i % 100 == 0 ? v1::TRAINING_MARK_REFUSED : v1::TRAINING_MARK_UNSPECIFIED));
    ASSERT_LE(journal.samples().size(), TrainingJournal::kMost);
  }
  size_t marks = 0;
  for (size_t i = 0; i < journal.samples().size(); ++i) {
    marks += journal.samples()[i].mark() == v1::TRAINING_MARK_REFUSED;
    if (i == 0) continue;
    EXPECT_LT(journal.samples()[i - 1].steps(), journal.samples()[i].steps());
  }
  EXPECT_EQ(marks, kSamples / 100);
  EXPECT_EQ(journal.samples().back().steps(), kSamples - 1);
}

TEST(TrainingJournalTest, MarksAloneAreBoundedToo) {
  TrainingJournal journal;
  for (uint64_t i = 0; i < 5000; ++i) {
    journal.Add(Sample(i, v1::TRAINING_MARK_PUBLISHED));
    ASSERT_LE(journal.samples().size(), TrainingJournal::kMost);
  }
}

TEST(TrainingJournalTest, ALookIsDueAtFirstEveryTwentyStepsAndAfterAFall) {
  TrainingJournal journal;
  EXPECT_TRUE(journal.Due(7));
  journal.Add(Sample(7));
  EXPECT_FALSE(journal.Due(8));
  EXPECT_FALSE(journal.Due(26));
  EXPECT_TRUE(journal.Due(27));
  EXPECT_TRUE(journal.Due(3)) << "an earlier training state was taken up";
}

TEST(TrainingJournalTest, WhatWasKeptIsRestoredWithinTheBound) {
  std::vector<v1::TrainingSample> kept;
  for (uint64_t i = 0; i < 3000; ++i) kept.push_back(Sample(i));
  TrainingJournal journal;
  journal.Restore(kept);
  EXPECT_LE(journal.samples().size(), TrainingJournal::kMost);
  EXPECT_EQ(journal.samples().back().steps(), 2999u);
  EXPECT_TRUE(journal.Due(3000));
}

}  // namespace
}  // namespace mixmatch::server
