#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/vector/segmented_index.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

constexpr int kDim = 8;

class SegmentedFilesTest : public ::testing::Test {
 protected:
  SegmentedFilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mixmatch_index_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    path_ = root_ + "/a/b";
    options_.dim = kDim;
    options_.memtable_limit = 100;
    options_.exact_below = 0;
    options_.hnsw_m = 4;
  }
  ~SegmentedFilesTest() override { std::filesystem::remove_all(root_); }

  // A segment with a graph and dead parts, and a memtable.
  std::shared_ptr<SegmentedIndex> Mixed() {
    const Vectors vectors(140, kDim, 2);
    auto index = *SegmentedIndex::Create(options_, 5);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(index->Upsert(3 * i, vectors[i]).ok());
    EXPECT_TRUE(*index->Maintain());
    for (int i = 100; i < 140; ++i) EXPECT_TRUE(index->Upsert(3 * i, vectors[i]).ok());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(index->Remove(30 * i).ok());
    return index;
  }

  static std::vector<std::pair<PartId, std::vector<float>>> All(const SegmentedIndex& index) {
    std::vector<std::pair<PartId, std::vector<float>>> all;
    index.ForEach([&](PartId id, absl::Span<const float> vector) {
      all.emplace_back(id, std::vector<float>(vector.begin(), vector.end()));
      return true;
    });
    return all;
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(path_)) files.push_back(file.path().string());
    return files;
  }

  // Content by path.
  std::map<std::string, std::string> SegmentFiles() const {
    std::map<std::string, std::string> files;
    for (const std::string& file : Files()) {
      if (file.find("/segment-") != std::string::npos) files[file] = Content(file);
    }
    return files;
  }

  static std::string Content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Replace(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  absl::StatusCode LoadCode() const { return SegmentedIndex::Load(options_, path_, 5).status().code(); }

  std::string root_, path_;
  SegmentedIndexOptions options_;
};

TEST_F(SegmentedFilesTest, WhatIsLoadedIsWhatWasSaved) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());
  const auto loaded = SegmentedIndex::Load(options_, path_, 5);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->generation(), 5);
  EXPECT_EQ(All(**loaded), All(*index));
  const Vectors queries(20, kDim, 3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Ids(*(*loaded)->Search(queries[i], {})), Ids(*index->Search(queries[i], {})));
  }
  EXPECT_EQ((*loaded)->stats().segments, 1);
  EXPECT_EQ((*loaded)->stats().memtable_vectors, 40);
  EXPECT_FALSE(*(*loaded)->Maintain());  // The graph came along.
}

TEST_F(SegmentedFilesTest, AnEmptyIndexIsSavedAndLoaded) {
  ASSERT_TRUE((*SegmentedIndex::Create(options_, 5))->Save(path_).ok());
  EXPECT_EQ((*SegmentedIndex::Load(options_, path_, 5))->size(), 0);
}

TEST_F(SegmentedFilesTest, NothingThereIsNotFound) { EXPECT_EQ(LoadCode(), absl::StatusCode::kNotFound); }

TEST_F(SegmentedFilesTest, AnotherGenerationOrDimensionIsDataLoss) {
  ASSERT_TRUE(Mixed()->Save(path_).ok());
  EXPECT_EQ(SegmentedIndex::Load(options_, path_, 6).status().code(), absl::StatusCode::kDataLoss);
  options_.dim = 9;
  EXPECT_EQ(LoadCode(), absl::StatusCode::kDataLoss);
}

TEST_F(SegmentedFilesTest, ASecondSaveReplacesTheFirstAndLeavesNoFileBehind) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());
  const size_t files = Files().size();
  ASSERT_TRUE(index->Remove(3).ok());
  ASSERT_TRUE(index->Save(path_).ok());
  EXPECT_EQ(Files().size(), files);
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*index));
}

