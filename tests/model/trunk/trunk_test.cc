#include "model/trunk/trunk.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "model/trunk/trunk_net.h"

namespace mixmatch::model {
namespace {

using Tokens = std::vector<uint8_t>;

Tokens RandomTokens(int n, uint64_t seed) {
  std::mt19937_64 random(seed);
  Tokens out(n * 256);
  for (uint8_t& b : out) b = random() & 255;
  return out;
}

std::shared_ptr<const Trunk> Tiny(uint64_t seed = 1) {
  TrunkConfig config = TrunkConfig::Tiny();
  config.seed = seed;
  return *Trunk::Create(config);
}

double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double{a[i]} - b[i]));
  return most;
}

TEST(Trunk, ARowDoesNotDependOnTheOthersInTheCall) {
  const auto trunk = Tiny();
  std::vector<Tokens> tokens;
  for (int i = 0; i < 150; ++i) tokens.push_back(RandomTokens(1 + (i * 37) % 64, i));
  std::vector<TokenView> parts;
  for (int i = 0; i < 150; ++i) parts.push_back({i % 4, tokens[i]});
  const std::vector<float> together = *trunk->Encode(parts);
  ASSERT_EQ(together.size(), 150 * 32);
  for (int i = 0; i < 150; i += 7) {
    const std::vector<float> alone = *trunk->Encode({parts[i]});
    const std::vector<float> row(together.begin() + i * 32, together.begin() + (i + 1) * 32);
    EXPECT_LT(Difference(alone, row), 1e-3) << "part " << i;
  }
}

TEST(Trunk, ARowThroughConvolutionsDoesNotDependOnTheOthersInTheCall) {
  const auto trunk = *Trunk::Create(TrunkConfig::Small());
  const size_t dim = trunk->config().output_dim;
  std::vector<Tokens> tokens;
  std::vector<TokenView> parts;
  for (int i = 0; i < 16; ++i) {
    const int count[] = {1 + i, 64, 4 * (1 + i % 16), 16 * (1 + i % 4)};
    tokens.push_back(RandomTokens(count[i % 4], i));
  }
  for (int i = 0; i < 16; ++i) parts.push_back({i % 4, tokens[i]});
  const std::vector<float> together = *trunk->Encode(parts);
  for (int i = 0; i < 16; ++i) {
    const std::vector<float> row(together.begin() + i * dim, together.begin() + (i + 1) * dim);
    EXPECT_LT(Difference(*trunk->Encode({parts[i]}), row), 1e-3) << "part " << i;
  }
}

TEST(Trunk, ProductsInBfloat16TurnNoRowByMoreThanAThousandth) {
  const c10::InferenceMode inference;
  const TrunkNet full = *TrunkNet::Create(TrunkConfig::Small());
  TrunkNet half = full;
  half.HoldForServing();
  for (int slot = 0; slot < full.config.slots; ++slot) {
    const Tokens a = RandomTokens(64, slot), b = RandomTokens(64, slot + 100);
    const std::vector<StemInput> inputs = full.Gather({{slot, a}, {slot, b}});
    const at::Tensor cosines = (full.Forward(inputs) * half.Forward(inputs)).sum(1);
    EXPECT_GT(cosines.min().item<float>(), 0.999f) << slot;
  }
}

TEST(Trunk, TokensThatAStemCannotReadAreAnInvalidArgument) {
  const auto trunk = *Trunk::Create(TrunkConfig::Small());
  const Tokens odd = RandomTokens(17, 1);
  EXPECT_TRUE(trunk->Encode({{0, odd}}).ok());
  for (int slot : {1, 2, 3}) {
    EXPECT_EQ(trunk->Encode({{slot, odd}}).status().code(), absl::StatusCode::kInvalidArgument) << slot;
  }
}

