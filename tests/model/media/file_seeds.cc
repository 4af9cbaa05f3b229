#include "tests/model/media/file_seeds.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "tests/model/media/decode_bytes.h"
#include "tests/model/media/midi_bytes.h"
#include "tests/model/media/pdf_bytes.h"
#include "tests/model/media/zip_writer.h"

namespace mixmatch::model {
namespace {

using Limit = void (*)(MediaLimits&);

constexpr char kWords[] = "The heron waits below the weir. A bell rings, and the market falls silent.";

constexpr Limit kPixels = [](MediaLimits& limits) { limits.max_pixels = 16; };
constexpr Limit kSeconds = [](MediaLimits& limits) { limits.max_seconds = 0.1; };
constexpr Limit kTextBytes = [](MediaLimits& limits) { limits.max_text_bytes = 4; };
constexpr Limit kSubtitles = [](MediaLimits& limits) { limits.max_subtitles = 1; };
constexpr Limit kTableBytes = [](MediaLimits& limits) { limits.max_table_bytes = 16; };
constexpr Limit kCells = [](MediaLimits& limits) { limits.max_cells = 1; };
constexpr Limit kColumns = [](MediaLimits& limits) { limits.max_columns = 1; };
constexpr Limit kCellBytes = [](MediaLimits& limits) { limits.max_cell_bytes = 2; };
constexpr Limit kBlocks = [](MediaLimits& limits) { limits.max_blocks = 1; };
constexpr Limit kPictures = [](MediaLimits& limits) { limits.max_document_pictures = 0; };
constexpr Limit kPages = [](MediaLimits& limits) { limits.max_pages = 1; };
constexpr Limit kEntries = [](MediaLimits& limits) { limits.max_archive_entries = 1; };
constexpr Limit kInflated = [](MediaLimits& limits) { limits.max_inflated_bytes = 16; };

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, text);
  return all;
}

std::string PictureFile(const std::string& name) {
  return MadeByFfmpeg(name, "-threads 1 -f lavfi -i testsrc=s=96x64 -frames:v 1");
}

std::string SoundFile(const std::string& name, const std::string& codec = "") {
  return MadeByFfmpeg(name, absl::StrCat("-threads 1 -f lavfi -i sine=523:d=1.5 ", codec));
}

std::string VideoFile(const std::string& name, const std::string& codec) {
  return MadeByFfmpeg(name, absl::StrCat("-threads 1 -f lavfi -i testsrc=s=96x64:r=12:d=1.5 -f lavfi -i sine=330:d=1.5 ",
                                         "-shortest -pix_fmt yuv420p ", codec));
}

std::string HtmlPage() {
  return absl::StrCat("<!DOCTYPE html><html><head><title>Weirs</title></head><body><h1>Weirs</h1><p>", kWords,
                      "</p><figure><img src='data:image/png;base64,", absl::Base64Escape(PictureFile("figure.png")),
                      "'><figcaption>Figure 1: bars</figcaption></figure><table><tr><th>bird</th><th>nests</th></tr><tr>"
                      "<td>heron</td><td>4</td></tr></table></body></html>");
}

std::string Cues(const std::string& begin, const std::string& point) {
  return absl::StrCat(begin, "00:00:00", point, "500 --> 00:00:01", point, "400\nThe heron waits.\n\n",
                      begin.empty() || begin[0] == 'W' ? "" : "2\n", "00:00:01", point, "500 --> 00:00:02", point,
                      "400\nA bell rings.\n");
}

std::string BirdRows(char delimiter) {
  std::string rows = "bird,nests,grams,seen\n";
  for (int i = 0; i < 50; ++i) absl::StrAppendFormat(&rows, "heron,%d,%d.5,2024-01-%02d\n", i % 7, 900 + i, i % 28 + 1);
  return absl::StrReplaceAll(rows, {{",", std::string(1, delimiter)}});
}

std::string BirdLines() {
  std::string lines;
  for (int i = 0; i < 50; ++i) absl::StrAppend(&lines, "{\"bird\": \"heron\", \"nests\": ", i, "}\n");
  return lines;
}

