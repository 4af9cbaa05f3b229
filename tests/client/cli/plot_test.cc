#include "client/cli/plot.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::client {
namespace {

using testing::HasSubstr;
using testing::Not;

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

v1::TrainingSample* AddSample(v1::HistoryResponse& history, uint64_t steps, double loss) {
  v1::TrainingSample* sample = history.add_samples();
  sample->set_steps(steps);
  sample->set_loss(loss);
  sample->mutable_time()->set_seconds(1'700'000'000 + static_cast<int64_t>(steps));
  return sample;
}

void AddJudgement(v1::HistoryResponse& history, uint64_t steps, uint64_t trunk, v1::TrainingMark mark) {
  v1::TrainingSample* sample = AddSample(history, steps, 1.5);
  sample->set_probe_recall(0.25);
  sample->set_candidate_recall(0.75);
  sample->set_drift(0.125);
  sample->set_mark(mark);
  sample->set_marked_trunk(trunk);
}

v1::HistoryResponse Trained() {
  v1::HistoryResponse history;
  for (int i = 1; i <= 10; ++i) AddSample(history, i * 20, 4.0 / i);
  AddJudgement(history, 220, 71, v1::TRAINING_MARK_PUBLISHED);
  AddJudgement(history, 420, 72, v1::TRAINING_MARK_REFUSED);
  AddSample(history, 440, 1.25)->set_mark(v1::TRAINING_MARK_ROLLED_BACK);
  v1::TrunkRecord* trunk = history.add_trunks();
  trunk->set_trunk(72);
  trunk->set_probe_recall_after(0.75);
  return history;
}

TEST(PlotTest, EveryValueIsADotOfItsChart) {
  for (PlotAxis axis : {PlotAxis::kSteps, PlotAxis::kTime}) {
    const std::string page = TrainingPage(Trained(), "here", axis);
    EXPECT_EQ(Count(page, "<circle class=\"dot loss\""), 13);
    EXPECT_EQ(Count(page, "<circle class=\"dot probe\""), 2);
    EXPECT_EQ(Count(page, "<circle class=\"dot candidate\""), 2);
    EXPECT_EQ(Count(page, "<circle class=\"dot drift\""), 2);
  }
}

TEST(PlotTest, PublishedRefusedAndTakenBackTrunksAreMarkedWithTheirNumber) {
  const std::string page = TrainingPage(Trained(), "here", PlotAxis::kSteps);
  EXPECT_EQ(Count(page, "<line class=\"mark "), 3);
  EXPECT_EQ(Count(page, "<line class=\"mark published\""), 1);
  EXPECT_EQ(Count(page, "<line class=\"mark refused\""), 1);
  EXPECT_EQ(Count(page, "<line class=\"mark back\""), 1);
  EXPECT_THAT(page, HasSubstr("text-anchor=\"middle\">71</text>"));
  EXPECT_THAT(page, HasSubstr("text-anchor=\"middle\">72</text>"));
  EXPECT_THAT(page, HasSubstr("trunk 0 used again"));
}

TEST(PlotTest, AxesNameTheirUnits) {
  const std::string steps = TrainingPage(Trained(), "here", PlotAxis::kSteps);
  EXPECT_THAT(steps, HasSubstr("loss (nats)"));
  EXPECT_THAT(steps, HasSubstr(">training steps<"));
  EXPECT_THAT(steps, HasSubstr("text-anchor=\"middle\">200</text>"));
  const std::string time = TrainingPage(Trained(), "here", PlotAxis::kTime);
  EXPECT_THAT(time, HasSubstr(">time (UTC)<"));
  EXPECT_THAT(time, HasSubstr(">22:16:00</text>"));
}

// The frame of the second chart is 170 high and ends at 0 recall: y grows downwards.
TEST(PlotTest, AHigherRecallIsDrawnHigherByItsShareOfTheFrame) {
  const std::string page = TrainingPage(Trained(), "here", PlotAxis::kSteps);
  const auto y_of = [&](const std::string& dot) {
    const size_t at = page.find("cy=\"", page.find(dot));
    return std::stod(page.substr(at + 4));
  };
  EXPECT_NEAR(y_of("dot probe") - y_of("dot candidate"), 0.5 * 170, 0.11);
}

TEST(PlotTest, TheServersNameIsEscaped) {
  const std::string page = TrainingPage(Trained(), "</title><script>alert(1)</script>", PlotAxis::kSteps);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(PlotTest, ValuesThatAreNotFiniteAreLeftOut) {
  v1::HistoryResponse history = Trained();
  AddSample(history, 460, std::numeric_limits<double>::quiet_NaN());
  AddSample(history, 480, std::numeric_limits<double>::infinity());
  const std::string page = TrainingPage(history, "here", PlotAxis::kSteps);
  EXPECT_EQ(Count(page, "<circle class=\"dot loss\""), 13);
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("\"inf")));
}

TEST(PlotTest, ASingleSampleOrNoneStillMakesAPage) {
  v1::HistoryResponse history;
  EXPECT_THAT(TrainingPage(history, "here", PlotAxis::kTime), HasSubstr("no training step yet"));
  AddSample(history, 1, 2.0);
  const std::string page = TrainingPage(history, "here", PlotAxis::kSteps);
  EXPECT_EQ(Count(page, "<circle"), 1);
  EXPECT_THAT(page, HasSubstr("no judgement yet"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(PlotTest, TheTableListsTheNewestTrunksAndCountsTheOthers) {
  v1::HistoryResponse history = Trained();
  for (int i = 0; i < 40; ++i) history.add_trunks()->set_trunk(1);
  const std::string page = TrainingPage(history, "here", PlotAxis::kSteps);
  EXPECT_EQ(Count(page, "<tr><td>"), 30);
  EXPECT_THAT(page, HasSubstr("<td>72</td>"));
  EXPECT_THAT(page, HasSubstr("<td>0.750</td>"));
  EXPECT_THAT(page, HasSubstr("and 11 earlier ones"));
}

}  // namespace
}  // namespace mixmatch::client