TEST_F(SegmentedFilesTest, ASegmentIsWrittenOnceAndLaterDeathsAreToldByTheManifest) {
  auto index = Mixed();
  while (*index->Maintain()) {
  }
  for (int i = 100; i < 140; ++i) ASSERT_TRUE(index->Remove(3 * i).ok());  // What is left has a graph.
  ASSERT_TRUE(index->Save(path_).ok());
  const std::map<std::string, std::string> before = SegmentFiles();
  ASSERT_EQ(before.size(), 1);
  ASSERT_TRUE(index->Save(path_).ok());
  EXPECT_EQ(SegmentFiles(), before);
  for (int part : {3, 6, 99}) ASSERT_TRUE(index->Remove(part).ok());
  ASSERT_TRUE(index->Save(path_).ok());
  EXPECT_EQ(SegmentFiles(), before);
  auto loaded = *SegmentedIndex::Load(options_, path_, 5);
  EXPECT_EQ(All(*loaded), All(*index));
  EXPECT_EQ(loaded->stats().ef_search, index->stats().ef_search);
  // What was loaded goes on with the same file.
  ASSERT_TRUE(loaded->Remove(9).ok());
  ASSERT_TRUE(loaded->Save(path_).ok());
  EXPECT_EQ(SegmentFiles(), before);
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*loaded));
}

TEST_F(SegmentedFilesTest, OnlyTheNewSegmentIsWrittenBesideAnOldOne) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());  // A graph and a memtable.
  const std::map<std::string, std::string> before = SegmentFiles();
  ASSERT_EQ(before.size(), 2);
  ASSERT_TRUE(index->Upsert(1, Vectors(1, kDim, 7)[0]).ok());
  ASSERT_TRUE(index->Save(path_).ok());
  int same = 0;
  for (const auto& [name, content] : SegmentFiles()) same += before.count(name);
  EXPECT_EQ(same, 1);
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*index));
}

TEST_F(SegmentedFilesTest, ASegmentWhoseFileWentAwayOrGoesElsewhereIsWrittenAgain) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());
  for (const auto& [name, content] : SegmentFiles()) std::filesystem::remove(name);
  ASSERT_TRUE(index->Save(path_).ok());
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*index));
  const std::string other = root_ + "/other";
  ASSERT_TRUE(index->Save(other).ok());
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, other, 5)), All(*index));
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*index));
}

TEST_F(SegmentedFilesTest, ADamagedFileIsReplacedByTheNextSave) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());
  for (const auto& [name, content] : SegmentFiles()) {
    std::string altered = content;
    altered.back() = static_cast<char>(altered.back() ^ 0x10);  // Of links, or of padding.
    Replace(name, altered);
  }
  LoadReport report;
  auto loaded = *SegmentedIndex::Load(options_, path_, 5, &report);
  ASSERT_FALSE(report.damage.empty());
  ASSERT_TRUE(loaded->Save(path_).ok());
  const auto again = SegmentedIndex::Load(options_, path_, 5);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(All(**again), All(*loaded));
}

TEST_F(SegmentedFilesTest, WhatAnInterruptedSaveLeftDoesNoHarm) {
  auto index = Mixed();
  ASSERT_TRUE(index->Save(path_).ok());
  Replace(path_ + "/segment-0000000000000000", "half a segm");
  Replace(path_ + "/MANIFEST.new", "half a manif");
  EXPECT_EQ(All(**SegmentedIndex::Load(options_, path_, 5)), All(*index));
  ASSERT_TRUE(index->Save(path_).ok());
  EXPECT_FALSE(std::filesystem::exists(path_ + "/segment-0000000000000000"));
}

TEST_F(SegmentedFilesTest, AnyAlteredByteIsDataLoss) {
  ASSERT_TRUE(Mixed()->Save(path_).ok());
  for (const std::string& file : Files()) {
    const std::string content = Content(file);
    const size_t step = content.size() > 2000 ? 37 : 1;
    for (size_t at = 0; at < content.size(); at += step) {
      std::string altered = content;
      altered[at] = static_cast<char>(altered[at] ^ 0x10);
      Replace(file, altered);
      ASSERT_EQ(LoadCode(), absl::StatusCode::kDataLoss) << file << " at " << at;
    }
    Replace(file, content);
  }
  EXPECT_EQ(LoadCode(), absl::StatusCode::kOk);
}

TEST_F(SegmentedFilesTest, AFileThatIsCutGrownOrMissingIsDataLoss) {
  ASSERT_TRUE(Mixed()->Save(path_).ok());
  for (const std::string& file : Files()) {
    const std::string content = Content(file);
    for (size_t size : {size_t{0}, size_t{7}, content.size() / 2, content.size() - 1}) {
      Replace(file, content.substr(0, size));
      EXPECT_EQ(LoadCode(), absl::StatusCode::kDataLoss) << file << " cut to " << size;
    }
    Replace(file, content + "x");
    EXPECT_EQ(LoadCode(), absl::StatusCode::kDataLoss);
    std::filesystem::remove(file);
    const bool is_manifest = file.find("MANIFEST") != std::string::npos;
    EXPECT_EQ(LoadCode(), is_manifest ? absl::StatusCode::kNotFound : absl::StatusCode::kDataLoss);
    Replace(file, content);
  }
}

