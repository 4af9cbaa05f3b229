#include "model/head/associative_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

namespace mixmatch::model {
namespace {

constexpr int kLatent = 6;

double Dot(absl::Span<const float> a, absl::Span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Events with a hidden cause of kLatent numbers, seen by two modalities through fixed random mixings with noise, beside
// strong nuisances that the modalities do not share.
class World {
 public:
  explicit World(std::vector<int> dims) : dims_(std::move(dims)) {
    for (int d : dims_) {
      cause_.push_back(Normal(kLatent * d));
      nuisance_.push_back(Normal(kLatent * d));
    }
  }
  std::vector<float> Cause() { return Normal(kLatent); }
  std::vector<float> See(int slot, const std::vector<float>& cause, float noise = 0.1f) {
    const std::vector<float> own = Normal(kLatent);
    std::vector<float> x = Normal(dims_[slot]);
    for (int i = 0; i < dims_[slot]; ++i) {
      x[i] = 0.7f + noise * x[i];
      for (int k = 0; k < kLatent; ++k) {
        x[i] += cause[k] * cause_[slot][k * dims_[slot] + i] + 3.0f * own[k] * nuisance_[slot][k * dims_[slot] + i];
      }
    }
    return x;
  }

 private:
  std::vector<float> Normal(int n) {
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& v : out) v = normal(random_);
    return out;
  }
  std::mt19937 random_{7};
  std::vector<int> dims_;
  std::vector<std::vector<float>> cause_, nuisance_;
};

struct Event {
  std::vector<std::vector<float>> features;
  std::vector<int> slots;
  std::vector<EventPart> parts() const {
    std::vector<EventPart> out;
    for (size_t i = 0; i < slots.size(); ++i) out.push_back({slots[i], features[i]});
    return out;
  }
};

std::vector<Event> MakeEvents(World& world, int count) {
  std::vector<Event> events;
  for (int e = 0; e < count; ++e) {
    const std::vector<float> cause = world.Cause();
    Event event;
    for (int slot : {0, 1, 1}) {  // One part of the first modality, two of the second.
      event.slots.push_back(slot);
      event.features.push_back(world.See(slot, cause));
    }
    events.push_back(event);
  }
  return events;
}

AssociativeHeadOptions SmallOptions() {
  AssociativeHeadOptions options;
  options.feature_dims = {30, 40};
  options.dim = 16;
  return options;
}

// Share of new causes whose view in modality 1 is nearest to their view in modality 0 among `count`.
double CrossRecall(World& world, const HeadMaps& maps, int count = 50) {
  std::vector<std::vector<float>> left, right;
  for (int i = 0; i < count; ++i) {
    const std::vector<float> cause = world.Cause();
    left.push_back(maps.Map(0, world.See(0, cause)).value());
    right.push_back(maps.Map(1, world.See(1, cause)).value());
  }
  int right_answers = 0;
  for (int i = 0; i < count; ++i) {
    int best = 0;
    for (int j = 1; j < count; ++j) {
      if (Dot(left[i], right[j]) > Dot(left[i], right[best])) best = j;
    }
    right_answers += best == i;
  }
  return static_cast<double>(right_answers) / count;
}

// Largest difference between the cosines that two heads give to pairs of `events`' parts.
double CosineDifference(const HeadMaps& a, const HeadMaps& b, const std::vector<Event>& events) {
  std::vector<std::vector<float>> in_a, in_b;
  for (const Event& event : events) {
    for (size_t i = 0; i < event.slots.size(); ++i) {
      in_a.push_back(a.Map(event.slots[i], event.features[i]).value());
      in_b.push_back(b.Map(event.slots[i], event.features[i]).value());
    }
  }
  double worst = 0;
  for (size_t i = 0; i < in_a.size(); ++i) {
    for (size_t j = 0; j < i; ++j) worst = std::max(worst, std::fabs(Dot(in_a[i], in_a[j]) - Dot(in_b[i], in_b[j])));
  }
  return worst;
}

TEST(AssociativeHeadTest, FindsTheSharedCauseOfTwoModalitiesUnderStrongerNuisances) {
  World world({30, 40});
  auto head = AssociativeHead::Create(SmallOptions()).value();
  const SolvedHead before = head->Solve().value();
  for (const Event& event : MakeEvents(world, 1000)) ASSERT_TRUE(head->Add(event.parts()).ok());
  EXPECT_EQ(head->queued(), 1000);
  const SolvedHead solved = head->Solve().value();
  EXPECT_EQ(solved.report.events, 1000);
  EXPECT_EQ(head->queued(), 0);
  EXPECT_LT(CrossRecall(world, *before.maps), 0.2);
  EXPECT_GT(CrossRecall(world, *solved.maps), 0.8);
}

TEST(AssociativeHeadTest, TheOrderOfEventsDoesNotMatter) {
  World world({30, 40});
  std::vector<Event> events = MakeEvents(world, 60);
  auto forward = AssociativeHead::Create(SmallOptions()).value();
  auto shuffled = AssociativeHead::Create(SmallOptions()).value();
  for (const Event& event : events) ASSERT_TRUE(forward->Add(event.parts()).ok());
  std::vector<size_t> order(events.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  for (size_t i : order) {
    std::vector<EventPart> parts = events[i].parts();
    std::reverse(parts.begin(), parts.end());
    ASSERT_TRUE(shuffled->Add(parts).ok());
    if (i % 7 == 0) {
      ASSERT_TRUE(shuffled->Fold().ok());
    }
  }
  EXPECT_LT(CosineDifference(*forward->Solve(30)->maps, *shuffled->Solve(30)->maps, events), 2e-3);
}

TEST(AssociativeHeadTest, RemovingAnEventLeavesWhatWasThereWithoutIt) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 80);
  auto never = AssociativeHead::Create(SmallOptions()).value();
  auto removed = AssociativeHead::Create(SmallOptions()).value();
  for (size_t i = 0; i < events.size(); ++i) {
    if (i >= 20) {
      ASSERT_TRUE(never->Add(events[i].parts(), 2.0).ok());
    }
    ASSERT_TRUE(removed->Add(events[i].parts(), 2.0).ok());
  }
  ASSERT_TRUE(removed->Solve().ok());
  for (size_t i = 0; i < 20; ++i) ASSERT_TRUE(removed->Remove(events[i].parts(), 2.0).ok());
  const SolvedHead after = removed->Solve(30).value();
  EXPECT_EQ(after.report.events, 60);
  EXPECT_LT(CosineDifference(*never->Solve(30)->maps, *after.maps, events), 2e-3);
}

TEST(AssociativeHeadTest, AfterForgettingItsSolutionAHeadIsAsIfItHadNeverSeenWhatWasRemovedWithFewIterationsToo) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 80);
  auto never = AssociativeHead::Create(SmallOptions()).value();
  auto removed = AssociativeHead::Create(SmallOptions()).value();
  for (size_t i = 0; i < events.size(); ++i) {
    if (i >= 20) {
      ASSERT_TRUE(never->Add(events[i].parts()).ok());
    }
    ASSERT_TRUE(removed->Add(events[i].parts()).ok());
  }
  ASSERT_TRUE(removed->Solve().ok());
  for (size_t i = 0; i < 20; ++i) ASSERT_TRUE(removed->Remove(events[i].parts()).ok());
  removed->ForgetSolution();
  EXPECT_LT(CosineDifference(*never->Solve(2)->maps, *removed->Solve(2)->maps, events), 2e-4);
}

