// Words in pictures, by a real server: read at upload, found by, counted once, left out where there is no reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const std::vector<std::string> kFlags = {"--slow-learning", "off", "--learn-interval-seconds", "0"};

std::vector<std::string> With(std::vector<std::string> flags, const std::vector<std::string>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

v1::SearchRequest Among(v1::SearchRequest request, v1::Modality modality) {
  request.add_target_modalities(modality);
  return request;
}

v1::SearchRequest Where(v1::SearchRequest request, uint64_t item_id) {
  auto& condition = *request.mutable_filter()->mutable_condition();
  condition.set_field("item_id");
  condition.mutable_equals()->set_number(static_cast<double>(item_id));
  return request;
}

class WordsTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}) {
    server_ = std::make_unique<ServerProcess>(dir_.path() + "/data", With(kFlags, flags));
    ASSERT_TRUE(server_->Start());
    api_ = std::make_unique<Api>(server_->address());
  }

  // Three pictures of words, one without, and a text.
  void PutAll() {
    herring_ = api_->Put(MakeWordsPng("Herring are salted in oak barrels"));
    clock_ = api_->Put(MakeWordsPng("The keeper winds the lighthouse clock"));
    plain_ = api_->Put(MakePng(3, 200));
    text_ = api_->Put("Rope is tarred, and herring are salted.");
    page_ = api_->Put(absl::StrCat("<html><body><h1>Glass</h1><p>Sand melts in the furnace.</p><figure><img src='data:image/png;base64,",
                                   absl::Base64Escape(MakeWordsPng("Blowing pipes and moulds")),
                                   "'/><figcaption>The tools</figcaption></figure><p>It cools for a day.</p></body></html>"));
    api_->WaitLearned();
  }

  ScratchDir dir_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Api> api_;
  uint64_t herring_ = 0, clock_ = 0, plain_ = 0, text_ = 0, page_ = 0;
};

TEST_F(WordsTest, APictureIsFoundByTheWordsInItAndSaysThem) {
  Start();
  PutAll();
  const auto found = api_->Search(Among(ByText("keeper winds lighthouse clock", 1), v1::MODALITY_IMAGE));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(found->hits(), SizeIs(1));
  const v1::Hit& hit = found->hits(0);
  EXPECT_EQ(hit.item().item_id(), clock_);
  EXPECT_EQ(hit.part().kind(), v1::PART_KIND_WORDS);
  EXPECT_EQ(hit.part().modality(), v1::MODALITY_IMAGE);
  EXPECT_EQ(hit.part().snippet(), "The keeper winds the lighthouse clock");
  EXPECT_EQ(hit.part().describes_part_id(), clock_ << 16);
  const auto item = api_->Get(clock_, /*vectors=*/true);
  ASSERT_EQ(item->part_count(), 2u);
  EXPECT_EQ(item->parts(1).part_id(), clock_ << 16 | 61'440);
  EXPECT_EQ(item->parts(1).vector_size(), 512);
}

TEST_F(WordsTest, APictureCountsOnceAndTextsAreTextsAlone) {
  Start();
  PutAll();
  const std::string query = "herring are salted in oak barrels";
  EXPECT_THAT(HitItems(api_->Search(Among(ByText(query), v1::MODALITY_IMAGE))),
              UnorderedElementsAre(herring_, clock_, plain_, page_));
  EXPECT_THAT(HitItems(api_->Search(Among(ByText(query), v1::MODALITY_TEXT))), UnorderedElementsAre(text_, page_));
  EXPECT_THAT(HitItems(api_->Search(ByText(query))), UnorderedElementsAre(herring_, clock_, plain_, text_, page_));
  v1::SearchRequest parts = Among(ByText(query), v1::MODALITY_IMAGE);
  parts.set_group_by(v1::GROUP_BY_PART);
  EXPECT_THAT(HitItems(api_->Search(parts)), UnorderedElementsAre(herring_, herring_, clock_, clock_, plain_, page_, page_));
  // Under a filter too, which compares item by item where few match.
  for (const uint64_t item : {herring_, plain_, text_, page_}) {
    EXPECT_THAT(HitItems(api_->Search(Where(ByText(query), item))), ElementsAre(item));
    const auto pictures = HitItems(api_->Search(Where(Among(ByText(query), v1::MODALITY_IMAGE), item)));
    EXPECT_THAT(pictures, item == text_ ? testing::Matcher<std::vector<uint64_t>>(IsEmpty()) : ElementsAre(item));
    const auto texts = HitItems(api_->Search(Where(Among(ByText(query), v1::MODALITY_TEXT), item)));
    EXPECT_EQ(texts.empty(), item == herring_ || item == plain_);
  }
}

TEST_F(WordsTest, WordsOfAFigureAreOfItsDocument) {
  Start();
  PutAll();
  const auto found = api_->Search(Among(ByText("blowing pipes and moulds", 1), v1::MODALITY_DOCUMENT));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->hits(0).item().item_id(), page_);
  EXPECT_EQ(found->hits(0).part().kind(), v1::PART_KIND_WORDS);
  EXPECT_EQ(found->hits(0).part().title(), "Glass");
  v1::ListLinksRequest request;
  request.set_item_id(page_);
  const auto links = api_->client->ListLinks(request);
  ASSERT_TRUE(links.ok()) << links.status();
  std::vector<std::string> reasons;
  for (const v1::Link& link : links->links()) reasons.push_back(link.explanation());
  EXPECT_THAT(reasons, Contains(HasSubstr("words read in a picture")));
}

