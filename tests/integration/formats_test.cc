// One item of each kind of file through a real server: uploaded, cut, and found with the right part.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"
#include "tests/model/media/midi_bytes.h"
#include "tests/model/media/zip_writer.h"

namespace mixmatch {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kFlags = {"--slow-learning", "off", "--learn-interval-seconds", "0"};

v1::SearchRequest Among(v1::SearchRequest request, v1::Modality modality) {
  request.add_target_modalities(modality);
  return request;
}

// Word, of two pages.
std::string MakeDocx() {
  const auto paragraph = [](const std::string& words, bool breaks) {
    return absl::StrCat("<w:p><w:r>", breaks ? "<w:lastRenderedPageBreak/>" : "", "<w:t>", words, "</w:t></w:r></w:p>");
  };
  return model::MakeZip(
      {{"_rels/.rels", "<Relationships><Relationship Id='r1' Type='http://example.org/officeDocument' "
                       "Target='word/document.xml'/></Relationships>"},
       {"word/document.xml",
        absl::StrCat("<w:document><w:body>", paragraph("How the keeper winds the lighthouse clock.", false),
                     paragraph("Herring are salted in oak barrels before the first frost.", true), "</w:body></w:document>")}});
}

// Two chapters, the second with a captioned figure.
std::string MakeEpub() {
  const auto page = [](const std::string& body) { return absl::StrCat("<html><head><title/></head><body>", body, "</body></html>"); };
  return model::MakeZip(
      {{"mimetype", "application/epub+zip"},
       {"META-INF/container.xml", "<container><rootfiles><rootfile full-path='book.opf'/></rootfiles></container>"},
       {"book.opf", "<package><manifest><item id='a' href='a.xhtml'/><item id='b' href='b.xhtml'/></manifest><spine>"
                    "<itemref idref='a'/><itemref idref='b'/></spine></package>"},
       {"figure.png", MakePng(77, 64)},
       {"a.xhtml", page("<h1>Bees</h1><p>A hive sleeps through the winter.</p>")},
       {"b.xhtml", page("<h1>Glass</h1><p>Sand melts in the furnace.</p><figure><img src='figure.png'/>"
                        "<figcaption>The blower turns his pipe</figcaption></figure>")}});
}

// 60 rows: three groups of 20, each about another bird.
std::string MakeCsv() {
  std::string rows = "bird,nests,seen\n";
  for (int i = 0; i < 60; ++i) absl::StrAppend(&rows, i < 20 ? "heron" : i < 40 ? "kestrel" : "nightjar", ",", i % 7, ",reed bed\n");
  return rows;
}

std::string MakeJsonLines() {
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&lines, "{\"engine\": {\"name\": \"", i < 20 ? "turbine" : "piston", "\"}, \"load\": ", i, "}\n");
  }
  return lines;
}

// 400 rows of two channels of float32; from the given row on they swing fast and wide.
std::string MakeSamples(int wild_from) {
  std::string data;
  for (int r = 0; r < 400; ++r) {
    const float values[] = {r < wild_from ? std::sin(r * 0.05f) : 40.0f * std::sin(r * 1.7f),
                            r < wild_from ? 1.0f : static_cast<float>(r % 5)};
    data.append(reinterpret_cast<const char*>(values), sizeof(values));
  }
  return data;
}

std::string MakeNpy(int wild_from) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (400, 2), }\n";
  const auto size = static_cast<uint16_t>(header.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 255) + static_cast<char>(size >> 8) + header +
         MakeSamples(wild_from);
}

// One server with one item of each kind.
class FormatsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new ScratchDir;
    server_ = new ServerProcess(dir_->path() + "/data", kFlags);
    ASSERT_TRUE(server_->Start());
    api_ = new Api(server_->address());
    docx_ = api_->Put(MakeDocx(), "", "keeper.docx");
    epub_ = api_->Put(MakeEpub(), "", "crafts.epub");
    v1::UploadHeader header;
    header.set_media_type("text/csv");
    csv_ = api_->client->UploadBytes(header, MakeCsv())->item().item_id();
    header.set_media_type("application/jsonl");
    jsonl_ = api_->client->UploadBytes(header, MakeJsonLines())->item().item_id();
    header.set_media_type("application/x-npy; rate_hz=10");
    npy_ = api_->client->UploadBytes(header, MakeNpy(300))->item().item_id();
    note_ = api_->Put("Herring are salted in oak barrels before the first snow.");
  }
  static void TearDownTestSuite() {
    delete api_;
    delete server_;
    delete dir_;
  }

  // The nearest part.
  static v1::Hit Nearest(const v1::SearchRequest& request) {
    const auto response = api_->Search(request);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_GE(response->hits_size(), 1);
    return response->hits_size() > 0 ? response->hits(0) : v1::Hit();
  }

  static ScratchDir* dir_;
  static ServerProcess* server_;
  static Api* api_;
  static uint64_t docx_, epub_, csv_, jsonl_, npy_, note_;
};
ScratchDir* FormatsTest::dir_ = nullptr;
ServerProcess* FormatsTest::server_ = nullptr;
Api* FormatsTest::api_ = nullptr;
uint64_t FormatsTest::docx_, FormatsTest::epub_, FormatsTest::csv_, FormatsTest::jsonl_, FormatsTest::npy_, FormatsTest::note_;

