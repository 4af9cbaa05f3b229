#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/model/media/decode_bytes.h"
#include "tests/model/media/zip_writer.h"

namespace mixmatch::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Files = std::vector<std::pair<std::string, std::string>>;
using Kind = DecodedBlock::Kind;

constexpr char kWord[] = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

// A picture of 64 x 48 in one colour.
std::string Bitmap(uint8_t red, uint8_t green, uint8_t blue) {
  std::string rows;
  for (int i = 0; i < 64 * 48; ++i) {
    rows += {static_cast<char>(blue), static_cast<char>(green), static_cast<char>(red)};
  }
  return "BM" + LittleEndian(54 + rows.size(), 4) + LittleEndian(0, 4) + LittleEndian(54, 4) + LittleEndian(40, 4) +
         LittleEndian(64, 4) + LittleEndian(48, 4) + LittleEndian(1, 2) + LittleEndian(24, 2) + LittleEndian(0, 24) + rows;
}

std::string DataUri(const std::string& bytes) { return absl::StrCat("data:image/bmp;base64,", absl::Base64Escape(bytes)); }

// "heading Engines", "figure", "caption A red engine > 1": kinds, words, and the block that is described.
std::vector<std::string> Told(const DecodedMedia& media) {
  static constexpr const char* kNames[] = {"", "text", "heading", "caption", "figure", "page", "table", "cover"};
  std::vector<std::string> told;
  for (const DecodedBlock& block : media.blocks) {
    std::string words = kNames[static_cast<int>(block.kind)];
    if (!block.text.empty()) absl::StrAppend(&words, " ", block.text);
    for (const std::string& column : block.table.columns) absl::StrAppend(&words, " [", column, "]");
    for (const std::string& cell : block.table.cells) absl::StrAppend(&words, " ", cell.empty() ? "-" : cell);
    if (block.describes >= 0) absl::StrAppend(&words, " > ", block.describes);
    if (block.page > 0) absl::StrAppend(&words, " @", block.page);
    told.push_back(words);
  }
  return told;
}

#define EXPECT_REFUSED(result, wanted_code, words)                       \
  do {                                                                   \
    const absl::Status refused = (result).status();                      \
    EXPECT_EQ(refused.code(), absl::StatusCode::wanted_code) << refused; \
    EXPECT_THAT(std::string(refused.message()), HasSubstr(words));       \
  } while (false)

std::string Rels(const std::vector<std::array<std::string, 3>>& entries) {
  std::string xml = "<Relationships>";
  for (const auto& [id, type, target] : entries) {
    absl::StrAppend(&xml, "<Relationship Id='", id, "' Type='http://example.org/", type, "' Target='", target, "'/>");
  }
  return xml + "</Relationships>";
}

Files WordFiles(const std::string& body) {
  return {{"_rels/.rels", Rels({{"r1", "officeDocument", "word/document.xml"}})},
          {"word/_rels/document.xml.rels", Rels({{"r1", "styles", "styles.xml"}, {"r2", "image", "media/a.bmp"}})},
          {"word/styles.xml",
           "<w:styles><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
           "<w:style w:styleId='Beschriftung'><w:name w:val='caption'/></w:style></w:styles>"},
          {"word/media/a.bmp", Bitmap(200, 20, 20)},
          {"word/document.xml", absl::StrCat("<w:document><w:body>", body, "</w:body></w:document>")}};
}

std::string Paragraph(const std::string& style, const std::string& words) {
  return absl::StrCat("<w:p><w:pPr><w:pStyle w:val='", style, "'/></w:pPr><w:r><w:t>", words, "</w:t></w:r></w:p>");
}

constexpr char kWordPicture[] =
    "<w:p><w:r><w:drawing><wp:inline><wp:docPr descr=''/><a:blip r:embed='r2'/></wp:inline></w:drawing></w:r></w:p>";
constexpr char kWordTable[] =
    "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Part</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Mass</w:t></w:r></w:p></w:tc></w:tr>"
    "<w:tr><w:tc><w:p><w:r><w:t>Rod</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";

std::string WordDocument() {
  return MakeZip(WordFiles(absl::StrCat(Paragraph("berschrift1", "Engines"), Paragraph("", "They turn."), kWordPicture,
                                        Paragraph("Beschriftung", "Figure 1: a red engine"),
                                        Paragraph("Beschriftung", "Table 1: masses"), kWordTable)));
}

