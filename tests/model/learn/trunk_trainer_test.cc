#include "model/learn/trunk_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "model/learn/pair_draw.h"

namespace mixmatch::model {
namespace {

constexpr int kLatents = 6;
constexpr int kDim = 32;

// A world where two modalities are two noisy views of one hidden cause: each token is the hidden numbers under a mixing
// of its modality and position.
class PlantedWorld {
 public:
  explicit PlantedWorld(uint64_t seed, int slots = 2) {
    std::mt19937_64 random(seed);
    mixing_.resize(slots);
    for (auto& slot : mixing_) {
      slot.resize(kTokens * 256 * kLatents);
      for (float& m : slot) m = normal_(random);
    }
  }

  TrainingEvent Event(uint64_t seed) const {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    float hidden[kLatents];
    for (float& h : hidden) h = normal(random);
    TrainingEvent event;
    for (int slot = 0; slot < mixing_.size(); ++slot) {
      TrainingPart part{slot, std::vector<uint8_t>(kTokens * 256)};
      for (int i = 0; i < kTokens * 256; ++i) {
        float sum = normal(random);
        for (int l = 0; l < kLatents; ++l) sum += mixing_[slot][i * kLatents + l] * hidden[l];
        part.tokens[i] = std::clamp(127.5f + 20 * sum, 0.0f, 255.0f);
      }
      event.parts.push_back(std::move(part));
    }
    return event;
  }

  std::vector<TrainingEvent> Events(int n, uint64_t first_seed) const {
    std::vector<TrainingEvent> out;
    for (int i = 0; i < n; ++i) out.push_back(Event(first_seed + i));
    return out;
  }