TEST_F(FormatsTest, EachFileIsOfItsKind) {
  EXPECT_EQ(api_->Get(docx_)->modality(), v1::MODALITY_DOCUMENT);
  EXPECT_EQ(api_->Get(epub_)->media_type(), "application/epub+zip");
  EXPECT_EQ(api_->Get(csv_)->modality(), v1::MODALITY_TABLE);
  EXPECT_EQ(api_->Get(jsonl_)->modality(), v1::MODALITY_TABLE);
  EXPECT_EQ(api_->Get(npy_)->modality(), v1::MODALITY_SERIES);
}

TEST_F(FormatsTest, WordsOfADocumentAreFoundOnTheirPage) {
  const v1::Hit word = Nearest(Among(ByText("herring salted in oak barrels", 1), v1::MODALITY_DOCUMENT));
  EXPECT_EQ(word.item().item_id(), docx_);
  EXPECT_EQ(word.part().page(), 2u);
  EXPECT_EQ(word.part().modality(), v1::MODALITY_TEXT);
  const v1::Hit book = Nearest(Among(ByText("a hive sleeps through the winter", 1), v1::MODALITY_TEXT));
  EXPECT_EQ(book.item().item_id(), epub_);
  EXPECT_EQ(book.part().page(), 1u);
  EXPECT_EQ(book.part().title(), "Bees");
}

TEST_F(FormatsTest, AFigureOfABookIsFoundByItsLookAndItsCaptionDescribesIt) {
  const v1::Hit figure = Nearest(Among(ByContent(MakePng(77, 64), 1), v1::MODALITY_IMAGE));
  EXPECT_EQ(figure.item().item_id(), epub_);
  EXPECT_EQ(figure.part().kind(), v1::PART_KIND_FIGURE);
  EXPECT_EQ(figure.part().page(), 2u);
  const v1::Hit caption = Nearest(Among(ByText("the blower turns his pipe", 1), v1::MODALITY_DOCUMENT));
  EXPECT_EQ(caption.part().kind(), v1::PART_KIND_CAPTION);
  EXPECT_EQ(caption.part().describes_part_id(), figure.part().part_id());
}

TEST_F(FormatsTest, ATargetOfDocumentsGivesTheirPartsAloneAndBesideOthersBoth) {
  v1::SearchRequest request = Among(ByText("herring salted in oak barrels", 20), v1::MODALITY_DOCUMENT);
  EXPECT_THAT(HitItems(api_->Search(request)), testing::UnorderedElementsAre(docx_, epub_));
  request.add_target_modalities(v1::MODALITY_TABLE);
  EXPECT_THAT(HitItems(api_->Search(request)), testing::UnorderedElementsAre(docx_, epub_, csv_, jsonl_));
  request.set_group_by(v1::GROUP_BY_PART);
  const auto parts = api_->Search(request);
  std::set<uint64_t> seen;
  for (const v1::Hit& hit : parts->hits()) EXPECT_TRUE(seen.insert(hit.part().part_id()).second) << "a part came twice";
  request.clear_target_modalities();
  EXPECT_EQ(Nearest(Among(request, v1::MODALITY_TEXT)).score(), Nearest(request).score());
  auto& condition = *request.mutable_filter()->mutable_condition();
  condition.set_field("item_id");
  condition.mutable_equals()->set_number(static_cast<double>(epub_));
  request.set_group_by(v1::GROUP_BY_ITEM);
  EXPECT_THAT(HitItems(api_->Search(Among(request, v1::MODALITY_DOCUMENT))), ElementsAre(epub_));
}

TEST_F(FormatsTest, RowsOfATableAreFoundByWhatTheyHold) {
  const auto rows_of = [](const std::string& bird) {
    std::string rows = "bird,nests,seen\n";
    for (int i = 0; i < 20; ++i) absl::StrAppend(&rows, bird, ",", i % 7, ",reed bed\n");
    return ByContent(rows, 1);
  };
  const v1::Hit kestrel = Nearest(Among(rows_of("kestrel"), v1::MODALITY_TABLE));
  EXPECT_EQ(kestrel.item().item_id(), csv_);
  EXPECT_EQ(kestrel.part().kind(), v1::PART_KIND_ROWS);
  EXPECT_EQ(kestrel.part().start_row(), 20u);
  EXPECT_EQ(kestrel.part().end_row(), 40u);
  std::string lines;
  for (int i = 20; i < 40; ++i) absl::StrAppend(&lines, "{\"engine\": {\"name\": \"piston\"}, \"load\": ", i, "}\n");
  const v1::Hit piston = Nearest(Among(ByContent(lines, 1), v1::MODALITY_TABLE));
  EXPECT_EQ(piston.item().item_id(), jsonl_);
  EXPECT_EQ(piston.part().start_row(), 20u);
}