TEST(PackageTest, CaptionsOfAWordDocumentDescribeTheFigureBeforeAndTheTableAfterThem) {
  const auto media = DecodeBytes(WordDocument());
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_DOCUMENT);
  EXPECT_EQ(media->media_type, kWord);
  EXPECT_THAT(Told(*media), ElementsAre("heading Engines", "text They turn.", "figure", "caption Figure 1: a red engine > 2",
                                        "caption Table 1: masses > 5", "table [Part] [Mass] Rod 3"));
}

TEST(PackageTest, ACaptionBetweenAFigureAndATableIsTheFiguresAndBetweenTablesTheNextOnes) {
  const auto media = DecodeBytes(MakeZip(WordFiles(absl::StrCat(kWordPicture, Paragraph("Beschriftung", "of the figure"), kWordTable,
                                                           Paragraph("Beschriftung", "of the second"), kWordTable))));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("figure", "caption of the figure > 0", "table [Part] [Mass] Rod 3",
                                        "caption of the second > 4", "table [Part] [Mass] Rod 3"));
}

TEST(PackageTest, PagesOfAWordDocumentAreThoseWhereItsWriterBrokeThem) {
  const auto media = DecodeBytes(MakeZip(WordFiles(absl::StrCat(
      Paragraph("", "one"), "<w:p><w:r><w:lastRenderedPageBreak/><w:t>two</w:t></w:r></w:p>"))));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("text one @1", "text two @2"));
}

TEST(PackageTest, SlidesArePagesWithTitlesFirstAndBoxes) {
  const std::string slide =
      "<p:sld><p:cSld><p:spTree><p:pic><p:nvPicPr><p:cNvPr descr='a green field'/></p:nvPicPr><p:blipFill>"
      "<a:blip r:embed='r1'/></p:blipFill><p:spPr><a:xfrm><a:off x='0' y='50'/><a:ext cx='100' cy='50'/></a:xfrm></p:spPr>"
      "</p:pic><p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Fields</a:t></a:r>"
      "</a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>";
  const auto media = DecodeBytes(MakeZip(
      {{"_rels/.rels", Rels({{"r1", "officeDocument", "ppt/presentation.xml"}})},
       {"ppt/_rels/presentation.xml.rels", Rels({{"r7", "slide", "slides/slide9.xml"}})},
       {"ppt/presentation.xml",
        "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r7'/></p:sldIdLst><p:sldSz cx='200' cy='100'/></p:presentation>"},
       {"ppt/slides/slide9.xml", slide},
       {"ppt/slides/_rels/slide9.xml.rels", Rels({{"r1", "image", "../media/a.bmp"}})},
       {"ppt/media/a.bmp", Bitmap(20, 200, 20)}}));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("heading Fields @1", "figure @1", "caption a green field > 1 @1"));
  EXPECT_FLOAT_EQ(media->blocks[1].top, 0.5f);
  EXPECT_FLOAT_EQ(media->blocks[1].right, 0.5f);
}

TEST(PackageTest, SheetsAreTablesWithoutTheirEmptyRowsAndColumns) {
  const auto media = DecodeBytes(MakeZip(
      {{"_rels/.rels", Rels({{"r1", "officeDocument", "xl/workbook.xml"}})},
       {"xl/_rels/workbook.xml.rels", Rels({{"r2", "worksheet", "worksheets/a.xml"}, {"r3", "sharedStrings", "s.xml"}})},
       {"xl/workbook.xml", "<workbook><sheets><sheet name='Yield' sheetId='1' r:id='r2'/></sheets></workbook>"},
       {"xl/s.xml", "<sst><si><t>Crop</t></si><si><r><t>To</t></r><r><t>ns</t></r></si><si><t>Rye</t></si></sst>"},
       {"xl/worksheets/a.xml",
        "<worksheet><sheetData><row><c r='B2' t='s'><v>0</v></c><c r='XFD2' t='s'><v>1</v></c></row><row/>"
        "<row><c r='B9' t='s'><v>2</v></c><c r='XFD9'><v>41.5</v></c></row></sheetData></worksheet>"}}),
      [] {
        MediaDecoderOptions options = OneDecoder();
        options.limits.max_columns = 16'384;
        return options;
      }());
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("table [Crop] [Tons] Rye 41.5 @1"));
  EXPECT_EQ(media->blocks[0].table.name, "Yield");
}

