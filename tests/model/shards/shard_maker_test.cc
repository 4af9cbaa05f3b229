#include "model/shards/shard_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace mixmatch::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string TestPath(const std::string& name) { return ::testing::TempDir() + "shard_maker_test-" + name; }

void Spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Gives back the file as text; a file that starts with ! cannot be decoded.
class TextDecoder : public MediaDecoder {
 public:
  absl::StatusOr<DecodedMedia> Decode(int fd, absl::string_view) override {
    std::string bytes(100, '\0');
    bytes.resize(pread(fd, bytes.data(), bytes.size(), 0));
    if (bytes[0] == '!') return absl::InvalidArgumentError("damaged");
    DecodedMedia media;
    media.modality = v1::MODALITY_TEXT;
    media.text = bytes;
    return media;
  }
};

TEST(ShardMakerTest, ReadsRowsAndLeavesPathsOutOfTheirJson) {
  Spill(TestPath("manifest"),
        R"({"id":"a","event":"e","path":"x.txt","media_type":"text/plain","metadata":{"split":"train"}})"
        "\n\n");
  const auto rows = ReadManifest(TestPath("manifest"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 1);
  EXPECT_THAT((*rows)[0].path, HasSubstr("/x.txt"));
  EXPECT_THAT((*rows)[0].json, HasSubstr(R"("split":"train")"));
  EXPECT_THAT((*rows)[0].json, Not(HasSubstr("x.txt")));
}

TEST(ShardMakerTest, NamesTheLineThatIsNoRow) {
  Spill(TestPath("bad"), "{\"id\":\"a\",\"event\":\"e\",\"path\":\"x\"}\n{\"id\":3}\n");
  const auto rows = ReadManifest(TestPath("bad"));
  EXPECT_EQ(rows.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(rows.status().message()), HasSubstr("line 2"));
  EXPECT_EQ(ReadManifest(TestPath("none")).status().code(), absl::StatusCode::kNotFound);
}

TEST(ShardMakerTest, KeepsRowsOfAnEventTogetherEvenWhenTheyLieApart) {
  std::vector<ManifestRow> rows(5);
  const char* events[] = {"a", "b", "a", "c", "b"};
  for (int i = 0; i < 5; ++i) {
    rows[i].id = std::to_string(i);
    rows[i].event = events[i];
  }
  const auto batches = BatchByEvent(rows, 3);
  ASSERT_EQ(batches.size(), 2);
  std::vector<std::string> first, second;
  for (const ManifestRow& row : batches[0]) first.push_back(row.id);
  for (const ManifestRow& row : batches[1]) second.push_back(row.id);
  EXPECT_THAT(first, ElementsAre("0", "2", "1", "4"));
  EXPECT_THAT(second, ElementsAre("3"));
}

TEST(ShardMakerTest, SkipsWhatCannotBeDecodedAndGivesTheSameForAnyNumberOfThreads) {
  std::vector<ManifestRow> rows(20);
  for (int i = 0; i < 20; ++i) {
    rows[i].id = std::to_string(i);
    rows[i].event = std::to_string(i / 4);
    rows[i].path = TestPath("text" + std::to_string(i));
    rows[i].json = "{\"id\":\"" + rows[i].id + "\"}";
    Spill(rows[i].path, i == 5 ? "!" : "words of " + rows[i].id);
  }
  rows[7].path = TestPath("missing");
  TextDecoder decoder;
  Shard one, three;
  std::vector<std::string> skipped;
  AddRows(rows, &decoder, 1, &one, [&](const ManifestRow& row, const absl::Status&) { skipped.push_back(row.id); });
  AddRows(rows, &decoder, 3, &three, [](const ManifestRow&, const absl::Status&) {});
  EXPECT_THAT(skipped, ElementsAre("5", "7"));
  EXPECT_EQ(one.rows.size(), 18);
  EXPECT_EQ(one.events.size(), 5);
  ASSERT_EQ(one.parts.size(), three.parts.size());
  for (size_t i = 0; i < one.parts.size(); ++i) {
    EXPECT_EQ(one.parts[i].features, three.parts[i].features);
    EXPECT_EQ(one.parts[i].tokens, three.parts[i].tokens);
    EXPECT_EQ(one.parts[i].event, three.parts[i].event);
    EXPECT_EQ(one.parts[i].row, three.parts[i].row);
  }
}

}  // namespace
}  // namespace mixmatch::model