TEST(AssociativeHeadTest, ARidgeSetLaterIsAsIfItHadBeenThereFromTheStart) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 60);
  AssociativeHeadOptions options = SmallOptions();
  auto changed = AssociativeHead::Create(options).value();
  options.ridge = 0.3;
  auto given = AssociativeHead::Create(options).value();
  for (const Event& event : events) {
    ASSERT_TRUE(changed->Add(event.parts()).ok());
    ASSERT_TRUE(given->Add(event.parts()).ok());
  }
  const auto before = changed->Solve()->maps;
  ASSERT_TRUE(changed->SetRidge(0.3).ok());
  changed->ForgetSolution();
  const auto after = changed->Solve()->maps;
  EXPECT_EQ(after->Serialize(), given->Solve()->maps->Serialize());
  EXPECT_NE(after->Serialize(), before->Serialize());
  EXPECT_EQ(changed->SetRidge(0.0).code(), absl::StatusCode::kInvalidArgument);
}

// Events whose second modality has `junk` more numbers of noise, which only a larger ridge keeps out.
std::vector<Event> WithJunk(const std::vector<Event>& events, int junk, uint32_t seed = 3) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<Event> wide = events;
  for (Event& event : wide) {
    for (size_t i = 0; i < event.slots.size(); ++i) {
      if (event.slots[i] != 1) continue;
      for (int k = 0; k < junk; ++k) event.features[i].push_back(normal(random));
    }
  }
  return wide;
}