std::string DatedSheet(const std::string& workbook, const std::string& rows) {
  return MakeZip(
      {{"_rels/.rels", Rels({{"r1", "officeDocument", "xl/workbook.xml"}})},
       {"xl/_rels/workbook.xml.rels", Rels({{"r2", "worksheet", "worksheets/a.xml"}, {"r3", "styles", "styles.xml"}})},
       {"xl/workbook.xml", absl::StrCat("<workbook>", workbook, "<sheets><sheet name='S' sheetId='1' r:id='r2'/></sheets></workbook>")},
       {"xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='[$-407]d\\. mmm yyyy hh:mm;@'/><numFmt numFmtId='165' "
        "formatCode='\"day \"0.0'/><numFmt numFmtId='166' formatCode='[h]:mm'/></numFmts><cellStyleXfs><xf numFmtId='14'/>"
        "</cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/>"
        "<xf numFmtId='166'/><xf numFmtId='20'/></cellXfs></styleSheet>"},
       {"xl/worksheets/a.xml", absl::StrCat("<worksheet><sheetData>", rows, "</sheetData></worksheet>")}});
}

TEST(PackageTest, CellsOfASheetThatShowDatesAreDatesAndOtherNumbersAreNumbers) {
  const std::string rows =
      "<row><c r='A1' t='inlineStr'><is><t>a</t></is></c><c r='B1' t='inlineStr'><is><t>b</t></is></c></row>"
      "<row><c r='A2' s='1'><v>45413</v></c><c r='B2'><v>45413</v></c></row>"
      "<row><c r='A3' s='2'><v>45413.5625</v></c><c r='B3' s='3'><v>45413.5</v></c></row>"
      "<row><c r='A4' s='1'><v>59</v></c><c r='B4' s='1'><v>61</v></c></row>"
      "<row><c r='A5' s='5'><v>0.75</v></c><c r='B5' s='4'><v>1.5</v></c></row>"
      "<row><c r='A6' s='1'><v>60</v></c><c r='B6' s='1'><v>1e300</v></c></row>"
      "<row><c r='A7' s='99'><v>7</v></c><c r='B7' s='1' t='str'><v>45413</v></c></row>";
  const auto media = DecodeBytes(DatedSheet("", rows));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("table [a] [b] 2024-05-01 45413 2024-05-01T13:30:00 45413.5 1900-02-28 1900-03-01 "
                                        "18:00:00 1.5 60 1e300 7 45413 @1"));
  const auto mac = DecodeBytes(DatedSheet("<workbookPr date1904='1'/>", rows));
  ASSERT_TRUE(mac.ok()) << mac.status();
  EXPECT_EQ(mac->blocks[0].table.cells[0], "2028-05-02");
}

TEST(PackageTest, AnArchiveWithZip64FieldsIsReadAndCutOrLyingOnesAreRefused) {
  ZipOptions wide;
  wide.zip64 = true;
  const std::string bytes = MakeZip(WordFiles(Paragraph("", "words")), wide);
  const auto media = DecodeBytes(bytes);
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("text words"));
  wide.stated_bytes = INT64_MAX;
  EXPECT_REFUSED(DecodeBytes(MakeZip(WordFiles(Paragraph("", "words")), wide)), kResourceExhausted, "--max-inflated-bytes");
  const size_t record = bytes.rfind("PK\x06\x06"), locator = bytes.rfind("PK\x06\x07");
  for (const size_t at : {record, record + 32, record + 40, record + 48, locator + 8}) {
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string broken = bytes;
      for (size_t i = 0; i < 8 && at != record; ++i) broken[at + i] = byte;
      if (at == record) broken[at] = byte;
      EXPECT_FALSE(DecodeBytes(broken).ok()) << at << " " << static_cast<int>(byte);
    }
  }
}

Files OpenText(const std::string& body) {
  return {{"mimetype", "application/vnd.oasis.opendocument.text"},
          {"styles.xml", "<d><office:styles><style:style style:name='Illustration' style:parent-style-name='Caption'/>"
                         "</office:styles></d>"},
          {"Pictures/a.bmp", Bitmap(20, 20, 200)},
          {"content.xml", absl::StrCat("<d><office:automatic-styles><style:style style:name='P3' "
                                       "style:parent-style-name='Illustration'/></office:automatic-styles><office:body>"
                                       "<office:text>", body, "</office:text></office:body></d>")}};
}