 private:
  static constexpr int kTokens = 3;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> mixing_;
};

std::shared_ptr<const Trunk> Untrained() { return *Trunk::Create(TrunkConfig::Tiny()); }

std::unique_ptr<TrunkTrainer> Trainer(const TrunkTrainerOptions& options,
                                      std::shared_ptr<const Trunk> from = Untrained()) {
  return *TrunkTrainer::Create(std::move(from), options);
}

std::vector<float> EncodeSlot(const Trunk& trunk, const std::vector<TrainingEvent>& events, int slot) {
  std::vector<TokenView> parts;
  for (const TrainingEvent& e : events) parts.push_back({slot, e.parts[slot].tokens});
  return *trunk.Encode(parts);
}

double Cosine(const std::vector<float>& a, int i, const std::vector<float>& b, int j) {
  double sum = 0;
  for (int d = 0; d < kDim; ++d) sum += double{a[i * kDim + d]} * b[j * kDim + d];
  return sum;
}

// The share of slot-0 parts whose event's slot-1 part is the nearest of all.
double RecallAt1(const Trunk& trunk, const std::vector<TrainingEvent>& events) {
  const std::vector<float> a = EncodeSlot(trunk, events, 0), b = EncodeSlot(trunk, events, 1);
  int found = 0;
  for (int i = 0; i < events.size(); ++i) {
    int best = 0;
    for (int j = 1; j < events.size(); ++j) {
      if (Cosine(a, i, b, j) > Cosine(a, i, b, best)) best = j;
    }
    found += best == i;
  }
  return found / static_cast<double>(events.size());
}

double MeanCosine(const Trunk& x, const Trunk& y, const std::vector<TrainingEvent>& events) {
  double sum = 0;
  for (int slot = 0; slot < 2; ++slot) {
    const std::vector<float> a = EncodeSlot(x, events, slot), b = EncodeSlot(y, events, slot);
    for (int i = 0; i < events.size(); ++i) sum += Cosine(a, i, b, i);
  }
  return sum / (2 * events.size());
}

// `steps` fresh batches of 32 events; the losses.
std::vector<double> Train(TrunkTrainer& trainer, const PlantedWorld& world, int steps, uint64_t first_seed) {
  std::vector<double> losses;
  for (int s = 0; s < steps; ++s) {
    absl::StatusOr<double> loss = trainer.Step(world.Events(32, first_seed + 32 * s));
    EXPECT_TRUE(loss.ok()) << loss.status();
    losses.push_back(loss.value_or(std::nan("")));
  }
  return losses;
}

TrunkTrainerOptions Fast() {
  TrunkTrainerOptions options;
  options.learning_rate = 2e-3;
  options.warmup_steps = 20;
  return options;
}

TEST(TrunkTrainer, FindsUnseenPartnersWhichTheUntrainedTrunkDoesNot) {
  const PlantedWorld world(1);
  const std::vector<TrainingEvent> held_out = world.Events(64, 1'000'000);
  const auto trainer = Trainer(Fast());
  const double before = RecallAt1(*Untrained(), held_out);
  const std::vector<double> losses = Train(*trainer, world, 200, 1);
  const double after = RecallAt1(**trainer->Snapshot(), held_out);
  RecordProperty("before", std::to_string(before));
  RecordProperty("after", std::to_string(after));
  EXPECT_LT(before, 0.15);
  EXPECT_GT(after, 0.5);
  EXPECT_LT(losses.back(), losses.front() - 1);
  EXPECT_EQ(trainer->steps(), 200);
}

TEST(TrunkTrainer, DistillationKeepsOldVectorsAndOldPartners) {
  const PlantedWorld first(1), second(2);
  const auto taught = Trainer(Fast());
  Train(*taught, first, 150, 1);
  const std::shared_ptr<const Trunk> published = *taught->Snapshot();
  const std::vector<TrainingEvent> held_out = first.Events(64, 1'000'000);

  // Half old, half new events: what is held on to is what is replayed.
  const auto go_on = [&](double distillation) {
    TrunkTrainerOptions options = Fast();
    options.distillation = distillation;
    const auto trainer = Trainer(options, published);
    for (int s = 0; s < 60; ++s) {
      std::vector<TrainingEvent> batch = first.Events(16, 500'000 + 16 * s);
      for (TrainingEvent& e : second.Events(16, 500'000 + 16 * s)) batch.push_back(std::move(e));
      EXPECT_TRUE(trainer->Step(batch).ok());
    }
    return *trainer->Snapshot();
  };
  const auto held = go_on(10), free = go_on(0);
  EXPECT_GT(MeanCosine(*published, *held, held_out), MeanCosine(*published, *free, held_out) + 0.02);
  EXPECT_GT(RecallAt1(*held, held_out), RecallAt1(*published, held_out) - 0.1);
}

TEST(TrunkTrainer, GoesOnAfterLoadAsIfItHadNeverStopped) {
  const PlantedWorld world(3);
  TrunkTrainerOptions options = Fast();
  options.average = 0.9;
  const auto whole = Trainer(options);
  Train(*whole, world, 6, 1);
  const std::string saved = *whole->Save();
  const std::vector<double> wanted = Train(*whole, world, 4, 1000);

  const auto resumed = Trainer(options);
  ASSERT_TRUE(resumed->Load(saved).ok());
  EXPECT_EQ(resumed->steps(), 6);
  const std::vector<double> got = Train(*resumed, world, 4, 1000);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-5) << "step " << i;
  const std::vector<TrainingEvent> probe = world.Events(8, 9000);
  EXPECT_NEAR(MeanCosine(**whole->Snapshot(), **resumed->Snapshot(), probe), 1, 1e-5);
}

TEST(TrunkTrainer, AlteredStateIsDataLossAndLeavesTheWeights) {
  const PlantedWorld world(4);
  const auto trainer = Trainer(Fast());
  Train(*trainer, world, 1, 1);
  const std::string saved = *trainer->Save();
  const std::string before = (*trainer->Snapshot())->ToBytes();
  for (size_t at = 0; at < saved.size(); at += saved.size() / 11) {
    std::string altered = saved;
    altered[at] ^= 4;
    EXPECT_EQ(trainer->Load(altered).code(), absl::StatusCode::kDataLoss) << at;
  }
  EXPECT_EQ(trainer->Load(saved.substr(0, saved.size() - 9)).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*trainer->Snapshot())->ToBytes(), before);
}

TEST(TrunkTrainer, StateOfAnotherConfigurationIsAFailedPrecondition) {
  TrunkConfig wide = TrunkConfig::Tiny();
  wide.width = 64;
  const auto trainer = Trainer(Fast());
  const auto other = Trainer(Fast(), *Trunk::Create(wide));
  EXPECT_EQ(trainer->Load(*other->Save()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(trainer->SetPublished(*Trunk::Create(wide), true).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TrunkTrainer, ALossThatIsNotFiniteIsAnErrorAndLeavesTheWeights) {
  TrunkTrainerOptions options = Fast();
  options.temperature = std::numeric_limits<double>::denorm_min();  // Logits overflow.
  const auto trainer = Trainer(options);
  const std::string before = (*trainer->Snapshot())->ToBytes();
  EXPECT_EQ(trainer->Step(PlantedWorld(5).Events(4, 1)).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ((*trainer->Snapshot())->ToBytes(), before);
  EXPECT_EQ(trainer->steps(), 0);
}

TEST(TrunkTrainer, ABatchOrEventThatIsTooSmallIsAnInvalidArgument) {
  const PlantedWorld world(6);
  const auto trainer = Trainer(Fast());
  EXPECT_EQ(trainer->Step(world.Events(1, 1)).status().code(), absl::StatusCode::kInvalidArgument);
  std::vector<TrainingEvent> events = world.Events(2, 1);
  events[1].parts.pop_back();
  EXPECT_EQ(trainer->Step(events).status().code(), absl::StatusCode::kInvalidArgument);
  events = world.Events(2, 1);
  events[0].parts[1].slot = 77;
  EXPECT_EQ(trainer->Step(events).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TrunkTrainer, WithoutAGpuCudaIsAFailedPreconditionThatSaysWhatToDo) {
  TrunkTrainerOptions options;
  options.cuda = true;
  const auto trainer = TrunkTrainer::Create(Untrained(), options);
  if (trainer.ok()) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(trainer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(trainer.status().message(), testing::HasSubstr("train on the CPU"));
}

TEST(TrunkTrainer, EventsThatAreAllAlikeDoNotBreakAStep) {
  const TrainingEvent event = PlantedWorld(7).Event(1);
  const auto trainer = Trainer(Fast());
  for (int s = 0; s < 3; ++s) {
    const absl::StatusOr<double> loss = trainer->Step({event, event, event});
    ASSERT_TRUE(loss.ok()) << loss.status();
    EXPECT_TRUE(std::isfinite(*loss));
  }
}

TEST(TrunkTrainer, RestartTakesTheWeightsOfThePublishedTrunk) {
  const PlantedWorld world(8);
  const auto trainer = Trainer(Fast());
  Train(*trainer, world, 3, 1);
  const auto published = Untrained();
  ASSERT_TRUE(trainer->SetPublished(published, false).ok());
  EXPECT_NE((*trainer->Snapshot())->ToBytes(), published->ToBytes());
  ASSERT_TRUE(trainer->SetPublished(published, true).ok());
  EXPECT_EQ((*trainer->Snapshot())->ToBytes(), published->ToBytes());
  EXPECT_EQ(trainer->steps(), 3);
}

// Parts as the modality rooms lay them out, of every kind of stem.
TrainingEvent RandomMedia(uint64_t seed) {
  std::mt19937_64 random(seed);
  TrainingEvent event;
  event.id = seed;
  const int tokens[] = {1 + static_cast<int>(seed % 7), 64, 4 * (1 + static_cast<int>(seed % 5)), 32};
  for (int slot = 0; slot < 4; ++slot) {
    event.parts.push_back({slot, std::vector<uint8_t>(tokens[slot] * 256)});
    for (uint8_t& b : event.parts.back().tokens) b = random() & 255;
  }
  return event;
}

TEST(TrunkTrainer, MemorisesAFewEventsOfAllModalitiesThroughTheirStemsWithMemoryAlteredViewsAndBfloat16) {
  TrunkTrainerOptions options = Fast();
  options.learning_rate = 2e-3;
  options.distillation = 0;
  options.parts_per_event = 4;
  options.memory = 64;
  options.augment = true;
  options.bf16 = true;
  TrunkConfig config = TrunkConfig::Small();
  config.width = 64;
  config.layers = 1;
  const auto trainer = Trainer(options, *Trunk::Create(config));
  std::vector<TrainingEvent> events;
  for (uint64_t e = 0; e < 8; ++e) events.push_back(RandomMedia(e));
  const double first = trainer->Step(events).value();
  double last = first;
  for (int step = 0; step < 40; ++step) last = trainer->Step(events).value();
  EXPECT_LT(last, first - 1.0);
}

// Sounds of two symbols, high and low, in some order, 32 frames each; the text beside them is noise.
TrainingEvent SpelledEvent(const std::vector<int>& spelling, uint64_t id) {
  std::mt19937_64 random(id);
  TrainingEvent event;
  event.id = id;
  TrainingPart text{0, std::vector<uint8_t>(256)}, sound{2, {}};
  for (uint8_t& byte : text.tokens) byte = random() % 4 * 60;
  for (int symbol : spelling) {
    for (int token = 0; token < 2 * 4; ++token) {
      const bool on = (token % 4 < 2) == (symbol == 1);
      for (int i = 0; i < 256; ++i) sound.tokens.push_back((on ? 200 : 60) + random() % 20);
    }
  }
  sound.spelling = spelling;
  event.parts = {text, sound};
  return event;
}

TEST(TrunkTrainer, LearnsToSpellSoundsAndGoesOnSpellingAfterLoad) {
  TrunkTrainerOptions options;
  options.distillation = 0;
  options.learning_rate = 2e-3;
  options.warmup_steps = 10;
  options.symbols = 2;
  options.spelling = 100;  // Of the loss, next to nothing else counts.
  const auto from = *Trunk::Create(TrunkConfig::Small());
  const auto trainer = Trainer(options, from);
  std::vector<TrainingEvent> events;
  for (int i = 0; i < 8; ++i) events.push_back(SpelledEvent({1 + (i & 1), 1 + (i >> 1 & 1), 1 + (i >> 2 & 1)}, i));
  const double first = *trainer->Step(events);
  for (int step = 0; step < 60; ++step) ASSERT_TRUE(trainer->Step(events).ok());
  const auto again = Trainer(options, from);
  ASSERT_TRUE(again->Load(*trainer->Save()).ok());
  const double last = *trainer->Step(events);
  EXPECT_LT(last, first / 3);
  EXPECT_DOUBLE_EQ(*again->Step(events), last);
}

TEST(TrunkTrainer, ASymbolThatIsNotKnownIsAnInvalidArgument) {
  TrunkTrainerOptions options;
  options.symbols = 2;
  const auto trainer = Trainer(options, *Trunk::Create(TrunkConfig::Small()));
  EXPECT_EQ(trainer->Step({SpelledEvent({1, 2}, 0), SpelledEvent({1, 3}, 1)}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TrunkTrainer, ASnapshotDoesNotChangeWhenTrainingGoesOn) {
  const PlantedWorld world(9);
  const auto trainer = Trainer(Fast());
  const auto snapshot = *trainer->Snapshot();
  const std::string before = snapshot->ToBytes();
  Train(*trainer, world, 2, 1);
  EXPECT_EQ(snapshot->ToBytes(), before);
}

TEST(PartsDraw, PrefersAnotherSlotAndNeverPairsAPartWithItself) {
  TrainingEvent event;
  for (const int slot : {0, 0, 0, 0, 0, 0, 2}) event.parts.push_back({slot, {}});
  std::mt19937_64 random(1);
  int across = 0;
  std::set<int> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<int> drawn = DrawParts(event, 2, random);
    ASSERT_EQ(drawn.size(), 2);
    ASSERT_NE(drawn[0], drawn[1]);
    seen.insert(drawn.begin(), drawn.end());
    across += event.parts[drawn[0]].slot != event.parts[drawn[1]].slot;
  }
  EXPECT_GT(across, 850);
  EXPECT_LT(across, 1000);
  EXPECT_EQ(seen.size(), 7);
}

TEST(PartsDraw, AnEventOfOneSlotPairsItsOwnParts) {
  TrainingEvent event;
  for (int i = 0; i < 2; ++i) event.parts.push_back({1, {}});
  std::mt19937_64 random(1);
  EXPECT_THAT(DrawParts(event, 2, random), testing::UnorderedElementsAre(0, 1));
}

TEST(PartsDraw, MoreThanTwoAreAllDifferentAndFewerWhereTheEventHasFewer) {
  TrainingEvent event;
  for (const int slot : {0, 1, 1}) event.parts.push_back({slot, {}});
  std::mt19937_64 random(1);
  EXPECT_THAT(DrawParts(event, 4, random), testing::UnorderedElementsAre(0, 1, 2));
}

TEST(TrunkTrainer, AStateOfFewerSlotsGoesOnWhereItStopped) {
  const PlantedWorld world(9);
  TrunkTrainerOptions options = Fast();
  options.average = 0.9;
  const auto four = Trainer(options);
  Train(*four, world, 5, 1);
  const auto six = Trainer(options, *Trunk::WithSlots(Untrained(), 6));
  ASSERT_TRUE(six->Load(*four->Save()).ok());
  EXPECT_EQ(six->steps(), 5);
  EXPECT_EQ((*six->Snapshot())->ToBytes(), (*Trunk::WithSlots(*four->Snapshot(), 6))->ToBytes());
  const std::vector<double> wanted = Train(*four, world, 3, 200), got = Train(*six, world, 3, 200);
  for (int s = 0; s < 3; ++s) EXPECT_NEAR(got[s], wanted[s], 1e-4) << s;
}

}  // namespace
}  // namespace mixmatch::model
