// Every kind of file of a data directory, altered, cut and removed: the server has everything all the same, or says
// what is damaged, and never ends by a signal. README.md has the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kTabled = 20;  // Items in tables; later ones are in the log alone.

enum class Damage { kAltered, kCut, kRemoved };

// What may come of it.
enum class Behavior {
  kServes,  // Everything is there and found.
  kTells,   // The server does not start and says DATA_LOSS, or starts and answers DATA_LOSS where something is missing.
  kLosesTheEnd,  // Cannot be told from a write that was cut: what came before is there.
};

struct Cell {
  std::string name;
  std::function<bool(const std::string& path)> of;  // Paths below the data directory.
  Damage damage;
  Behavior behavior;
};

bool Ends(const std::string& path, const std::string& ending) { return absl::EndsWith(path, ending); }

std::vector<Cell> Table() {
  struct Row {
    std::string name;
    std::function<bool(const std::string&)> of;
    Behavior altered, cut, removed;
  };
  const Behavior serves = Behavior::kServes, tells = Behavior::kTells;
  const auto in_store = [](const std::string& ending) {
    return [ending](const std::string& path) { return absl::StartsWith(path, "store/") && Ends(path, ending); };
  };
  const auto store_file = [](const std::string& start) {
    return [start](const std::string& path) { return absl::StartsWith(path, "store/" + start); };
  };
  const auto part = [](const std::string& piece) {
    return [piece](const std::string& path) { return absl::StrContains(path, piece); };
  };
  const auto index_manifest = [](const std::string& path) {
    return absl::StartsWith(path, "generations/") && Ends(path, "/MANIFEST");
  };
  const std::vector<Row> rows = {
      {"Table", in_store(".sst"), tells, tells, tells},
      {"Blob", in_store(".blob"), tells, tells, tells},
      {"Log", in_store(".log"), tells, Behavior::kLosesTheEnd, tells},
      {"StoreManifest", store_file("MANIFEST-"), tells, tells, tells},
      {"Current", store_file("CURRENT"), tells, tells, tells},
      {"Options", store_file("OPTIONS-"), serves, serves, serves},
      {"Identity", store_file("IDENTITY"), serves, serves, serves},
      {"Head", part("head.bin"), serves, serves, serves},
      {"Trunk", part("trunks/"), serves, serves, serves},
      {"Segment", part("/segment-"), serves, serves, serves},
      {"IndexManifest", index_manifest, serves, serves, serves},
      {"Generations", part("generations/"), serves, serves, serves},
  };
  std::vector<Cell> cells;
  for (const Row& row : rows) {
    cells.push_back({row.name + "Altered", row.of, Damage::kAltered, row.altered});
    cells.push_back({row.name + "Cut", row.of, Damage::kCut, row.cut});
    cells.push_back({row.name + "Removed", row.of, Damage::kRemoved, row.removed});
  }
  return cells;
}

// Most bytes are altered: damage of one byte may lie where nothing reads it.
void Alter(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<int64_t>(fs::file_size(file));
  for (int64_t at = size / 8; at < size; at += std::max<int64_t>(1, size / 64)) {
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get());
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 0x55));
  }
}

std::string TextOf(int i) { return absl::StrCat("entry number ", i * 7919, " of the log of ship ", i); }
std::string LongText(int i) {  // Of a size that goes into a blob file.
  std::string text;
  while (text.size() < 9000) absl::StrAppend(&text, "line ", text.size(), " of tale ", i, ".\n");
  return text;
}

// One data directory for all cells: things in tables and blobs, later ones in the log alone, a published generation.
class DamageTest : public testing::TestWithParam<Cell> {
 protected:
  static std::vector<std::string> Flags() {
    return {"--slow-learning", "off", "--learn-interval-seconds", "0", "--memtable-limit", "8"};
  }