// One segment file of 100 parts 3 * i, and where its regions begin.
class DamagedRegionTest : public SegmentedFilesTest {
 protected:
  static constexpr size_t kPage = 4096;

  DamagedRegionTest() {
    const Vectors vectors(100, kDim, 2);
    index_ = *SegmentedIndex::Create(options_, 5);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(index_->Upsert(3 * i, vectors[i]).ok());
    while (*index_->Maintain()) {
    }
    EXPECT_TRUE(index_->Remove(0).ok());
    EXPECT_TRUE(index_->Save(path_).ok());
    for (const std::string& file : Files()) {
      if (file.find("segment-") != std::string::npos) file_ = file;
    }
    content_ = Content(file_);
  }

  LoadReport DamageAt(size_t at) {
    std::string altered = content_;
    altered[at] = static_cast<char>(altered[at] ^ 0x10);
    Replace(file_, altered);
    LoadReport report;
    auto loaded = SegmentedIndex::Load(options_, path_, 5, &report);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    if (loaded.ok()) loaded_ = *loaded;
    EXPECT_EQ(report.segments, 1);
    EXPECT_EQ(report.damage.size(), 1);
    return report;
  }

  std::shared_ptr<SegmentedIndex> index_, loaded_;
  std::string file_, content_;
};

TEST_F(DamagedRegionTest, OfIdsCostsAllPartsAndCountsThem) {
  const LoadReport report = DamageAt(200);
  EXPECT_EQ(report.parts_lost, 99);
  EXPECT_FALSE(report.all_lost_known());
  EXPECT_EQ(loaded_->size(), 0);
}

TEST_F(DamagedRegionTest, OfVectorsNamesTheLostParts) {
  const LoadReport report = DamageAt(kPage + 100);
  EXPECT_EQ(report.parts_lost, 99);
  EXPECT_TRUE(report.all_lost_known());
  EXPECT_EQ(report.lost.front(), 3);
  EXPECT_EQ(report.lost.back(), 297);
  EXPECT_EQ(loaded_->size(), 0);
}

TEST_F(DamagedRegionTest, OfCodesCostsNothing) {
  const LoadReport report = DamageAt(3 * kPage);  // 100 rows of 16 floats take two pages.
  EXPECT_EQ(report.parts_lost, 0);
  EXPECT_EQ(report.graphs_lost, 0);
  EXPECT_EQ(All(*loaded_), All(*index_));
  EXPECT_GT(loaded_->stats().bytes_codes, 0);
}

TEST_F(DamagedRegionTest, OfLinksCostsTheGraphUntilMaintainHasBuiltIt) {
  const LoadReport report = DamageAt(content_.size() - kPage);
  EXPECT_EQ(report.parts_lost, 0);
  EXPECT_EQ(report.graphs_lost, 1);
  EXPECT_EQ(All(*loaded_), All(*index_));
  EXPECT_EQ(loaded_->stats().bytes_links, 0);
  EXPECT_TRUE(*loaded_->Maintain());
  EXPECT_GT(loaded_->stats().bytes_links, 0);
}

TEST_F(DamagedRegionTest, AMissingFileCostsItsPartsAndOthersAreLoaded) {
  const Vectors vectors(150, kDim, 2);
  for (int i = 100; i < 150; ++i) ASSERT_TRUE(index_->Upsert(3 * i, vectors[i]).ok());
  ASSERT_TRUE(index_->Save(path_).ok());
  std::string largest;
  for (const std::string& file : Files()) {
    if (largest.empty() || std::filesystem::file_size(file) > std::filesystem::file_size(largest)) largest = file;
  }
  std::filesystem::remove(largest);
  LoadReport report;
  const auto loaded = SegmentedIndex::Load(options_, path_, 5, &report);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(report.segments, 2);
  EXPECT_EQ(report.parts_lost, 99);
  EXPECT_EQ((*loaded)->size(), 50);
  EXPECT_EQ(SegmentedIndex::Load(options_, path_, 4, &report).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SegmentedFilesTest, APlaceThatCannotBeWrittenIsAnErrorWithThePath) {
  Replace(root_ + "/file", "x");
  const absl::Status status = Mixed()->Save(root_ + "/file/below");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/file/below"));
}

}  // namespace
}  // namespace mixmatch::index
