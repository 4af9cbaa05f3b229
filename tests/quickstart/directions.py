"""The directions between modalities: which queries go to which candidates, and which candidates are right.

A right answer for an altered query is a candidate of an event that holds the query's source, or a source byte-identical
to it; also a candidate byte-identical to one of those. Between sounds and videos it is stricter: the very same sound.
"""

import dataclasses
from typing import Callable, Dict, List, Sequence, Set

from tests.corpora.manifest import INGEST, Row


@dataclasses.dataclass(frozen=True)
class Direction:
    """`source` tells which rows make queries, `kinds` and `where` which ingested rows are candidates."""

    name: str
    source: Callable[[Row], bool]
    modality: str  # Of the parts to find.
    kinds: Sequence[str]  # Metadata "kind" of their items; empty: any.
    where: Dict[str, str] = dataclasses.field(default_factory=dict)  # More metadata of the candidates.
    same: str = ""  # If set, right answers share this metadata value with the query instead of the event.
    only_unseen: bool = False  # Right answers are held-out clips.
    altered: bool = True  # False: the query is used as it is, since nothing of it was ingested.


def _kind(*kinds: str, **metadata: str) -> Callable[[Row], bool]:
    return lambda row: row.kind in kinds and all(row.metadata.get(key) == value for key, value in metadata.items())


# The four that have a bar come first. Speech and video share no event in these corpora, so they have no direction.
DIRECTIONS = (
    Direction("sound_to_video", _kind("track", sound="yes"), "video", ("clip",), {"sound": "yes"}, same="take"),
    Direction("sound_to_unseen_video", _kind("track", sound="no"), "video", ("clip",), {"sound": "no"}, same="label",
              altered=False),
    Direction("sound_to_unseen_video_among_all", _kind("track", sound="no"), "video", ("clip",), same="label",
              only_unseen=True, altered=False),
    Direction("speech_to_image", _kind("speech"), "image", ()),
    Direction("text_to_image", _kind("caption"), "image", ()),
    Direction("text_to_speech", _kind("caption"), "audio", ("speech",)),
    Direction("text_to_sound", _kind("caption"), "audio", ("effect",)),
    Direction("text_to_video", _kind("description"), "video", ("clip",)),
    Direction("image_to_text", _kind("picture"), "text", ("caption",)),
    Direction("image_to_speech", _kind("picture"), "audio", ("speech",)),
    Direction("image_to_sound", _kind("picture"), "audio", ("effect",)),
    Direction("image_to_video", _kind("portrait", "sprite"), "video", ("clip",)),
    Direction("speech_to_text", _kind("speech"), "text", ("caption",)),
    Direction("speech_to_sound", _kind("speech"), "audio", ("effect",)),
    Direction("sound_to_text", _kind("effect"), "text", ("caption",)),
    Direction("sound_to_image", _kind("effect"), "image", ()),
    Direction("sound_to_speech", _kind("effect"), "audio", ("speech",)),
    Direction("video_to_text", _kind("clip"), "text", ("description", "statistics")),
    Direction("video_to_image", _kind("clip"), "image", ()),
    Direction("video_to_sound", _kind("clip", sound="yes"), "audio", ("clip",), same="take"),
)


@dataclasses.dataclass
class Task:
    """A direction with its candidates and, for each query row that has any, its right answers (row ids)."""

    direction: Direction
    candidates: int
    positives: Dict[str, Set[str]]


class Answers:
    """Works out candidates and right answers from the manifest alone."""

    def __init__(self, rows: List[Row]):
        self._rows = rows
        self._ingested = [row for row in rows if row.role == INGEST]
        self._events_of_key: Dict[str, Set[str]] = {}
        for row in rows:
            self._events_of_key.setdefault(row.content_key, set()).add(row.event)

    def task(self, direction: Direction) -> Task:
        candidates = [row for row in self._ingested if _is_candidate(row, direction)]
        positives = {}
        finder = self._by_metadata(direction, candidates) if direction.same else self._by_event(candidates)
        for row in self._rows:
            if direction.source(row):
                right = finder(row)
                if right:
                    positives[row.id] = right
        return Task(direction, len(candidates), positives)

    def _by_event(self, candidates: List[Row]) -> Callable[[Row], Set[str]]:
        of_event: Dict[str, List[Row]] = {}
        of_key: Dict[str, Set[str]] = {}
        for row in candidates:
            of_event.setdefault(row.event, []).append(row)
            of_key.setdefault(row.content_key, set()).add(row.id)

        def find(query: Row) -> Set[str]:
            right: Set[str] = set()
            for event in self._events_of_key[query.content_key]:
                for row in of_event.get(event, ()):
                    right |= of_key[row.content_key]
            return right

        return find

    def _by_metadata(self, direction: Direction, candidates: List[Row]) -> Callable[[Row], Set[str]]:
        of_value: Dict[str, Set[str]] = {}
        for row in candidates:
            if not direction.only_unseen or row.metadata.get("sound") == "no":
                of_value.setdefault(row.metadata[direction.same], set()).add(row.id)
        return lambda query: of_value.get(query.metadata[direction.same], set())


def _is_candidate(row: Row, direction: Direction) -> bool:
    # A video with sound has a part of either modality.
    modalities = {row.modality} | ({"audio"} if row.metadata.get("sound") == "yes" else set())
    return (direction.modality in modalities and (not direction.kinds or row.kind in direction.kinds)
            and all(row.metadata.get(key) == value for key, value in direction.where.items()))
