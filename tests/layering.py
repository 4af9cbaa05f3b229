"""The one-way rule between the rooms, checked on the text of the sources.

proto <- {index, model} <- server; client sees only proto; nothing includes tests. FAISS lives in index/ only, RocksDB in
index/store/ only, LibTorch and FFmpeg in model/ only; each room's public headers keep its libraries to themselves.
"""

import pathlib
import re
import sys
from typing import Dict, Iterator, List, NamedTuple

SOURCES = (".h", ".cc", ".cpp", ".hpp", ".inc")

# Rooms that a room may include from, itself aside.
ALLOWED_ROOMS: Dict[str, set] = {
    "proto": set(),
    "index": {"proto"},
    "model": {"proto"},
    "server": {"proto", "index", "model"},
    "client": {"proto"},
}


class Library(NamedTuple):
    """A library, how its includes and names look, and the only folder that may use it."""

    name: str
    include: str  # Regular expression over an include's path.
    symbol: str  # Regular expression over code.
    home: str


LIBRARIES = (
    Library("FAISS", r"^faiss/", r"\bfaiss::", "index/"),
    Library("RocksDB", r"^rocksdb/", r"\brocksdb::", "index/store/"),
    Library("LibTorch", r"^(torch|ATen|c10|caffe2)/", r"\b(torch|at::Tensor|c10)\b::?", "model/"),
    Library("FFmpeg", r"^libav|^libsw(scale|resample)/", r"\b(av_[a-z]|avcodec_|avformat_|sws_|swr_)\w*\(", "model/"),
)

_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


class Violation(NamedTuple):
    path: str
    line: int
    message: str


def check(root: pathlib.Path) -> List[Violation]:
    """Every breach of the rule under `root`, by path and line."""
    found: List[Violation] = []
    for room in ALLOWED_ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                found.extend(_check_file(path.relative_to(root).as_posix(), room, path.read_text(errors="replace")))
    return found


def _check_file(path: str, room: str, text: str) -> Iterator[Violation]:
    for number, line in enumerate(_without_comments(text).split("\n"), start=1):
        include = _INCLUDE.match(line)
        if include:
            yield from _check_include(path, number, room, include[1])
        else:
            yield from _check_symbols(path, number, re.sub(r'"(\\.|[^"\\])*"', '""', line))


def _check_include(path: str, number: int, room: str, included: str) -> Iterator[Violation]:
    other = included.split("/", 1)[0]
    if other in {*ALLOWED_ROOMS, "tests"} and other != room and other not in ALLOWED_ROOMS[room]:
        yield Violation(path, number, f"{room}/ may not include {other}/: {included}")
    for library in LIBRARIES:
        if re.search(library.include, included) and not path.startswith(library.home):
            yield Violation(path, number, f"{library.name} may be included in {library.home} only: {included}")


def _check_symbols(path: str, number: int, line: str) -> Iterator[Violation]:
    for library in LIBRARIES:
        if not path.startswith(library.home) and re.search(library.symbol, line):
            yield Violation(path, number, f"{library.name} may be used in {library.home} only: {line.strip()[:80]}")


def _without_comments(text: str) -> str:
    """Blanks comments out and keeps the line numbers."""
    pattern = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.S)
    return pattern.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    violations = check(root)
    for violation in violations:
        print(f"{violation.path}:{violation.line}: {violation.message}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