AssociativeHeadOptions JunkOptions() {
  AssociativeHeadOptions options = SmallOptions();
  options.feature_dims = {30, 240};
  options.blocks = {{30}, {40, 200}};
  options.least_returning = 0;
  return options;
}

TEST(AssociativeHeadTest, ChosenRidgesKeepNoiseOutAndFindMore) {
  World world({30, 40});
  auto head = AssociativeHead::Create(JunkOptions()).value();
  for (const Event& event : WithJunk(MakeEvents(world, 150), 200)) ASSERT_TRUE(head->Add(event.parts()).ok());
  const std::vector<Event> asked = WithJunk(MakeEvents(world, 60), 200, 4);
  const auto recall = [&asked](const HeadMaps& maps) {
    int found = 0;
    for (const Event& query : asked) {
      const std::vector<float> vector = maps.Map(1, query.features[1]).value();
      const double own = Dot(vector, maps.Map(0, query.features[0]).value());
      found += std::none_of(asked.begin(), asked.end(), [&](const Event& other) {
        return &other != &query && Dot(vector, maps.Map(0, other.features[0]).value()) >= own;
      });
    }
    return static_cast<double>(found) / static_cast<double>(asked.size());
  };
  const double before = recall(*head->Solve()->maps);
  const RidgeReport report = head->ChooseRidges().value();
  EXPECT_EQ(report.held_out, 150);
  EXPECT_EQ(report.ridges, head->ridges());
  head->ForgetSolution();
  EXPECT_GT(recall(*head->Solve()->maps), before);
  EXPECT_GT(report.ridges[1][1], report.ridges[1][0]) << "the noise is in the second block";
}