TEST_F(FormatsTest, AWindowOfASeriesIsFoundByItsShapeAtItsTime) {
  const v1::Hit wild = Nearest(Among(ByContent(MakeNpy(0), 1), v1::MODALITY_SERIES));
  EXPECT_EQ(wild.item().item_id(), npy_);
  EXPECT_GE(wild.part().end_row(), 300u);
  EXPECT_GE(wild.part().end_seconds(), 30.0);
  EXPECT_NEAR(wild.part().start_seconds(), 0.1 * static_cast<double>(wild.part().start_row()), 1e-6);
}

TEST(RawSeriesTest, BareSamplesAreStoredFoundAndRefusedByTheirMediaType) {
  constexpr char kType[] = "application/x-raw-series; rate_hz=10; channels=2; type=f32; names=pitch,roll; units=deg,deg";
  ScratchDir dir;
  ServerProcess server(dir.path(), kFlags);
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  v1::UploadHeader header;
  header.set_media_type(kType);
  const auto stored = api.client->UploadBytes(header, MakeSamples(300));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->item().modality(), v1::MODALITY_SERIES);
  EXPECT_EQ(stored->item().media_type(), kType);
  EXPECT_EQ(stored->item().duration().seconds(), 39);
  v1::SearchRequest request = Among(ByContent(MakeSamples(0), 1), v1::MODALITY_SERIES);
  request.mutable_query(0)->mutable_content()->set_media_type(kType);
  const auto found = api.Search(request);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->hits_size(), 1);
  EXPECT_EQ(found->hits(0).item().item_id(), stored->item().item_id());
  EXPECT_GE(found->hits(0).part().start_seconds(), 19.0);
  EXPECT_EQ(found->hits(0).part().snippet(), "pitch [deg], roll [deg]");
  header.set_media_type("application/x-raw-series; rate_hz=10; channels=3; type=f64");
  const auto refused = api.client->UploadBytes(header, MakeSamples(300));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), testing::HasSubstr("whole rows of 3 x 8 bytes"));
  header.set_media_type("application/x-raw-series; channels=2; type=f32");
  EXPECT_THAT(std::string(api.client->UploadBytes(header, MakeSamples(300)).status().message()),
              testing::HasSubstr("media_type: got a rate_hz"));
}

TEST(ScoresTest, ATuneIsFoundByTheWordsThatOccurredWithItAndByItsOwnNotes) {
  constexpr const char* kWords[] = {"a lullaby for the youngest", "the march of the guards", "three old sailors drinking",
                                    "rain on a tin roof",         "wedding in the mountains"};
  constexpr int kTunes = std::size(kWords);
  ScratchDir dir;
  ServerProcess server(dir.path(), kFlags);
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  uint64_t tunes[kTunes], words[kTunes];
  for (int i = 0; i < kTunes; ++i) {
    tunes[i] = api.Put(MakeMidi(i + 1), absl::StrCat("song-", i), absl::StrCat("song-", i, ".mid"));
    words[i] = api.Put(kWords[i], absl::StrCat("song-", i));
  }
  const auto item = api.Get(tunes[0]);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->modality(), v1::MODALITY_SCORE);
  EXPECT_EQ(item->media_type(), "audio/midi");
  EXPECT_EQ(item->duration().seconds(), 32);
  ASSERT_EQ(item->part_count(), 2u) << "16 bars: 8, and those from the seventh on";
  api.WaitLearned();
  for (int i = 0; i < kTunes; ++i) {
    EXPECT_THAT(HitItems(api.Search(Among(ByText(kWords[i], 1), v1::MODALITY_SCORE))), ElementsAre(tunes[i]));
    EXPECT_THAT(HitItems(api.Search(Among(ByContent(MakeMidi(i + 1), 1), v1::MODALITY_TEXT))), ElementsAre(words[i]));
    const auto own = api.Search(Among(ByContent(MakeMidi(i + 1, 32), 1), v1::MODALITY_SCORE));
    ASSERT_THAT(HitItems(own), ElementsAre(tunes[i])) << "its first eight bars";
    EXPECT_EQ(own->hits(0).part().start_seconds(), 0.0);
    EXPECT_EQ(own->hits(0).part().end_seconds(), 16.0);
    EXPECT_THAT(own->hits(0).part().snippet(), testing::HasSubstr("120 beats a minute"));
  }
}

}  // namespace
}  // namespace mixmatch
