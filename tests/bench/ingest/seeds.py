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
_WORDS = "The crow calls from the tower. A bell answers, and the market falls silent.\n\n"


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
                   f"sine=330:duration={_SECONDS}", "-shortest", *codec)


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


def _docx() -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    paragraphs = "".join(f'<w:p><w:r><w:t>{_WORDS.strip()}</w:t></w:r></w:p>' for _ in range(4))
    return _zip({
        "[Content_Types].xml": _xml('<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
                                    'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument'
                                    '.wordprocessingml.document.main+xml"/></Types>'),
        "_rels/.rels": _xml('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
                            'Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
                            'Target="word/document.xml"/></Relationships>'),
        "word/document.xml": _xml(f"<w:document {space}><w:body>{paragraphs}</w:body></w:document>")})


def _odt() -> bytes:
    spaces = ('xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
              'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"')
    return _zip({
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": _xml(f"<office:document-content {spaces}><office:body><office:text><text:h>Towers</text:h>"
                            f"<text:p>{_WORDS.strip()}</text:p></office:text></office:body></office:document-content>"),
        "META-INF/manifest.xml": _xml('<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                                      '<manifest:file-entry manifest:full-path="content.xml" '
                                      'manifest:media-type="text/xml"/></manifest:manifest>')}, stored="mimetype")


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
    cues = "00:00:00,500 --> 00:00:01,400\nThe crow calls.\n\n"
    rows = "".join(f"crow,{i},{i * 0.5},2024-01-{i % 28 + 1:02d}\n" for i in range(40))
    times = "".join(f"2024-01-01T00:{i:02d}:00Z,{20 + i % 7},{1000 - i}\n" for i in range(60))
    text = [("notes.txt", "text/plain", _WORDS * 8), ("notes.md", "text/markdown", "# Towers\n\n" + _WORDS + "* a\n* b\n"),
            ("page.html", "text/html", _html()), ("film.srt", "application/x-subrip", "1\n" + cues),
            ("film.vtt", "text/vtt", "WEBVTT\n\n" + cues.replace(",", ".")),
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
              ("a.mp4", "video/mp4", _clip(".mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")),
              ("a.mkv", "video/x-matroska", _clip(".mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p")),
              ("a.webm", "video/webm", _clip(".webm", "-c:v", "libvpx", "-c:a", "libvorbis")),
              ("a.ts", "video/mp2t", _clip(".ts", "-c:v", "mpeg2video")),
              ("a.avi", "video/x-msvideo", _clip(".avi", "-c:v", "mpeg4", "-c:a", "mp3")),
              ("a.pdf", "application/pdf", pdf(2)),
              ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", _docx()),
              ("a.odt", "application/vnd.oasis.opendocument.text", _odt()), ("a.epub", "application/epub+zip", _epub()),
              ("a.npy", "application/x-npy", _npy()),
              ("a.raw", "application/x-raw-series; rate_hz=100; channels=2; type=f32", _waves().astype("<f4").tobytes()),
              ("a.mid", "audio/midi", midi(0))]
    return [Seed(name, media_type, data.encode()) for name, media_type, data in text] + [Seed(*one) for one in binary]