std::string WeatherRows() {
  std::string rows = "time,temp [C],pressure [hPa]\n";
  for (int i = 0; i < 300; ++i) {
    absl::StrAppendFormat(&rows, "2024-01-01T%02d:%02d:00Z,%d,%d\n", i / 60, i % 60, 20 + i % 7, 1000 - i % 50);
  }
  return rows;
}

// 300 rows of two channels as little-endian float32.
std::string Waves() {
  std::string bytes;
  for (int r = 0; r < 300; ++r) {
    const float values[] = {std::sin(0.1f * r), static_cast<float>(r % 9)};
    bytes.append(reinterpret_cast<const char*>(values), sizeof(values));
  }
  return bytes;
}

std::string NpyFile() {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (300, 2), }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + LittleEndian(header.size(), 2) + header + Waves();
}

std::string PdfFile() {
  std::vector<PdfWord> table = PdfTable(100, 700, 80, {{"bird", "nests"}, {"heron", "4"}, {"wren", "7"}, {"kite", "2"}});
  table.push_back({100, 720, "Table 1: nests by the weir"});
  return PdfBytes({{"Figure 1: a red square", {kWords, kWords}}, {"", {kWords, "The end of the second page"}, table}});
}

// An Office document whose main part is `main`.
std::string OfficeFile(const std::string& main, std::vector<std::pair<std::string, std::string>> parts) {
  parts.insert(parts.begin(), {"_rels/.rels", absl::StrCat("<Relationships><Relationship Id='r1' "
                                                           "Type='http://example.org/officeDocument' Target='",
                                                           main, "'/></Relationships>")});
  return MakeZip(parts);
}

std::string DocxFile() {
  const std::string paragraph = absl::StrCat("<w:p><w:r><w:t>", kWords, "</w:t></w:r></w:p>");
  return OfficeFile("word/document.xml",
                    {{"word/document.xml",
                      absl::StrCat("<w:document><w:body>", paragraph,
                                   "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>bird</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p>"
                                   "<w:r><w:t>heron</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
                                   paragraph, "</w:body></w:document>")}});
}

std::string PptxFile() {
  const auto slide = [](const std::string& title) {
    return absl::StrCat("<p:sld><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:spPr>"
                        "<a:xfrm><a:off x='10' y='50'/><a:ext cx='100' cy='40'/></a:xfrm></p:spPr><p:txBody><a:p><a:r><a:t>",
                        title, "</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>");
  };
  return OfficeFile(
      "ppt/presentation.xml",
      {{"ppt/_rels/presentation.xml.rels",
        "<Relationships><Relationship Id='r7' Type='http://example.org/slide' Target='slides/a.xml'/><Relationship Id='r8' "
        "Type='http://example.org/slide' Target='slides/b.xml'/></Relationships>"},
       {"ppt/presentation.xml",
        "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r7'/><p:sldId id='257' r:id='r8'/></p:sldIdLst>"
        "<p:sldSz cx='200' cy='100'/></p:presentation>"},
       {"ppt/slides/a.xml", slide("The heron waits")},
       {"ppt/slides/b.xml", slide("A bell rings")}});
}

std::string XlsxFile() {
  std::string rows = "<row><c r='A1' t='inlineStr'><is><t>bird</t></is></c><c r='B1' t='inlineStr'><is><t>nests</t></is></c></row>";
  for (int i = 2; i < 40; ++i) {
    absl::StrAppend(&rows, "<row><c r='A", i, "' t='inlineStr'><is><t>heron</t></is></c><c r='B", i, "'><v>", i, "</v></c></row>");
  }
  return OfficeFile("xl/workbook.xml",
                    {{"xl/_rels/workbook.xml.rels",
                      "<Relationships><Relationship Id='r2' Type='http://example.org/worksheet' Target='worksheets/a.xml'/>"
                      "</Relationships>"},
                     {"xl/workbook.xml", "<workbook><sheets><sheet name='Birds' sheetId='1' r:id='r2'/></sheets></workbook>"},
                     {"xl/worksheets/a.xml", absl::StrCat("<worksheet><sheetData>", rows, "</sheetData></worksheet>")}});
}

