"""Small honest files of every type that the server takes, made by the programs that people make them with."""

import io
import json
import pathlib
import struct
import subprocess
import tempfile
import zipfile
from typing import Dict, List, NamedTuple

import numpy
from PIL import Image, ImageDraw

from tests.bench.ingest.pdf import pdf

_SECONDS = 1.5
_RATE = 16_000
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_WORDS = "The crow calls from the tower. A bell answers, and the market falls silent.\n\n"
_CUES = "00:00:00,500 --> 00:00:01,400\nThe crow calls.\n\n"


class Seed(NamedTuple):
    name: str
    media_type: str
    data: bytes


def picture(number: int, side: int = 96) -> Image.Image:
    image = Image.new("RGB", (side, side), ((37 * number) % 256, (91 * number) % 256, (151 * number) % 256))
    draw = ImageDraw.Draw(image)
    for i in range(6):
        left, top = (number * 13 + i * 29) % side, (number * 7 + i * 17) % side
        draw.ellipse((left, top, left + side // 4, top + side // 5), fill=((i * 40) % 256, (number * i * 11) % 256, 90))
    return image


def _picture_bytes(kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture(3).save(out, kind, **options)
    return out.getvalue()


def sound(seconds: float = _SECONDS, pitch: float = 440.0) -> bytes:
    """16-bit mono WAV."""
    time = numpy.arange(int(seconds * _RATE)) / _RATE
    wave = (0.4 * numpy.sin(2 * numpy.pi * pitch * time * (1 + 0.3 * time)) * 32767).astype("<i2").tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(wave), b"WAVE", b"fmt ", 16, 1, 1, _RATE, 2 * _RATE, 2,
                         16, b"data", len(wave))
    return header + wave


def _ffmpeg(ending: str, *arguments: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out" + ending)
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, str(out)], check=True)
        return out.read_bytes()


def _tone(ending: str, *codec: str) -> bytes:
    return _ffmpeg(ending, "-f", "lavfi", "-i", f"sine=523:duration={_SECONDS}", *codec)


def _clip(ending: str, *codec: str) -> bytes:
    return _ffmpeg(ending, "-f", "lavfi", "-i", f"testsrc=size=96x64:rate=12:duration={_SECONDS}", "-f", "lavfi", "-i",
                   f"sine=330:duration={_SECONDS}", *codec, "-t", str(_SECONDS))


def _told_film() -> bytes:
    """With subtitles, a chapter and tags."""
    with tempfile.TemporaryDirectory() as folder:
        words, chapters = pathlib.Path(folder, "a.srt"), pathlib.Path(folder, "a.txt")
        words.write_text("1\n" + _CUES)
        chapters.write_text(";FFMETADATA1\ntitle=Towers\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=9\ntitle=Morning\n")
        return _clip(".mkv", "-i", str(words), "-i", str(chapters), "-map", "0:v", "-map", "1:a", "-map", "2", "-map_metadata",
                     "3", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:s", "srt")


def _told_song() -> bytes:
    """With a cover and tags."""
    with tempfile.TemporaryDirectory() as folder:
        cover = pathlib.Path(folder, "a.png")
        cover.write_bytes(_picture_bytes("PNG"))
        return _tone(".mp3", "-i", str(cover), "-map", "0", "-map", "1", "-metadata", "title=Bells", "-metadata", "artist=Crow")


def clip(number: int) -> bytes:
    """Three seconds of H.264 and AAC with a cut, different for each number."""
    return _ffmpeg(".mp4", "-f", "lavfi", "-i", "testsrc=size=192x128:rate=16:duration=1.5", "-f", "lavfi", "-i",
                   f"color=0x{(number * 2654435761) % 0xFFFFFF:06x}:size=192x128:rate=16:duration=1.5", "-f", "lavfi", "-i",
                   f"sine={200 + 37 * number}:duration=3", "-filter_complex", "[0:v][1:v]concat=n=2", "-c:v", "libx264",
                   "-pix_fmt", "yuv420p")


def _zip(entries: Dict[str, bytes], stored: str = "") -> bytes:
    """`stored` is an entry that comes first and is not compressed, as the first of EPUB and OpenDocument must be."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data, zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _xml(body: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8"?>' + body).encode()


def _office(main: str, kind: str, files: Dict[str, str], related: Dict[str, str]) -> bytes:
    """Office Open XML: `main` is the path of the main file, `related` the targets from it by type, as r1, r2, ..."""
    space = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = "".join(f'<Relationship Id="r{i}" Type="{types}/{type_}" Target="{target}"/>'
                    for i, (type_, target) in enumerate(related.items(), 1))
    folder, name = main.split("/")
    return _zip({
        "[Content_Types].xml": _xml('<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
                                    f'PartName="/{main}" ContentType="{_OFFICE}{kind}.main+xml"/></Types>'),
        "_rels/.rels": _xml(f'<Relationships {space}><Relationship Id="r1" Type="{types}/officeDocument" '
                            f'Target="{main}"/></Relationships>'),
        f"{folder}/_rels/{name}.rels": _xml(f"<Relationships {space}>{links}</Relationships>"),
        f"{folder}/media/a.png": _picture_bytes("PNG"),
        **{path: _xml(body) for path, body in files.items()}})


def _docx() -> bytes:
    spaces = ('xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:a="http://schemas.openxmlformats'
              '.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"')
    paragraphs = "".join(f'<w:p><w:r><w:t>{_WORDS.strip()}</w:t></w:r></w:p>' for _ in range(4))
    drawing = '<w:p><w:r><w:drawing><a:blip r:embed="r1"/></w:drawing></w:r></w:p>'
    cell = "<w:tc><w:p><w:r><w:t>crow</w:t></w:r></w:p></w:tc>"
    table = f"<w:tbl>{''.join(f'<w:tr>{cell * 3}</w:tr>' for _ in range(3))}</w:tbl>"
    body = f"<w:document {spaces}><w:body>{paragraphs}{drawing}{table}</w:body></w:document>"
    return _office("word/document.xml", "wordprocessingml.document", {"word/document.xml": body}, {"image": "media/a.png"})


def _xlsx() -> bytes:
    spaces = ('xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/'
              'officeDocument/2006/relationships"')
    rows = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>1</v></c><c r="B{r}"><v>{r * 1.5}</v></c><c r="C{r}" s="1"><v>{45000 + r}'
                   f'</v></c><c r="E{r}" t="inlineStr"><is><t>bell</t></is></c></row>' for r in range(2, 12))
    head = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>2</v></c></row>'
    return _office("xl/workbook.xml", "spreadsheetml.sheet", {
        "xl/workbook.xml": f'<workbook {spaces}><sheets><sheet name="Birds" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f"<worksheet {spaces}><sheetData>{head}{rows}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {spaces}><si><t>bird</t></si><si><r><t>cr</t></r><r><t>ow</t></r></si><si><t>weight</t></si>"
                                "</sst>",
        "xl/styles.xml": f'<styleSheet {spaces}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'},
        {"worksheet": "worksheets/sheet1.xml", "sharedStrings": "sharedStrings.xml", "styles": "styles.xml"})


def _pptx() -> bytes:
    spaces = ('xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/'
              'drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"')
    words = f"<p:txBody><a:p><a:r><a:t>{_WORDS.strip()}</a:t></a:r></a:p></p:txBody>"
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>crow</a:t></a:r></a:p></a:txBody></a:tc>"
    shapes = ('<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Towers</a:t></a:r></a:p>'
              f'</p:txBody></p:sp><p:sp><p:spPr><a:xfrm><a:off x="10" y="90"/><a:ext cx="400" cy="80"/></a:xfrm></p:spPr>{words}'
              f'</p:sp><p:graphicFrame><a:graphic><a:graphicData><a:tbl>{f"<a:tr>{cell * 2}</a:tr>" * 3}</a:tbl></a:graphicData>'
              '</a:graphic></p:graphicFrame>')
    slide = f"<p:sld {spaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    return _office("ppt/presentation.xml", "presentationml.presentation", {
        "ppt/presentation.xml": f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst>'
                                '<p:sldSz cx="900" cy="600"/></p:presentation>',
        "ppt/slides/slide1.xml": slide}, {"slide": "slides/slide1.xml"})


def _open_document(kind: str, body: str) -> bytes:
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long or name}:1.0"' for name, long in (
        ("office", ""), ("text", ""), ("table", ""), ("presentation", ""), ("draw", "drawing")))
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    return _zip({
        "mimetype": media_type.encode(),
        "content.xml": _xml(f"<office:document-content{spaces} xmlns:xlink='http://www.w3.org/1999/xlink'><office:body>"
                            f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"),
        "Pictures/a.png": _picture_bytes("PNG"),
        "META-INF/manifest.xml": _xml('<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                                      f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
                                      '</manifest:manifest>')}, stored="mimetype")


_FRAME = "<draw:frame><draw:image xlink:href='Pictures/a.png'/></draw:frame>"


def _odt() -> bytes:
    return _open_document("text", f"<text:h>Towers</text:h><text:p>{_WORDS.strip()}</text:p><text:p>{_FRAME}</text:p>")


def _ods() -> bytes:
    cells = ("<table:table-cell><text:p>crow</text:p></table:table-cell><table:table-cell table:number-columns-repeated='2'/>"
             "<table:table-cell table:number-columns-repeated='3'><text:p>4.5</text:p></table:table-cell>")
    return _open_document("spreadsheet", "<table:table table:name='Birds'>" + f"<table:table-row>{cells}</table:table-row>" * 4 +
                          f"<table:table-row table:number-rows-repeated='3'>{cells}</table:table-row></table:table>")


def _odp() -> bytes:
    return _open_document("presentation", "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>Towers"
                          f"</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>{_WORDS.strip()}</text:p>"
                          f"</draw:text-box></draw:frame>{_FRAME}</draw:page>")


def _epub() -> bytes:
    page = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>Crow</h1><p>{_WORDS.strip()}</p></body></html>"
    return _zip({
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": _xml('<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
                                       '<rootfiles><rootfile full-path="book.opf" '
                                       'media-type="application/oebps-package+xml"/></rootfiles></container>'),
        "book.opf": _xml('<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest><item id="a" href="a.xhtml" '
                         'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'),
        "a.xhtml": _xml(page)}, stored="mimetype")


def midi(number: int, notes: int = 24) -> bytes:
    """So many quarter notes at 120 a minute, a tune and an instrument of its own for each number."""
    steps = [(0, 4, 7, 12, 7, 4)[i % 6] + number * i // 6 % 12 for i in range(notes)]
    events = bytes((0, 0xC0, number % 112)) + b"".join(
        bytes((0, 0x90, 60 + step, 80, 0x60, 0x80, 60 + step, 0)) for step in steps)
    track = b"\x00\xff\x51\x03\x07\xa1\x20" + events + b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def _waves() -> numpy.ndarray:
    time = numpy.linspace(0, 12, 400, dtype=numpy.float32)
    return numpy.stack([numpy.sin(time), numpy.cos(3 * time)], axis=1)


def _npy() -> bytes:
    out = io.BytesIO()
    numpy.save(out, _waves())
    return out.getvalue()


def _html() -> str:
    return ("<html><head><title>Towers</title></head><body><h1>Towers</h1><p>" + _WORDS + "</p><figure><img src='data:"
            "image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFklEQVR4nGNk+M+AFTBhFx6MEoMYAHIjAQ8u2rGfAAAAAElFTkSuQmCC'>"
            "<figcaption>Figure 1: a square</figcaption></figure><table><tr><th>bird</th><th>calls</th></tr><tr><td>crow"
            "</td><td>4</td></tr></table></body></html>")


def seeds() -> List[Seed]:
    """One a type, in a fixed order."""
    rows = "".join(f"crow,{i},{i * 0.5},2024-01-{i % 28 + 1:02d}\n" for i in range(40))
    times = "".join(f"2024-01-01T00:{i:02d}:00Z,{20 + i % 7},{1000 - i}\n" for i in range(60))
    text = [("notes.txt", "text/plain", _WORDS * 8), ("notes.md", "text/markdown", "# Towers\n\n" + _WORDS + "* a\n* b\n"),
            ("page.html", "text/html", _html()), ("film.srt", "application/x-subrip", "1\n" + _CUES),
            ("film.vtt", "text/vtt", "WEBVTT\n\n" + _CUES.replace(",", ".")),
            ("birds.csv", "text/csv", "bird,count,weight,seen\n" + rows),
            ("birds.tsv", "text/tab-separated-values", ("bird,count,weight,seen\n" + rows).replace(",", "\t")),
            ("birds.jsonl", "application/jsonl", "".join(json.dumps({"bird": "crow", "count": i}) + "\n" for i in range(30))),
            ("weather.csv", "text/csv", "time,temp [C],pressure [hPa]\n" + times),
            ("drawing.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='60' height='40'><circle cx='30' "
             "cy='20' r='15' fill='teal'/><text x='5' y='30'>crow</text></svg>")]
    binary = [("a.png", "image/png", _picture_bytes("PNG")), ("a.jpg", "image/jpeg", _picture_bytes("JPEG", quality=85)),
              ("a.gif", "image/gif", _picture_bytes("GIF")), ("a.webp", "image/webp", _picture_bytes("WEBP")),
              ("a.bmp", "image/bmp", _picture_bytes("BMP")), ("a.wav", "audio/wav", sound()),
              ("a.ogg", "audio/ogg", _tone(".ogg", "-c:a", "libvorbis")),
              ("a.opus", "audio/ogg", _tone(".opus", "-c:a", "libopus")), ("a.mp3", "audio/mpeg", _tone(".mp3")),
              ("a.flac", "audio/flac", _tone(".flac")), ("a.m4a", "audio/mp4", _tone(".m4a", "-c:a", "aac")),
              ("a.aac", "audio/aac", _tone(".aac", "-c:a", "aac")), ("told.mp3", "audio/mpeg", _told_song()),
              ("a.mp4", "video/mp4", _clip(".mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")),
              ("a.mkv", "video/x-matroska", _clip(".mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p")),
              ("a.webm", "video/webm", _clip(".webm", "-c:v", "libvpx", "-c:a", "libvorbis")),
              ("told.mkv", "video/x-matroska", _told_film()), ("a.mov", "video/quicktime", _clip(".mov", "-c:v", "mpeg4")),
              ("a.ts", "video/mp2t", _clip(".ts", "-c:v", "mpeg2video")),
              ("a.avi", "video/x-msvideo", _clip(".avi", "-c:v", "mpeg4", "-c:a", "mp3")),
              ("a.pdf", "application/pdf", pdf(2)),
              ("a.docx", _OFFICE + "wordprocessingml.document", _docx()),
              ("a.xlsx", _OFFICE + "spreadsheetml.sheet", _xlsx()),
              ("a.pptx", _OFFICE + "presentationml.presentation", _pptx()),
              ("a.odt", _OPEN + "text", _odt()), ("a.ods", _OPEN + "spreadsheet", _ods()),
              ("a.odp", _OPEN + "presentation", _odp()), ("a.epub", "application/epub+zip", _epub()),
              ("a.npy", "application/x-npy", _npy()),
              ("a.raw", "application/x-raw-series; rate_hz=100; channels=2; type=f32", _waves().astype("<f4").tobytes()),
              ("a.mid", "audio/midi", midi(0))]
    return [Seed(name, media_type, data.encode()) for name, media_type, data in text] + [Seed(*one) for one in binary]