TEST(Trunk, EveryRowHasUnitLengthEvenOfConstantTokens) {
  const Tokens flat(256 * 3, 0), noise = RandomTokens(64, 5);
  const std::vector<float> rows = *Tiny()->Encode({{0, flat}, {3, noise}});
  for (int r = 0; r < 2; ++r) {
    double sum = 0;
    for (int i = 0; i < 32; ++i) sum += double{rows[r * 32 + i]} * rows[r * 32 + i];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(Trunk, TheSameSeedGivesTheSameRowsAndAnotherSeedOthers) {
  const Tokens tokens = RandomTokens(9, 1);
  const std::vector<TokenView> part = {{2, tokens}};
  EXPECT_EQ(*Tiny(7)->Encode(part), *Tiny(7)->Encode(part));
  EXPECT_GT(Difference(*Tiny(7)->Encode(part), *Tiny(8)->Encode(part)), 1e-2);
}

TEST(Trunk, TheOrderOfTokensAndTheSlotMatter) {
  const Tokens tokens = RandomTokens(4, 1);
  Tokens turned(tokens.begin() + 256, tokens.end());
  turned.insert(turned.end(), tokens.begin(), tokens.begin() + 256);
  const auto trunk = Tiny();
  const std::vector<float> row = *trunk->Encode({{0, tokens}});
  EXPECT_GT(Difference(row, *trunk->Encode({{0, turned}})), 1e-4);
  EXPECT_GT(Difference(row, *trunk->Encode({{1, tokens}})), 1e-2);
}

TEST(Trunk, ABadSlotOrNumberOfTokensIsAnInvalidArgument) {
  const auto trunk = Tiny();
  const Tokens good = RandomTokens(1, 1), none, torn(300), long_one = RandomTokens(65, 1);
  for (const TokenView& bad : {TokenView{-1, good}, TokenView{4, good}, TokenView{0, none}, TokenView{0, torn},
                               TokenView{0, long_one}}) {
    EXPECT_EQ(trunk->Encode({TokenView{0, good}, bad}).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(std::string(trunk->Encode({TokenView{9, good}}).status().message()), testing::HasSubstr("slot 9"));
  EXPECT_THAT(*trunk->Encode({}), testing::IsEmpty());
}

TEST(Trunk, AConfigurationOutOfBoundsIsAnInvalidArgument) {
  TrunkConfig config = TrunkConfig::Tiny();
  config.heads = 5;  // 32 is no multiple of it.
  EXPECT_EQ(Trunk::Create(config).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Trunk, BytesGiveBackTheSameTrunkToTheBit) {
  const auto trunk = Tiny(3);
  const std::string bytes = trunk->ToBytes();
  const auto copy = *Trunk::FromBytes(bytes);
  EXPECT_EQ(copy->ToBytes(), bytes);
  EXPECT_EQ(copy->config().seed, 3);
  const Tokens tokens = RandomTokens(20, 1);
  EXPECT_EQ(*copy->Encode({{1, tokens}}), *trunk->Encode({{1, tokens}}));
}

TEST(Trunk, CutOrAlteredBytesAreDataLoss) {
  const std::string bytes = Tiny()->ToBytes();
  for (const size_t cut : {size_t{0}, size_t{7}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_EQ(Trunk::FromBytes(bytes.substr(0, cut)).status().code(), absl::StatusCode::kDataLoss) << cut;
  }
  for (size_t at = 0; at < bytes.size(); at += bytes.size() / 23) {
    std::string altered = bytes;
    altered[at] ^= 16;
    EXPECT_EQ(Trunk::FromBytes(altered).status().code(), absl::StatusCode::kDataLoss) << at;
  }
}

TEST(Trunk, ManyThreadsEncodeTheSameRowsAsOne) {
  const auto trunk = Tiny();
  const Tokens tokens = RandomTokens(16, 1);
  const std::vector<float> wanted = *trunk->Encode({{0, tokens}});
  std::vector<std::thread> threads;
  std::vector<std::vector<float>> got(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { got[t] = *trunk->Encode({{0, tokens}}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& row : got) EXPECT_LT(Difference(row, wanted), 1e-5);
}

TEST(Trunk, SlotsThatAreAddedLeaveTheRowsOfTheOthersAsTheyWereToTheBit) {
  TrunkConfig four = TrunkConfig::Small();
  four.slots = 4;
  four.stems.resize(4);
  const auto trunk = *Trunk::Create(four);
  const auto grown = *Trunk::WithSlots(*Trunk::FromBytes(trunk->ToBytes()), 6);
  EXPECT_EQ(grown->config().slots, 6);
  EXPECT_EQ(grown->config().stem(4), TrunkConfig::Small().stem(4));
  const Tokens picture = RandomTokens(64, 1), word = RandomTokens(1, 2);
  for (const TokenView& part : {TokenView{0, word}, TokenView{1, picture}, TokenView{2, picture}, TokenView{3, picture}}) {
    EXPECT_EQ(*grown->Encode({part}), *trunk->Encode({part})) << part.slot;
  }
  for (int slot : {4, 5}) EXPECT_TRUE(grown->Encode({{slot, word}}).ok()) << slot;
  EXPECT_GT(Difference(*grown->Encode({{4, word}}), *grown->Encode({{0, word}})), 1e-2);
}

TEST(Trunk, SlotsThatAreAddedAreTheSameInEveryProcessAndOnceOrOneByOne) {
  const std::string saved = Tiny(3)->ToBytes();
  const auto once = *Trunk::WithSlots(*Trunk::FromBytes(saved), 7);
  EXPECT_EQ((*Trunk::WithSlots(*Trunk::FromBytes(saved), 7))->ToBytes(), once->ToBytes());
  const auto five = *Trunk::WithSlots(*Trunk::FromBytes(saved), 5);
  EXPECT_EQ((*Trunk::WithSlots(*Trunk::FromBytes(five->ToBytes()), 7))->ToBytes(), once->ToBytes());
  EXPECT_EQ(Trunk::WithSlots(once, 7)->get(), once.get());
  EXPECT_EQ(Trunk::WithSlots(once, 3)->get(), once.get());
  EXPECT_EQ(Trunk::WithSlots(once, 65).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Trunk, OtherStemsLeaveTheRowsOfTheSlotsThatKeepTheirs) {
  TrunkConfig old = TrunkConfig::Small();
  old.stems[2] = StemKind::kLogMel;
  const auto before = *Trunk::Create(old);
  const auto after = *Trunk::WithStems(before, TrunkConfig::Small().stems);
  EXPECT_EQ(after->config().stem(2), StemKind::kSound);
  for (int slot : {0, 1, 3}) {
    const Tokens tokens = RandomTokens(64, slot);
    EXPECT_EQ(Difference(*before->Encode({{slot, tokens}}), *after->Encode({{slot, tokens}})), 0) << slot;
  }
  const Tokens sound = RandomTokens(16, 9);
  EXPECT_EQ(after->Encode({{2, sound}})->size(), old.output_dim);
  EXPECT_FALSE(Trunk::WithStems(before, {StemKind::kBag}).ok());
}

TEST(Trunk, ASoundOfSilenceHasAFiniteRow) {
  const auto trunk = *Trunk::Create(TrunkConfig::Small());
  const Tokens silence(4 * 256, 0);
  for (float v : *trunk->Encode({{2, silence}})) ASSERT_TRUE(std::isfinite(v));
}

}  // namespace
}  // namespace mixmatch::model