  static void SetUpTestSuite() {
    whole_ = new ScratchDir();
    stored_ = new std::map<uint64_t, std::string>();
    // A start writes what the log has into tables.
    for (int life = 0; life < 3; ++life) {
      ServerProcess server(whole_->path() + "/data", Flags());
      ASSERT_TRUE(server.Start());
      Api api(server.address());
      for (int i = 0; i < 10 && life < 2; ++i) {
        const std::string content = i == 3 ? LongText(life) : TextOf(life * 10 + i);
        (*stored_)[api.Put(content, absl::StrCat("event-", life, "-", i / 2))] = content;
      }
      api.WaitLearned();
      ASSERT_EQ(server.Stop(), 0);
    }
    // The last is cut off, so that its writes are in the log.
    ServerProcess server(whole_->path() + "/data", Flags());
    ASSERT_TRUE(server.Start());
    Api api(server.address());
    for (int i = 0; i < 6; ++i) (*stored_)[api.Put(TextOf(100 + i))] = TextOf(100 + i);
    server.Kill();
  }
  static void TearDownTestSuite() {
    delete whole_;
    delete stored_;
  }

  // Files damaged.
  int DamageFiles(const Cell& cell, const std::string& data) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(data)) {
      if (!entry.is_regular_file() || entry.file_size() == 0) continue;
      if (cell.of(fs::relative(entry.path(), data).string())) files.push_back(entry.path());
    }
    for (const fs::path& file : files) {
      if (cell.damage == Damage::kAltered) Alter(file);
      if (cell.damage == Damage::kCut) fs::resize_file(file, fs::file_size(file) * 5 / 8);
      if (cell.damage == Damage::kRemoved) fs::remove(file);
    }
    return static_cast<int>(files.size());
  }

  // Items that are there, whole and found.
  static size_t CountThere(Api& api, std::vector<absl::Status>& errors) {
    size_t there = 0;
    for (const auto& [item_id, content] : *stored_) {
      const auto read = api.Download(item_id);
      if (!read.ok()) {
        errors.push_back(read.status());
        continue;
      }
      EXPECT_EQ(*read, content) << "other bytes, and no error";
      v1::SearchRequest request = ByText(content.substr(0, 2000), 10);
      const auto found = api.Search(content.size() < 2000 ? request : ByItem(item_id));
      if (!found.ok()) errors.push_back(found.status());
      there += found.ok() && testing::Value(HitItems(found), testing::Contains(item_id));
    }
    return there;
  }

  static ScratchDir* whole_;
  static std::map<uint64_t, std::string>* stored_;
};

ScratchDir* DamageTest::whole_ = nullptr;
std::map<uint64_t, std::string>* DamageTest::stored_ = nullptr;

TEST_P(DamageTest, IsServedAroundOrSaid) {
  const Cell& cell = GetParam();
  ScratchDir dir;
  const std::string data = dir.path() + "/data";
  fs::copy(whole_->path() + "/data", data, fs::copy_options::recursive);
  ASSERT_GT(DamageFiles(cell, data), 0) << "there is no such file";
  ServerProcess server(data, Flags());
  const std::optional<int> ended = server.StartOrEnd();
  if (ended.has_value()) {
    EXPECT_EQ(cell.behavior, Behavior::kTells) << server.LogTail();
    EXPECT_GT(*ended, 0) << "ended by a signal, or as if all were well";
    EXPECT_THAT(server.LogTail(), AllOf(HasSubstr("DATA_LOSS"), HasSubstr("backup"), HasSubstr("store")));
    return;
  }
  Api api(server.address());
  std::vector<absl::Status> errors;
  const size_t there = CountThere(api, errors);
  const auto wanted =
      cell.behavior == Behavior::kLosesTheEnd ? absl::StatusCode::kNotFound : absl::StatusCode::kDataLoss;
  for (const absl::Status& error : errors) EXPECT_EQ(error.code(), wanted) << error;
  switch (cell.behavior) {
    case Behavior::kServes:
      EXPECT_EQ(there, stored_->size());
      break;
    case Behavior::kTells:
      EXPECT_GT(errors.size(), 0u) << "started with " << there << " of " << stored_->size() << ", and said nothing";
      EXPECT_EQ(there + errors.size(), stored_->size());
      break;
    case Behavior::kLosesTheEnd:
      EXPECT_GE(there, static_cast<size_t>(kTabled));
      break;
  }
  EXPECT_TRUE(api.Upload("one more after the damage").ok());
  EXPECT_TRUE(server.Running()) << server.LogTail();
}

INSTANTIATE_TEST_SUITE_P(Table, DamageTest, testing::ValuesIn(Table()),
                         [](const testing::TestParamInfo<Cell>& info) { return info.param.name; });

}  // namespace
}  // namespace mixmatch