TEST(AssociativeHeadTest, RidgesChosenAreAFunctionOfTheEventsNotOfTheirOrderNorOfWhatWasRemoved) {
  World world({30, 40});
  std::vector<Event> events = WithJunk(MakeEvents(world, 90), 200);
  auto forward = AssociativeHead::Create(JunkOptions()).value();
  auto shuffled = AssociativeHead::Create(JunkOptions()).value();
  for (size_t i = 0; i < 60; ++i) ASSERT_TRUE(forward->Add(events[i].parts()).ok());
  std::vector<size_t> order(events.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  for (size_t i : order) {
    std::reverse(events[i].slots.begin(), events[i].slots.end());
    std::reverse(events[i].features.begin(), events[i].features.end());
    ASSERT_TRUE(shuffled->Add(events[i].parts()).ok());
  }
  ASSERT_TRUE(shuffled->ChooseRidges().ok());
  for (size_t i = 60; i < 90; ++i) ASSERT_TRUE(shuffled->Remove(events[i].parts()).ok());
  const RidgeReport a = forward->ChooseRidges().value(), b = shuffled->ChooseRidges().value();
  EXPECT_EQ(a.held_out, 60);
  EXPECT_EQ(b.held_out, 60);
  for (size_t m = 0; m < a.ridges.size(); ++m) {
    for (size_t block = 0; block < a.ridges[m].size(); ++block) {
      EXPECT_NEAR(std::log(b.ridges[m][block] / a.ridges[m][block]), 0.0, 0.02) << m << " " << block;
    }
  }
}

TEST(AssociativeHeadTest, AHandfulOfEventsAndAModalityThatOccursAloneKeepTheDefaultRidge) {
  World world({30, 40, 20});
  AssociativeHeadOptions options = SmallOptions();
  options.feature_dims = {30, 40, 20};
  options.least_returning = 0;
  auto head = AssociativeHead::Create(options).value();
  EXPECT_EQ(head->ChooseRidges()->ridges, HeadRidges(3, {options.ridge}));
  const std::vector<Event> events = MakeEvents(world, 100);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(head->Add(events[i].parts()).ok());
  RidgeReport report = head->ChooseRidges().value();
  EXPECT_EQ(report.held_out, 0);
  EXPECT_EQ(report.ridges, HeadRidges(3, {options.ridge}));
  for (int i = 10; i < 100; ++i) {
    ASSERT_TRUE(head->Add(events[i].parts()).ok());
    const std::vector<float> one = world.See(2, world.Cause()), other = world.See(2, world.Cause());
    ASSERT_TRUE(head->Add({EventPart{2, one}, EventPart{2, other}}).ok());
  }
  report = head->ChooseRidges().value();
  EXPECT_GT(report.held_out, 0);
  EXPECT_EQ(report.ridges[2], std::vector<double>{options.ridge});
  EXPECT_NE(report.ridges[0], std::vector<double>{options.ridge});
}

TEST(AssociativeHeadTest, RidgesAreChosenWherePartsComeBackInOtherEventsAndElseStay) {
  World world({30, 40});
  std::vector<Event> events = WithJunk(MakeEvents(world, 100), 200);
  AssociativeHeadOptions options = JunkOptions();
  options.least_returning = 0.5;
  const auto chosen = [&options](const std::vector<Event>& learned) {
    auto head = AssociativeHead::Create(options).value();
    for (const Event& event : learned) EXPECT_TRUE(head->Add(event.parts()).ok());
    const RidgeReport report = head->ChooseRidges().value();
    EXPECT_FALSE(head->RidgesDue());
    return report;
  };
  const RidgeReport unique = chosen(events);
  EXPECT_EQ(unique.held_out, 0);
  EXPECT_EQ(unique.ridges, (HeadRidges{{options.ridge}, {options.ridge, options.ridge}}));
  // Four labels for all.
  for (size_t e = 4; e < events.size(); ++e) events[e].features[0] = events[e % 4].features[0];
  EXPECT_EQ(chosen(events).held_out, 100);
}

TEST(AssociativeHeadTest, ChosenRidgesAndWhatTheyAreChosenFromAreSavedAndLoaded) {
  World world({30, 40});
  auto head = AssociativeHead::Create(JunkOptions()).value();
  for (const Event& event : WithJunk(MakeEvents(world, 60), 200)) ASSERT_TRUE(head->Add(event.parts()).ok());
  ASSERT_TRUE(head->Fold().ok());
  EXPECT_TRUE(head->RidgesDue());
  const HeadRidges chosen = head->ChooseRidges()->ridges;
  EXPECT_FALSE(head->RidgesDue());
  auto loaded = AssociativeHead::Create(JunkOptions()).value();
  ASSERT_TRUE(loaded->Load(head->Save().value()).ok());
  EXPECT_EQ(loaded->ridges(), chosen);
  EXPECT_FALSE(loaded->RidgesDue());
  EXPECT_EQ(loaded->ChooseRidges()->ridges, chosen);
}

TEST(AssociativeHeadTest, AChoiceOfRidgesThatIsCancelledChangesNothing) {
  World world({30, 40});
  auto head = AssociativeHead::Create(JunkOptions()).value();
  for (const Event& event : WithJunk(MakeEvents(world, 60), 200)) ASSERT_TRUE(head->Add(event.parts()).ok());
  const HeadRidges before = head->ridges();
  int asked = 0;
  EXPECT_EQ(head->ChooseRidges([&asked] { return ++asked > 2; }).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(head->ridges(), before);
  EXPECT_TRUE(head->RidgesDue());
}

TEST(AssociativeHeadTest, RidgesThatDoNotFitAreRefused) {
  auto head = AssociativeHead::Create(JunkOptions()).value();
  EXPECT_TRUE(head->SetRidges({{0.1}, {0.2, 0.3}}).ok());
  for (const HeadRidges& bad : {HeadRidges{{0.1}}, HeadRidges{{0.1}, {0.2}}, HeadRidges{{0.1}, {0.2, 0.0}},
                                HeadRidges{{0.1}, {0.2, INFINITY}}}) {
    EXPECT_EQ(head->SetRidges(bad).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(head->ridges(), (HeadRidges{{0.1}, {0.2, 0.3}}));
  AssociativeHeadOptions options = JunkOptions();
  options.blocks[1] = {40, 100};
  EXPECT_EQ(AssociativeHead::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AssociativeHeadTest, RemovingEverythingFallsBackToTheRandomMaps) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 5);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  const std::string random = head->Solve()->maps->Serialize();
  for (const Event& event : events) ASSERT_TRUE(head->Add(event.parts()).ok());
  EXPECT_NE(head->Solve()->maps->Serialize(), random);
  for (const Event& event : events) ASSERT_TRUE(head->Remove(event.parts()).ok());
  EXPECT_EQ(head->Solve()->maps->Serialize(), random);
}

TEST(AssociativeHeadTest, AnAddAndItsRemoveInTheQueueCancel) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 3);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  for (const Event& event : events) ASSERT_TRUE(head->Add(event.parts()).ok());
  ASSERT_TRUE(head->Remove(events[0].parts(), 3.0).ok());  // Another weight: not the same.
  EXPECT_EQ(head->queued(), 4);
  for (const Event& event : events) ASSERT_TRUE(head->Remove(event.parts()).ok());
  EXPECT_EQ(head->queued(), 1);
  ASSERT_TRUE(head->Add(events[0].parts(), 3.0).ok());
  EXPECT_EQ(head->queued(), 0);
}

TEST(AssociativeHeadTest, WithNoEventsSimilarityWithinAModalityIsThatOfTheFeatures) {
  World world({30, 40});
  auto head = AssociativeHead::Create(SmallOptions()).value();
  const auto maps = head->Solve()->maps;
  const std::vector<float> x = world.See(0, world.Cause());
  std::vector<float> near = x;
  near[0] += 0.2f;
  const std::vector<float> far = world.See(0, world.Cause());
  EXPECT_GT(Dot(*maps->Map(0, x), *maps->Map(0, near)), 0.95);
  EXPECT_LT(Dot(*maps->Map(0, x), *maps->Map(0, far)), Dot(*maps->Map(0, x), *maps->Map(0, near)));
}

// A block of one space in both modalities: things that it shows alike, and that never occurred, are alike in the maps, with
// nothing learned and beside what was.
TEST(AssociativeHeadTest, ABlockOfOneSpaceIsComparableAcrossModalitiesWithoutEventsAndAfterThem) {
  constexpr int kOwn = 40, kShared = 30;
  AssociativeHeadOptions options;
  options.feature_dims = {kOwn + kShared, kOwn + kShared};
  options.blocks = {{kOwn, kShared}, {kOwn, kShared}};
  options.dim = 64;
  options.last_block_shared = true;
  auto head = AssociativeHead::Create(options).value();
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto see = [&](const std::vector<float>& shared) {
    std::vector<float> features(kOwn);
    for (float& v : features) v = normal(random);
    features.insert(features.end(), shared.begin(), shared.end());
    return features;
  };
  std::vector<std::vector<float>> things(20, std::vector<float>(kShared));
  for (std::vector<float>& thing : things) {
    for (float& v : thing) v = normal(random);
  }
  const auto found = [&](const HeadMaps& maps) {
    int first = 0;
    for (size_t asked = 0; asked < things.size(); ++asked) {
      const std::vector<float> query = *maps.Map(0, see(things[asked]));
      std::vector<double> scores;
      for (const std::vector<float>& thing : things) scores.push_back(Dot(query, *maps.Map(1, see(thing))));
      first += std::max_element(scores.begin(), scores.end()) == scores.begin() + static_cast<int64_t>(asked);
    }
    return first;
  };
  EXPECT_GE(found(*head->Solve().value().maps), 16);
  const std::vector<float> one = see(std::vector<float>(kShared, 0.5f)), two = see(std::vector<float>(kShared, -0.5f));
  ASSERT_TRUE(head->Add({{0, one}, {1, two}}, 1.0).ok());
  EXPECT_GE(found(*head->Solve().value().maps), 12);
  options.blocks.clear();
  EXPECT_EQ(AssociativeHead::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AssociativeHeadTest, AModalityWithoutEventsKeepsItsOwnSimilarity) {
  AssociativeHeadOptions options = SmallOptions();
  options.feature_dims = {30, 40, 50};
  World world({30, 40, 50});
  auto head = AssociativeHead::Create(options).value();
  for (const Event& event : MakeEvents(world, 50)) ASSERT_TRUE(head->Add(event.parts()).ok());
  std::vector<std::vector<float>> alone;
  for (int i = 0; i < 20; ++i) {
    alone.push_back(world.See(2, world.Cause()));
    if (i < 10) {
      ASSERT_TRUE(head->Add({EventPart{2, alone.back()}}).ok());
    }
  }
  const auto maps = head->Solve()->maps;
  for (int i = 0; i < 20; ++i) {
    std::vector<float> near = alone[i];
    for (size_t k = 0; k < near.size(); k += 5) near[k] += 0.3f;
    const std::vector<float> query = maps->Map(2, near).value();
    for (int j = 0; j < 20; ++j) {
      if (j != i) {
        EXPECT_GT(Dot(query, *maps->Map(2, alone[i])), Dot(query, *maps->Map(2, alone[j]))) << i << " " << j;
      }
    }
  }
}

TEST(AssociativeHeadTest, OneEventIsEnoughToFindItsPartsFromEachOther) {
  World world({30, 40});
  auto head = AssociativeHead::Create(SmallOptions()).value();
  std::vector<Event> events = MakeEvents(world, 8);
  for (size_t i = 1; i < events.size(); ++i) ASSERT_TRUE(head->Add(events[i].parts()).ok());
  ASSERT_TRUE(head->Solve().ok());
  ASSERT_TRUE(head->Add(events[0].parts()).ok());
  const auto maps = head->Solve()->maps;
  const std::vector<float> query = maps->Map(0, events[0].features[0]).value();
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_GT(Dot(query, *maps->Map(1, events[0].features[1])), Dot(query, *maps->Map(1, events[i].features[1]))) << i;
  }
}

TEST(AssociativeHeadTest, SaveAndLoadGoOnAsIfNothingHappened) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 60);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(head->Add(events[i].parts()).ok());
  ASSERT_TRUE(head->Solve().ok());
  for (int i = 40; i < 50; ++i) ASSERT_TRUE(head->Add(events[i].parts()).ok());  // Queued when saved.
  const std::string state = head->Save().value();
  auto loaded = AssociativeHead::Create(SmallOptions()).value();
  ASSERT_TRUE(loaded->Load(state).ok());
  EXPECT_EQ(loaded->Save().value(), state);
  for (int i = 50; i < 60; ++i) {
    ASSERT_TRUE(head->Add(events[i].parts()).ok());
    ASSERT_TRUE(loaded->Add(events[i].parts()).ok());
  }
  EXPECT_LT(CosineDifference(*head->Solve()->maps, *loaded->Solve()->maps, events), 1e-4);
}

