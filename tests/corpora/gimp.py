"""The GIMP manual: pages of text with captioned figures (Debian package gimp-help-en, GFDL-1.2+; see data/README or its
copyright file). A page becomes one self-contained HTML document, its pictures inside as data: URIs.
"""

import base64
import collections
import dataclasses
import hashlib
import pathlib
import re
import xml.etree.ElementTree as ElementTree
from typing import Dict, List

DEFAULT_ROOT = pathlib.Path("/usr/share/gimp/2.0/help/en")
PACKAGE = "gimp-help-en"
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml"}
_SPACE = "{http://www.w3.org/1999/xhtml}"
_STOCK_PAGES = 3  # A picture on so many pages is decoration, or an input that every filter is shown with.
_IMAGE = re.compile(rb'<img\b[^>]*?\bsrc="([^"]*)"[^>]*?/?>', re.S)
_NUMBER = re.compile(r"^(Figure|Table)\s+[\dA-Z.]+\s*")


@dataclasses.dataclass(frozen=True)
class Figure:
    page: str
    picture: pathlib.Path
    caption: str  # Without its number, which no one would ask with.


@dataclasses.dataclass
class Page:
    name: str
    html: bytes  # Self-contained.
    figures: List[Figure]


def pages(root: pathlib.Path = DEFAULT_ROOT) -> List[Page]:
    """All pages with their captioned figures, by name. FileNotFoundError if the package is missing."""
    files = sorted(root.glob("*.html"))
    if not files:
        raise FileNotFoundError(f"{root} has no pages; deploy/install-deps --learning installs {PACKAGE}")
    sources = {path.stem: path.read_bytes() for path in files}
    stock = _stock_pictures(root, sources)
    return [Page(name, _with_pictures_inside(root, source, stock), _figures(root, name, source, stock))
            for name, source in sources.items()]


def _digest(path: pathlib.Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _stock_pictures(root: pathlib.Path, sources: Dict[str, bytes]) -> set:
    """Paths of pictures whose bytes are on several pages."""
    on_pages = collections.defaultdict(set)
    paths = collections.defaultdict(set)
    for name, source in sources.items():
        for link in set(_IMAGE.findall(source)):
            path = root / link.decode()
            if path.is_file():
                digest = _digest(path)
                on_pages[digest].add(name)
                paths[digest].add(path)
    return {path for digest, names in on_pages.items() if len(names) >= _STOCK_PAGES for path in paths[digest]}


def _with_pictures_inside(root: pathlib.Path, source: bytes, stock: set) -> bytes:
    def inside(match: "re.Match") -> bytes:
        path = root / match.group(1).decode()
        if path in stock or path.suffix.lower() not in _TYPES or not path.is_file():
            return b""
        data = b"data:" + _TYPES[path.suffix.lower()].encode() + b";base64," + base64.b64encode(path.read_bytes())
        return match.group(0).replace(match.group(1), data)
    return _IMAGE.sub(inside, source)


def _figures(root: pathlib.Path, name: str, source: bytes, stock: set) -> List[Figure]:
    """The first picture of each element of class figure, with its title."""
    found = []
    for element in ElementTree.fromstring(source).iter(_SPACE + "div"):
        if element.get("class") != "figure":
            continue
        title = next((p for p in element.iter(_SPACE + "p") if p.get("class") == "title"), None)
        image = next((one for one in element.iter(_SPACE + "img")), None)
        if title is None or image is None:
            continue
        picture = root / image.get("src", "")
        caption = _NUMBER.sub("", " ".join("".join(title.itertext()).split()))
        if caption and picture not in stock and picture.is_file() and picture.suffix.lower() in _TYPES:
            found.append(Figure(name, picture, caption))
    return found