// OpenDocument of the kind "text", "spreadsheet" or "presentation".
std::string OpenFile(const std::string& kind, const std::string& body) {
  return MakeZip({{"mimetype", absl::StrCat("application/vnd.oasis.opendocument.", kind)},
                  {"content.xml", absl::StrCat("<d><o:body><o:", kind, ">", body, "</o:", kind, "></o:body></d>")}});
}

std::string OdsRows() {
  std::string rows;
  for (const auto& [bird, nests] : {std::pair<const char*, const char*>{"bird", "nests"}, {"heron", "4"}, {"wren", "7"}}) {
    absl::StrAppend(&rows, "<t:table-row><t:table-cell><x:p>", bird, "</x:p></t:table-cell><t:table-cell><x:p>", nests,
                    "</x:p></t:table-cell></t:table-row>");
  }
  return absl::StrCat("<t:table t:name='Birds'>", rows, "</t:table>");
}

std::string EpubFile() {
  const auto page = [](const std::string& title) {
    return absl::StrCat("<html><head><title/></head><body><h1>", title, "</h1><p>", kWords, "</p></body></html>");
  };
  return MakeZip({{"mimetype", "application/epub+zip"},
                  {"META-INF/container.xml", "<container><rootfiles><rootfile full-path='book.opf'/></rootfiles></container>"},
                  {"book.opf", "<package><manifest><item id='a' href='a.xhtml'/><item id='b' href='b.xhtml'/></manifest><spine>"
                               "<itemref idref='a'/><itemref idref='b'/></spine></package>"},
                  {"a.xhtml", page("Weirs")},
                  {"b.xhtml", page("Bells")}});
}

}  // namespace