TEST(AssociativeHeadTest, LoadRefusesDamagedOrForeignStateAndKeepsItsOwn) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 10);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  for (const Event& event : events) ASSERT_TRUE(head->Add(event.parts()).ok());
  const std::string state = head->Save().value();
  std::string damaged = state;
  damaged[state.size() / 2] ^= 1;
  EXPECT_EQ(head->Load(damaged).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(head->Load(state.substr(0, state.size() - 9)).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(head->Load("").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(head->Save().value(), state);
  AssociativeHeadOptions other = SmallOptions();
  other.feature_dims = {30, 41};
  EXPECT_EQ(AssociativeHead::Create(other).value()->Load(state).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(AssociativeHeadTest, BadEventsAreRefusedWhole) {
  auto head = AssociativeHead::Create(SmallOptions()).value();
  const std::vector<float> good(30, 1.0f);
  std::vector<float> bad(40, 1.0f);
  bad[39] = INFINITY;
  const EventPart part{0, good};
  EXPECT_EQ(head->Add({}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->Add({part, EventPart{1, bad}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->Add({part, EventPart{2, good}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->Add({part, EventPart{1, good}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->Add({part}, 0.0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->Add({part}, std::nan("")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(head->queued(), 0);
}

TEST(AssociativeHeadTest, AddsFromManyThreadsWhileSolvingAllCount) {
  World world({30, 40});
  const std::vector<Event> events = MakeEvents(world, 80);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < events.size(); i += 4) EXPECT_TRUE(head->Add(events[i].parts()).ok());
    });
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(head->Solve().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(head->Solve()->report.events, 80);
}

TEST(AssociativeHeadTest, CreateRefusesOptionsOutOfRange) {
  for (const auto& spoil : std::vector<void (*)(AssociativeHeadOptions&)>{
           [](AssociativeHeadOptions& o) { o.feature_dims.clear(); }, [](AssociativeHeadOptions& o) { o.feature_dims[0] = 0; },
           [](AssociativeHeadOptions& o) { o.dim = 1; }, [](AssociativeHeadOptions& o) { o.ridge = 0.0; },
           [](AssociativeHeadOptions& o) { o.single_weight = 2.0; }}) {
    AssociativeHeadOptions options = SmallOptions();
    spoil(options);
    EXPECT_EQ(AssociativeHead::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(AssociativeHeadTest, AModalityThatIsNeverSeenChangesNoMapAndTakesNoMoments) {
  World world({30, 40});
  AssociativeHeadOptions more = SmallOptions();
  more.feature_dims.push_back(3000);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  auto wide = AssociativeHead::Create(more).value();
  for (const Event& event : MakeEvents(world, 60)) {
    ASSERT_TRUE(head->Add(event.parts()).ok());
    ASSERT_TRUE(wide->Add(event.parts()).ok());
  }
  const auto maps = head->Solve(), wide_maps = wide->Solve();
  for (int slot : {0, 1}) {
    const std::vector<float> view = world.See(slot, world.Cause());
    EXPECT_EQ(*maps->maps->Map(slot, view), *wide_maps->maps->Map(slot, view)) << slot;
  }
  EXPECT_LT(wide->Save()->size(), head->Save()->size() + 200);  // The moments of 3,000 features would be 36 MB.
}

TEST(AssociativeHeadTest, AStateOfFewerModalitiesLoadsAndTheNewOneLearnsAfterwards) {
  World world({30, 40});
  AssociativeHeadOptions more = SmallOptions();
  more.feature_dims.push_back(20);
  const std::vector<Event> events = MakeEvents(world, 60);
  auto head = AssociativeHead::Create(SmallOptions()).value();
  for (const Event& event : events) ASSERT_TRUE(head->Add(event.parts()).ok());
  const auto solved = head->Solve();
  auto grown = AssociativeHead::Create(more).value();
  ASSERT_TRUE(grown->Load(*head->Save()).ok());
  const auto again = grown->Solve();
  EXPECT_EQ(again->report.events, 60);
  EXPECT_LT(CosineDifference(*solved->maps, *again->maps, events), 2e-2);
  const std::vector<float> third(20, 0.5f);
  ASSERT_TRUE(grown->Add({EventPart{0, events[0].features[0]}, EventPart{2, third}}).ok());
  EXPECT_EQ(grown->Solve()->report.events, 61);
  EXPECT_EQ(head->Load(*grown->Save()).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace mixmatch::model
