// Data directories that older versions wrote: opened, served, learned from and written on by this one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "index/store/store.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"
#include "tests/model/media/midi_bytes.h"

namespace mixmatch {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Archives() {
  std::vector<std::string> archives;
  for (const auto& entry : std::filesystem::directory_iterator(MIXMATCH_OLD_DATA)) {
    if (entry.path().extension() == ".xz") archives.push_back(entry.path().string());
  }
  std::sort(archives.begin(), archives.end());
  return archives;
}

// See tests/integration/data/make.
class UpgradeTest : public testing::TestWithParam<std::string> {
 protected:
  UpgradeTest() : server_(dir_.path() + "/data", {"--init", "scratch", "--slow-learning", "off", "--learn-interval-seconds", "0"}) {}

  void SetUp() override {
    const std::string data = dir_.path() + "/data";
    std::filesystem::create_directories(data);
    const std::string command = absl::StrCat("tar xJf ", GetParam(), " -C ", data);
    ASSERT_EQ(system(command.c_str()), 0) << command;
    Open();
  }

  void Open() {
    ASSERT_TRUE(server_.Start());
    api_ = std::make_unique<Api>(server_.address());
    ids_.clear();
    const auto items = api_->ListAll();
    ASSERT_TRUE(items.ok()) << items.status();
    for (const v1::Item& item : *items) ids_[item.name()] = item.item_id();
  }

  std::vector<v1::Link> LinksOf(const std::string& name) {
    v1::ListLinksRequest request;
    request.set_item_id(ids_[name]);
    const auto page = api_->client->ListLinks(request);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? std::vector<v1::Link>(page->links().begin(), page->links().end()) : std::vector<v1::Link>();
  }

  ScratchDir dir_;
  ServerProcess server_;
  std::unique_ptr<Api> api_;
  std::map<std::string, uint64_t> ids_;
};

TEST_P(UpgradeTest, ItemsEventsAndCorrectionsAreAsTheyWereAndWhatIsNewCanBeAdded) {
  EXPECT_EQ(ids_.size(), 8u);
  api_->WaitLearned();
  EXPECT_THAT(HitItems(api_->Search(ByText("Bread is baked before dawn.", 1))), ElementsAre(ids_["bread.txt"]));
  EXPECT_THAT(HitItems(api_->Search(ByText("A kettle whistles in an empty kitchen.", 1))), ElementsAre(ids_["last.txt"]));
  v1::SearchRequest picture = ByText("A red lighthouse above the harbour.", 1);
  picture.add_target_modalities(v1::MODALITY_IMAGE);
  EXPECT_THAT(HitItems(api_->Search(picture)), ElementsAre(ids_["lighthouse.png"]));
  const auto item = api_->Get(ids_["lighthouse.png"]);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->metadata().at("year").number(), 1999);
  EXPECT_EQ(Sha256(*api_->Download(item->item_id())), item->sha256());

  const auto event = api_->GetEvent("lighthouse");
  ASSERT_TRUE(event.ok()) << event.status();
  std::vector<uint64_t> members;
  for (const v1::EventMember& member : event->members()) members.push_back(member.item_id());
  EXPECT_THAT(members, UnorderedElementsAre(ids_["lighthouse.png"], ids_["lighthouse.txt"]));
  const auto bread = LinksOf("bread.wav"), owl = LinksOf("owl.wav");
  ASSERT_EQ(bread.size(), 1u);
  ASSERT_EQ(owl.size(), 1u);
  EXPECT_EQ(bread[0].state(), v1::LINK_STATE_LEARNED);
  EXPECT_EQ(owl[0].state(), v1::LINK_STATE_UNDONE);

  const uint64_t song = api_->Put(MakeMidi(1), "lighthouse", "song.mid");
  api_->WaitLearned();
  ASSERT_EQ(server_.Stop(), 0);
  Open();
  api_->WaitLearned();
  v1::SearchRequest score = ByText("A red lighthouse above the harbour.", 1);
  score.add_target_modalities(v1::MODALITY_SCORE);
  EXPECT_THAT(HitItems(api_->Search(score)), ElementsAre(song));
  EXPECT_EQ(LinksOf("owl.wav")[0].state(), v1::LINK_STATE_UNDONE);
}

// As a server whose pictures are described otherwise than those in the directory: what is stored of them is of no use.
TEST_P(UpgradeTest, PicturesOfAnotherFeatureVersionAreDescribedAgainAndFoundAsBefore) {
  api_->WaitLearned();
  ASSERT_EQ(server_.Stop(), 0);
  {
    index::StoreOptions options;
    options.path = dir_.path() + "/data/store";
    const auto store = index::Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    std::unique_ptr<index::StoreBatch> batch = (*store)->NewBatch();
    batch->PutMeta("feature_versions", absl::StrCat((*store)->GetMeta("feature_versions").value(), ",image=4000000"));
    constexpr int kImageSlot = 1;
    ASSERT_TRUE((*store)->ForEachFeatures(kImageSlot, 0, [&](uint64_t id, absl::Span<const float> features) {
      batch->PutFeatures(kImageSlot, id, std::vector<float>(features.size(), 1.0f));
      return true;
    }).ok());
    ASSERT_TRUE((*store)->Commit(std::move(batch), /*sync=*/true).ok());
  }
  Open();
  api_->WatchUntil([](const v1::LearningStatus& status) { return status.items_undescribed() == 0; });
  api_->WaitLearned();
  v1::SearchRequest picture = ByText("A red lighthouse above the harbour.", 1);
  picture.add_target_modalities(v1::MODALITY_IMAGE);
  EXPECT_THAT(HitItems(api_->Search(picture)), ElementsAre(ids_["lighthouse.png"]));
  EXPECT_THAT(HitItems(api_->Search(ByText("Bread is baked before dawn.", 1))), ElementsAre(ids_["bread.txt"]));
  ASSERT_EQ(server_.Stop(), 0);
  index::StoreOptions options;
  options.path = dir_.path() + "/data/store";
  const auto store = index::Store::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->GetMeta("features_to_make").value(), "");
}

INSTANTIATE_TEST_SUITE_P(Archives, UpgradeTest, testing::ValuesIn(Archives()), [](const auto& info) {
  std::string name = std::filesystem::path(info.param).filename().string();
  name = name.substr(0, name.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace mixmatch