TEST(PackageTest, ACaptionOfAnOpenDocumentTextStandsInABoxAroundItsPicture) {
  const auto media = DecodeBytes(MakeZip(OpenText(
      "<text:h>Water</text:h><text:p>It<text:s text:c='2'/>flows.<draw:frame><draw:text-box><text:p text:style-name='P3'>"
      "<draw:frame><draw:image xlink:href='Pictures/a.bmp'/></draw:frame>Figure 1: blue</text:p></draw:text-box>"
      "</draw:frame></text:p>")));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("heading Water", "figure", "caption Figure 1: blue > 1", "text It flows."));
}

TEST(PackageTest, RepeatedCellsOfAnOpenDocumentSheetCountAgainstItsLimits) {
  const auto sheet = [](const std::string& rows) {
    return MakeZip({{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
                    {"content.xml", absl::StrCat("<d><b:body><o:spreadsheet><t:table t:name='S'>", rows,
                                                 "</t:table></o:spreadsheet></b:body></d>")}});
  };
  const auto media = DecodeBytes(sheet("<t:table-row><t:table-cell><x:p>a</x:p></t:table-cell><t:table-cell><x:p>b</x:p>"
                                  "</t:table-cell></t:table-row><t:table-row t:number-rows-repeated='2'><t:table-cell "
                                  "t:number-columns-repeated='2'><x:p>1</x:p></t:table-cell></t:table-row>"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("table [a] [b] 1 1 1 1 @1"));
  EXPECT_REFUSED(DecodeBytes(sheet("<t:table-row t:number-rows-repeated='999999999999'><t:table-cell><x:p>1</x:p></t:table-cell>"
                              "</t:table-row>")),
                 kResourceExhausted, "--max-cells");
}

TEST(PackageTest, ChaptersOfABookArePagesAndItsPicturesAreFoundBesideThem) {
  const auto media = DecodeBytes(MakeZip(
      {{"mimetype", "application/epub+zip"},
       {"META-INF/container.xml", "<container><rootfiles><rootfile full-path='O/book.opf'/></rootfiles></container>"},
       {"O/book.opf",
        "<package><metadata/><manifest><item id='a' href='text/a%20b.xhtml'/><item id='c' properties='cover-image' "
        "href='c.bmp'/></manifest><spine><itemref idref='a'/></spine></package>"},
       {"O/c.bmp", Bitmap(9, 9, 9)},
       {"O/img/d.bmp", Bitmap(90, 9, 9)},
       {"O/text/a b.xhtml",
        "<?xml version='1.0'?><html><head><title/></head><body><h1>One</h1><figure><img src='../img/d.bmp'/><figcaption>"
        "A dark square</figcaption></figure><p>Once upon a time.</p></body></html>"}}));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->media_type, "application/epub+zip");
  EXPECT_THAT(Told(*media), ElementsAre("cover", "heading One @1", "figure @1", "caption A dark square > 2 @1",
                                        "text Once upon a time. @1"));
}

TEST(PackageTest, MarkdownIsADocumentByItsHintOrByItsStructure) {
  const std::string text =
      absl::StrCat("# Engines\n\nThey *turn*.\n\n![a red engine](", DataUri(Bitmap(200, 20, 20)), ")\n\n"
                   "| Part | Mass |\n|---|---|\n| Rod | 3 |\n");
  const auto media = DecodeBytes(text);
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->media_type, "text/markdown");
  EXPECT_THAT(Told(*media), ElementsAre("heading Engines", "text They turn.", "figure", "caption a red engine > 2",
                                        "table [Part] [Mass] Rod 3"));
  const auto plain = DecodeBytes("Only words. # not a heading\n");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->modality, v1::MODALITY_TEXT);
  const auto hinted = DecodeBytes("Only *words*.\n", OneDecoder(), "text/markdown");
  ASSERT_TRUE(hinted.ok()) << hinted.status();
  EXPECT_THAT(Told(*hinted), ElementsAre("text Only words."));
}

