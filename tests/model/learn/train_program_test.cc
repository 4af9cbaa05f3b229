// mixmatch-train as a user runs it, on a small shard: that of this build, or the one that MIXMATCH_TRAIN names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/learn/shard.h"
#include "model/modality/modality.h"
#include "model/trunk/trunk.h"

namespace mixmatch::model {
namespace {

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "train-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    WriteShard();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Twelve events of two texts, and one part that may not be learned from.
  void WriteShard() {
    std::mt19937_64 random(1);
    Shard shard;
    for (int e = 0; e < 12; ++e) {
      shard.events.push_back(absl::StrCat("event", e));
      shard.rows.push_back(R"({"metadata":{"corpus":"test","split":"train"}})");
      for (int i = 0; i < 2; ++i) {
        ShardPart part;
        part.event = part.row = e;
        part.features.assign(FeatureDims()[0], 0.5f);
        for (int b = 0; b < 256; ++b) part.tokens.push_back(random() & 255);
        shard.parts.push_back(std::move(part));
      }
    }
    ASSERT_TRUE(shard.WriteFile(folder_ + "/a.safetensors").ok());
  }

  int Run(const std::string& arguments, int batch = 8) {
    const char* program = std::getenv("MIXMATCH_TRAIN");
    return std::system(absl::StrCat(program == nullptr ? MIXMATCH_TRAIN : program, " --config tiny --parts 2 --no-bf16 --batch ", batch, " --shards ", folder_,
                                    "/a.safetensors ", arguments, " > ", folder_, "/log 2>&1")
                           .c_str());
  }

  std::string Bytes(const std::string& name) {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
};

TEST_F(TrainProgram, ARunThatWasInterruptedEndsWithTheWeightsOfOneThatWasNot) {
  ASSERT_EQ(Run(absl::StrCat("--steps 6 --out ", folder_, "/whole")), 0) << Bytes("log");
  ASSERT_EQ(Run(absl::StrCat("--steps 6 --stop-after 2 --out ", folder_, "/halves")), 0) << Bytes("log");
  EXPECT_NE(Bytes("halves"), Bytes("whole"));
  ASSERT_EQ(Run(absl::StrCat("--steps 6 --out ", folder_, "/halves")), 0) << Bytes("log");
  EXPECT_TRUE(Bytes("halves") == Bytes("whole"));
  EXPECT_TRUE(Trunk::FromBytes(Bytes("whole")).ok());
}

TEST_F(TrainProgram, AnotherSeedGivesOtherWeights) {
  ASSERT_EQ(Run(absl::StrCat("--steps 1 --out ", folder_, "/a")), 0) << Bytes("log");
  ASSERT_EQ(Run(absl::StrCat("--steps 1 --seed 2 --out ", folder_, "/b")), 0) << Bytes("log");
  EXPECT_TRUE(Bytes("a") != Bytes("b"));
}

TEST_F(TrainProgram, TooFewEventsForABatchIsAnErrorThatSaysSo) {
  EXPECT_NE(Run(absl::StrCat("--out ", folder_, "/a"), /*batch=*/100), 0);
  EXPECT_THAT(Bytes("log"), testing::HasSubstr("wanted at least 100"));
}

TEST_F(TrainProgram, RowsThatAreDrawnMoreOftenChangeWhatIsLearnedAndOthersDoNot) {
  ASSERT_EQ(Run(absl::StrCat("--steps 2 --out ", folder_, "/plain")), 0) << Bytes("log");
  ASSERT_EQ(Run(absl::StrCat("--steps 2 --repeat corpus=te:3 --out ", folder_, "/thrice")), 0) << Bytes("log");
  ASSERT_EQ(Run(absl::StrCat("--steps 2 --repeat corpus=other:3 --out ", folder_, "/none")), 0) << Bytes("log");
  EXPECT_TRUE(Bytes("none") == Bytes("plain"));
  EXPECT_TRUE(Bytes("thrice") != Bytes("plain"));
  EXPECT_NE(Run(absl::StrCat("--steps 2 --repeat corpus=te --out ", folder_, "/bad")), 0);
  EXPECT_THAT(Bytes("log"), testing::HasSubstr("wanted KEY=BEGINNING:NUMBER"));
}

TEST_F(TrainProgram, AGpuThatIsNotThereIsAnErrorThatSaysWhatToDo) {
  if (Run(absl::StrCat("--device cuda --steps 1 --out ", folder_, "/a")) == 0) GTEST_SKIP() << "there is a GPU";
  EXPECT_THAT(Bytes("log"), testing::HasSubstr("train on the CPU"));
}

}  // namespace
}  // namespace mixmatch::model
