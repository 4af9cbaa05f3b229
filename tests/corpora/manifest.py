"""The manifest: one JSON line for each file that a corpus offers.

A row says what the file is, which event it belongs to and what may be done with it. Rows of one event are adjacent.
"""

import dataclasses
import hashlib
import json
import pathlib
from typing import Dict, Iterable, Iterator, List

# What a row is for.
INGEST = "ingest"  # Upload it.
QUERY_ONLY = "query_only"  # Never upload it: the sound track that was removed from a held-out clip.


@dataclasses.dataclass
class Row:
    """One file. `path` is absolute. `content_key` is equal for files whose source bytes are equal."""

    id: str  # Unique in the corpus; stable from run to run.
    event: str  # Event id: what it occurred with.
    path: str
    media_type: str  # A guess from the ending.
    modality: str  # text, image, audio or video.
    metadata: Dict[str, str]  # corpus, kind, and lang, unit, race, label ... where they apply.
    content_key: str
    role: str = INGEST

    @property
    def kind(self) -> str:
        return self.metadata["kind"]


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bucket(identity: str, buckets: int, purpose: str) -> int:
    """A number in [0, buckets) that depends on the id and the purpose alone: the fixed rule of every split."""
    digest = hashlib.sha256(f"mixmatch:{purpose}:{identity}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % buckets


def write(rows: Iterable[Row], path: pathlib.Path) -> int:
    """Writes the rows at once (a cut write leaves the old file); returns their number."""
    lines = [json.dumps(dataclasses.asdict(row), ensure_ascii=False, sort_keys=True) for row in rows]
    temporary = path.with_name(path.name + ".part")
    temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    temporary.replace(path)
    return len(lines)


def read(path: pathlib.Path) -> Iterator[Row]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield Row(**json.loads(line))


def tenth(rows: List[Row], group_of=lambda row: row.event) -> List[Row]:
    """About a tenth of the groups, each whole: always the same ones."""
    return [row for row in rows if bucket(group_of(row), 10, "quick") == 0]