TEST(PackageTest, ArchivesThatAreNoDocumentAndArchivesInDocumentsAreNotOpened) {
  EXPECT_REFUSED(DecodeBytes(MakeZip({{"a.txt", "hello"}})), kUnimplemented, "application/zip");
  Files files = WordFiles(absl::StrCat(Paragraph("", "words"), kWordPicture));
  files[3].second = WordDocument();
  const auto media = DecodeBytes(MakeZip(files));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("text words"));
}

TEST(PackageTest, BombsAreRefusedByEveryLimitOfArchives) {
  const std::string bomb = MakeZip(WordFiles(Paragraph("", std::string(64 << 20, 'a'))));
  ASSERT_LT(bomb.size(), 1 << 20);
  EXPECT_REFUSED(DecodeBytes(bomb), kResourceExhausted, "--max-inflate-ratio");
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_inflated_bytes = 1 << 20;
  EXPECT_REFUSED(DecodeBytes(bomb, options), kResourceExhausted, "--max-inflated-bytes");
  options.limits.max_archive_entries = 3;
  EXPECT_REFUSED(DecodeBytes(WordDocument(), options), kResourceExhausted, "--max-archive-entries");
  // The same picture again and again counts each time.
  std::string pictures;
  for (int i = 0; i < 200; ++i) pictures += kWordPicture;
  EXPECT_REFUSED(DecodeBytes(MakeZip(WordFiles(pictures)), [] {
                   MediaDecoderOptions small = OneDecoder();
                   small.limits.max_inflated_bytes = 1 << 20;
                   return small;
                 }()),
                 kResourceExhausted, "--max-inflated-bytes");
}

TEST(PackageTest, AFileThatUnpacksToMoreOrLessThanItsDirectorySaysIsDamaged) {
  for (const int64_t stated : {0, 10, 100'000}) {
    ZipOptions lie;
    lie.stated_bytes = stated;
    EXPECT_REFUSED(DecodeBytes(MakeZip(WordFiles(Paragraph("", "words")), lie)), kInvalidArgument, "damaged");
  }
}

TEST(PackageTest, EncryptedDocumentsAreNamedSo) {
  ZipOptions encrypted;
  encrypted.flags = 1;
  EXPECT_REFUSED(DecodeBytes(MakeZip(WordFiles(Paragraph("", "words")), encrypted)), kInvalidArgument, "encrypted");
  Files files = OpenText("<text:p>words</text:p>");
  files.push_back({"META-INF/manifest.xml", "<m><manifest:encryption-data/></m>"});
  EXPECT_REFUSED(DecodeBytes(MakeZip(files)), kInvalidArgument, "encrypted");
}

TEST(PackageTest, EntitiesOfADtdAreNeverExpandedOrFetched) {
  Files files = WordFiles("");
  files[4].second =
      "<!DOCTYPE d [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'><!ENTITY f SYSTEM 'file:///etc/hostname'>]>"
      "<w:document><w:body><w:p><w:r><w:t>x &b; &f; y</w:t></w:r></w:p></w:body></w:document>";
  const auto media = DecodeBytes(MakeZip(files));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(Told(*media), ElementsAre("text x &b; &f; y"));
}

TEST(PackageTest, EveryCutOfADocumentIsAnsweredAndTheNextOneDecodes) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  const std::string whole = WordDocument();
  for (size_t size = 8; size < whole.size(); size += 37) {
    const int fd = memfd_create("item", MFD_CLOEXEC);
    ASSERT_EQ(write(fd, whole.data(), size), static_cast<ssize_t>(size));
    EXPECT_FALSE((*decoder)->Decode(fd, kWord).ok()) << size;
    close(fd);
  }
  const int fd = memfd_create("item", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
  EXPECT_TRUE((*decoder)->Decode(fd, kWord).ok());
  close(fd);
}

TEST(PackageTest, ElementsNestedTooDeepAreRefused) {
  std::string open, close;
  for (int i = 0; i < 50'000; ++i) {
    open += "<w:sdt>";
    close += "</w:sdt>";
  }
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_inflate_ratio = 10'000;
  EXPECT_REFUSED(DecodeBytes(MakeZip(WordFiles(open + Paragraph("", "words") + close)), options), kInvalidArgument, "nested");
  std::string quotes(100'000, '>');
  const auto markdown = DecodeBytes(absl::StrCat("# A\n\n", quotes, " words"), options, "text/markdown");
  EXPECT_FALSE(markdown.ok());
}

}  // namespace
}  // namespace mixmatch::model