const std::vector<FileSeed>& FileSeeds() {
  static const auto* const seeds = new std::vector<FileSeed>{
      {"Text", "text/plain", v1::MODALITY_TEXT, {kTextBytes}, [] { return Repeated(absl::StrCat(kWords, "\n\n"), 50); }},
      {"Markdown", "text/markdown", v1::MODALITY_DOCUMENT, {kTextBytes, kBlocks},
       [] { return absl::StrCat("# Weirs\n\n", kWords, "\n\n| bird | nests |\n|---|---|\n| heron | 4 |\n\n* a\n* b\n"); }},
      {"Html", "text/html", v1::MODALITY_DOCUMENT, {kTextBytes, kBlocks, kPictures, kCells, kColumns}, HtmlPage},
      {"Srt", "application/x-subrip", v1::MODALITY_TEXT, {kTextBytes, kSubtitles}, [] { return Cues("1\n", ","); }},
      {"Vtt", "text/vtt", v1::MODALITY_TEXT, {kTextBytes, kSubtitles}, [] { return Cues("WEBVTT\n\n", "."); }},
      {"Csv", "text/csv", v1::MODALITY_TABLE, {kTableBytes, kCells, kColumns, kCellBytes}, [] { return BirdRows(','); }},
      {"Tsv", "text/tab-separated-values", v1::MODALITY_TABLE, {kTableBytes, kCells, kColumns, kCellBytes},
       [] { return BirdRows('\t'); }},
      {"JsonLines", "application/jsonl", v1::MODALITY_TABLE, {kTableBytes, kCells, kColumns, kCellBytes}, BirdLines},
      {"CsvOfTimes", "text/csv", v1::MODALITY_SERIES, {kTableBytes, kCells, kColumns, kCellBytes}, WeatherRows},
      {"Npy", "application/x-npy; rate_hz=100", v1::MODALITY_SERIES, {kTableBytes, kCells, kColumns}, NpyFile},
      {"RawSeries", "application/x-raw-series; rate_hz=100; channels=2; type=f32; names=x,y; units=g,g", v1::MODALITY_SERIES,
       {kTableBytes, kCells, kColumns}, Waves},
      {"Midi", "audio/midi", v1::MODALITY_SCORE, {kTableBytes, kCells, kSeconds}, [] { return MakeMidi(1); }},
      {"Svg", "image/svg+xml", v1::MODALITY_IMAGE, {},  // Drawn at our size, whatever its own.
       [] {
         return std::string("<svg xmlns='http://www.w3.org/2000/svg' width='60' height='40'><circle cx='30' cy='20' r='15' "
                            "fill='teal'/><text x='5' y='30'>heron</text></svg>");
       }},
      {"Png", "image/png", v1::MODALITY_IMAGE, {kPixels}, [] { return PictureFile("a.png"); }},
      {"Jpeg", "image/jpeg", v1::MODALITY_IMAGE, {kPixels}, [] { return PictureFile("a.jpg"); }},
      {"Gif", "image/gif", v1::MODALITY_IMAGE, {kPixels}, [] { return PictureFile("a.gif"); }},
      {"Webp", "image/webp", v1::MODALITY_IMAGE, {kPixels}, [] { return PictureFile("a.webp"); }},
      {"Bmp", "image/bmp", v1::MODALITY_IMAGE, {kPixels}, [] { return PictureFile("a.bmp"); }},
      {"Wav", "audio/wav", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.wav"); }},
      {"Vorbis", "audio/ogg", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.ogg", "-c:a libvorbis"); }},
      {"Opus", "audio/ogg", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.opus", "-c:a libopus"); }},
      {"Mp3", "audio/mpeg", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.mp3"); }},
      {"Flac", "audio/flac", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.flac"); }},
      {"M4a", "audio/mp4", v1::MODALITY_AUDIO, {kSeconds}, [] { return SoundFile("a.m4a", "-c:a aac"); }},
      {"Mp4", "video/mp4", v1::MODALITY_VIDEO, {kSeconds, kPixels}, [] { return VideoFile("a.mp4", "-c:v libx264"); }},
      {"Mkv", "video/x-matroska", v1::MODALITY_VIDEO, {kSeconds, kPixels}, [] { return VideoFile("a.mkv", "-c:v libx264"); }},
      {"Webm", "video/webm", v1::MODALITY_VIDEO, {kSeconds, kPixels},
       [] { return VideoFile("a.webm", "-c:v libvpx -c:a libvorbis"); }},
      {"MpegTs", "video/mp2t", v1::MODALITY_VIDEO, {kSeconds},  // No header states a size: frames too large count as damaged.
       [] { return VideoFile("a.ts", "-r 25 -c:v mpeg2video"); }},
      {"Avi", "video/x-msvideo", v1::MODALITY_VIDEO, {kSeconds, kPixels},
       [] { return VideoFile("a.avi", "-c:v mpeg4 -c:a mp3"); }},
      {"Pdf", "application/pdf", v1::MODALITY_DOCUMENT, {kPages, kTextBytes, kBlocks, kPictures}, PdfFile},
      {"Docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", v1::MODALITY_DOCUMENT,
       {kInflated, kEntries, kTextBytes, kBlocks}, DocxFile},
      {"Pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", v1::MODALITY_DOCUMENT,
       {kInflated, kEntries, kTextBytes, kBlocks}, PptxFile},
      {"Xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", v1::MODALITY_DOCUMENT,
       {kInflated, kEntries, kTextBytes, kCells, kColumns}, XlsxFile},
      {"Odt", "application/vnd.oasis.opendocument.text", v1::MODALITY_DOCUMENT, {kInflated, kEntries, kTextBytes, kBlocks},
       [] { return OpenFile("text", absl::StrCat("<x:h>Weirs</x:h><x:p>", kWords, "</x:p>")); }},
      {"Ods", "application/vnd.oasis.opendocument.spreadsheet", v1::MODALITY_DOCUMENT,
       {kInflated, kEntries, kTextBytes, kCells, kColumns}, [] { return OpenFile("spreadsheet", OdsRows()); }},
      {"Odp", "application/vnd.oasis.opendocument.presentation", v1::MODALITY_DOCUMENT,
       {kInflated, kEntries, kTextBytes, kBlocks},
       [] {
         return OpenFile("presentation", absl::StrCat("<w:page><x:p>", kWords, "</x:p></w:page><w:page><x:p>A bell rings</x:p>"
                                                      "</w:page>"));
       }},
      {"Epub", "application/epub+zip", v1::MODALITY_DOCUMENT, {kInflated, kEntries, kTextBytes, kBlocks}, EpubFile},
  };
  return *seeds;
}

}  // namespace mixmatch::model
