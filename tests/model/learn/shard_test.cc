#include "model/learn/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "model/tensors/safetensors.h"

namespace mixmatch::model {
namespace {

std::string TestPath(const std::string& name) { return ::testing::TempDir() + "shard_test-" + name; }

Shard Small() {
  Shard shard;
  shard.events = {"first", "second \"quoted\" \xc3\xa9"};
  shard.rows = {R"({"id":"a"})", R"({"id":"b","metadata":{"split":"train"}})"};
  shard.parts.push_back({0, 0, 0, {0.5f, -2.0f}, std::vector<uint8_t>(256, 7)});
  shard.parts.push_back({1, 1, 1, {1.0f, 0.25f, 3.0f}, std::vector<uint8_t>(64 * 256, 9)});
  return shard;
}

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(ShardTest, ReadsBackWhatWasWritten) {
  const std::string path = TestPath("round");
  const Shard shard = Small();
  ASSERT_TRUE(shard.WriteFile(path).ok());
  const auto read = Shard::ReadFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->events, shard.events);
  EXPECT_EQ(read->rows, shard.rows);
  ASSERT_EQ(read->parts.size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(read->parts[i].slot, shard.parts[i].slot);
    EXPECT_EQ(read->parts[i].event, shard.parts[i].event);
    EXPECT_EQ(read->parts[i].row, shard.parts[i].row);
    EXPECT_EQ(read->parts[i].features, shard.parts[i].features);
    EXPECT_EQ(read->parts[i].tokens, shard.parts[i].tokens);
  }
}

TEST(ShardTest, KeepsAnEmptyShard) {
  const std::string path = TestPath("empty");
  ASSERT_TRUE(Shard().WriteFile(path).ok());
  const auto read = Shard::ReadFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->parts.empty());
}

TEST(ShardTest, RoundsFeaturesToHalfFloats) {
  const std::string path = TestPath("half");
  Shard shard = Small();
  shard.parts[0].features = {1.0f + 1.0f / 4096};
  ASSERT_TRUE(shard.WriteFile(path).ok());
  EXPECT_EQ(Shard::ReadFile(path)->parts[0].features[0], 1.0f);
}

TEST(ShardTest, RefusesToWriteAPartWithoutTokensOrOfAnUnknownEvent) {
  Shard shard = Small();
  shard.parts[0].tokens.clear();
  EXPECT_EQ(shard.WriteFile(TestPath("bad")).code(), absl::StatusCode::kInvalidArgument);
  shard = Small();
  shard.parts[1].event = 2;
  EXPECT_EQ(shard.WriteFile(TestPath("bad")).code(), absl::StatusCode::kInvalidArgument);
}

TEST(ShardTest, SaysThatAMissingFileIsMissing) {
  EXPECT_EQ(Shard::ReadFile(TestPath("none")).status().code(), absl::StatusCode::kNotFound);
}

TEST(ShardTest, FindsEveryCutAndEveryAlteredByte) {
  const std::string path = TestPath("damage");
  ASSERT_TRUE(Small().WriteFile(path).ok());
  const std::string whole = Slurp(path);
  const std::string damaged = TestPath("damaged");
  for (size_t i = 0; i < whole.size(); i += i < 1024 ? 13 : 997) {
    Spill(damaged, whole.substr(0, i));
    EXPECT_EQ(Shard::ReadFile(damaged).status().code(), absl::StatusCode::kDataLoss) << "cut at " << i;
    std::string altered = whole;
    altered[i] ^= 0x20;
    Spill(damaged, altered);
    EXPECT_FALSE(Shard::ReadFile(damaged).ok()) << "altered at " << i;
  }
}

TEST(ShardTest, RefusesFilesThatAreWholeButInconsistent) {
  const std::string path = TestPath("inconsistent");
  ASSERT_TRUE(Small().WriteFile(path).ok());
  const auto damage = [&](auto&& change) {
    auto file = *Safetensors::ReadFile(path);
    change(file);
    EXPECT_TRUE(file.WriteFile(TestPath("changed")).ok());
    return Shard::ReadFile(TestPath("changed")).status().code();
  };
  EXPECT_EQ(damage([](Safetensors&) {}), absl::StatusCode::kOk);
  EXPECT_EQ(damage([](Safetensors& f) { f.arrays.erase("event"); }), absl::StatusCode::kDataLoss);
  EXPECT_EQ(damage([](Safetensors& f) {
              f.arrays["event"] = Array::Of<int32_t>(ArrayType::kI32, {2}, {0, 5});
            }), absl::StatusCode::kDataLoss);
  EXPECT_EQ(damage([](Safetensors& f) {
              f.arrays["token_start"] = Array::Of<int64_t>(ArrayType::kI64, {3}, {0, 66, 65});
            }), absl::StatusCode::kDataLoss);
  EXPECT_EQ(damage([](Safetensors& f) { f.metadata["rows"] = "{}"; }), absl::StatusCode::kDataLoss);
  EXPECT_EQ(damage([](Safetensors& f) { f.metadata["format"] = "mixmatch-shard-2"; }),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace mixmatch::model