TEST_F(WordsTest, WordsOutliveARestartAndAReindexAndGoWithTheirPicture) {
  Start();
  PutAll();
  const v1::SearchRequest request = Among(ByText("lighthouse clock keeper", 3), v1::MODALITY_IMAGE);
  ASSERT_EQ(HitItems(api_->Search(request)).front(), clock_);
  EXPECT_EQ(server_->Stop(), 0);
  Start();
  api_->WaitLearned();
  ASSERT_EQ(HitItems(api_->Search(request)).front(), clock_);
  v1::ReindexRequest reindex;
  reindex.set_source(v1::REINDEX_SOURCE_CONTENT);
  const auto operation = api_->client->Reindex(reindex);
  ASSERT_TRUE(operation.ok()) << operation.status();
  const auto ended = api_->client->WaitOperation(operation->operation_id(), absl::Minutes(2));
  ASSERT_TRUE(ended.ok()) << ended.status();
  ASSERT_EQ(HitItems(api_->Search(request)).front(), clock_);
  ASSERT_TRUE(api_->Delete(clock_).ok());
  EXPECT_THAT(HitItems(api_->Search(request)), Not(Contains(clock_)));
}

TEST_F(WordsTest, WithoutAReaderPicturesAreStoredAndItIsSaidOnce) {
  Start({"--word-reader", "/usr/bin/no-such-program"});
  PutAll();
  EXPECT_EQ(api_->Get(herring_)->part_count(), 1u);
  EXPECT_THAT(server_->LogTail(), HasSubstr("words in pictures are not read: /usr/bin/no-such-program"));
  EXPECT_THAT(HitItems(api_->Search(Among(ByText("herring"), v1::MODALITY_IMAGE))),
              UnorderedElementsAre(herring_, clock_, plain_, page_));
  EXPECT_EQ(server_->Stop(), 0);
  // With one, what comes is read; what was there is as it was, and can be made anew.
  Start();
  const uint64_t late = api_->Put(MakeWordsPng("Rope is tarred by the furnace"));
  v1::ReindexRequest reindex;
  reindex.set_source(v1::REINDEX_SOURCE_CONTENT);
  const auto operation = api_->client->Reindex(reindex);
  ASSERT_TRUE(operation.ok()) << operation.status();
  ASSERT_TRUE(api_->client->WaitOperation(operation->operation_id(), absl::Minutes(2)).ok());
  EXPECT_EQ(api_->Get(herring_)->part_count(), 1u);
  EXPECT_EQ(api_->Get(late)->part_count(), 2u);
  EXPECT_THAT(HitItems(api_->Search(Among(ByText("herring"), v1::MODALITY_IMAGE))),
              UnorderedElementsAre(herring_, clock_, plain_, page_, late));
}

TEST_F(WordsTest, AQueryPictureIsComparedByItsLook) {
  Start();
  PutAll();
  EXPECT_EQ(HitItems(api_->Search(ByContent(MakePng(3, 200), 1))), std::vector<uint64_t>{plain_});
  EXPECT_THAT(HitItems(api_->Search(Among(ByItem(herring_), v1::MODALITY_IMAGE))), Contains(clock_));
}

TEST_F(WordsTest, ALanguageThatIsNoNameIsRefused) {
  ServerProcess server(dir_.path() + "/data", With(kFlags, {"--word-languages", "eng -c x"}));
  EXPECT_EQ(server.RunToEnd(), 2);
}

}  // namespace
}  // namespace mixmatch
