"""How soon an event changes results, and what ingest and training cost search."""

import math
import pathlib
import statistics
import threading
import time
from typing import List, Optional, Tuple

import mixmatch
from tests.corpora import tuxpaint
from tests.corpora.manifest import Row, bucket, sha256_hex
from tests.quickstart import alter
from tests.quickstart.figures import percentile

# A language that was not ingested and whose script is its own: what is found by it can only have been learned.
_FRESH_LANGUAGE = "ja"
_BUSY_LANGUAGES = ("it", "pl", "sv", "hu", "fi", "cs", "uk")
_RISE = 0.02  # Of a score, to count as changed.
_GIVE_UP_SECONDS = 15.0


def captions_of(rows: List[Row], language: str, root: pathlib.Path = tuxpaint.DEFAULT_ROOT) -> List[Tuple[Row, str]]:
    """Stamps' picture rows with their caption in a language."""
    result = []
    for row in rows:
        if row.kind == "picture":
            text = (root / (row.metadata["stamp"] + ".txt")).read_text(encoding="utf-8", errors="replace")
            caption = tuxpaint.parse_captions(text).get(language)
            if caption:
                result.append((row, caption))
    return result


def event_to_results_seconds(client: mixmatch.Client, rows: List[Row], trials: int = 7) -> List[Optional[float]]:
    """For each of some stamps: how long from a new event's last ack until an older picture is nearer to a new caption.

    The new event is a Japanese caption and two altered copies of the stamp's picture. What is looked at is the stamp's own
    picture, which is no member of it: its score for the caption, less that of an unrelated stamp's picture, so that a
    change of the whole space does not count. None if that did not rise in time.
    """
    stamps = sorted(captions_of(rows, _FRESH_LANGUAGE), key=lambda pair: sha256_hex(pair[1].encode()))
    return [_one_event(client, row, caption, stamps[-1 - place][0]) for place, (row, caption) in
            enumerate(stamps[:trials])]


def _one_event(client: mixmatch.Client, row: Row, caption: str, unrelated: Row) -> Optional[float]:
    stamp, other = row.metadata["stamp"], unrelated.metadata["stamp"]

    def lead() -> float:
        hits = client.search(mixmatch.text(caption), k=2, modalities=["image"],
                             where=mixmatch.where(kind="picture", stamp=[stamp, other]))
        scores = {hit.item.metadata["stamp"].text: hit.score for hit in hits}
        return scores[stamp] - scores[other]

    before = lead()
    event = "fresh:" + stamp
    for number in range(2):
        client.put(alter.picture(pathlib.Path(row.path), f"fresh{number}:{row.id}"), event=event, name="fresh.jpg",
                   metadata={"kind": "fresh"})
    client.put_text(caption, event=event, name="fresh.txt", metadata={"kind": "fresh"})
    acked = time.monotonic()
    while time.monotonic() - acked < _GIVE_UP_SECONDS:
        if lead() > before + _RISE:
            return time.monotonic() - acked
        time.sleep(0.02)
    return None


def search_milliseconds(client: mixmatch.Client, texts: List[str], searches: int) -> List[float]:
    """Times of text searches for any modality, one after the other, each through gRPC and back."""
    times = []
    for number in range(searches):
        term = mixmatch.text(texts[number % len(texts)])
        start = time.perf_counter()
        client.search(term, k=10)
        times.append((time.perf_counter() - start) * 1000)
    return times


def busy_over_idle(client: mixmatch.Client, rows: List[Row], searches: int) -> Tuple[List[float], List[float]]:
    """Search times while nothing else goes on (learning paused), and during ingest and training."""
    texts = [caption.lower() for _, caption in captions_of(rows, "en")]
    client.pause_learning()
    search_milliseconds(client, texts, searches // 10)
    idle = search_milliseconds(client, texts, searches)
    client.resume_learning()
    with Load(client, rows) as load:
        load.wait_for_first()
        busy = search_milliseconds(client, texts, searches)
    return idle, busy


class Load:
    """Uploads captions in further languages and altered pictures from two threads until it is left."""

    def __init__(self, client: mixmatch.Client, rows: List[Row]):
        self._client = client
        self._work = self._endless([pair for language in _BUSY_LANGUAGES for pair in captions_of(rows, language)])
        self._stop, self._first, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]
        self.uploads = 0
        self.errors: List[str] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_first(self) -> None:
        self._first.wait(30)

    @staticmethod
    def _endless(pairs):
        number = 0
        while True:
            row, caption = pairs[bucket(str(number), len(pairs), "load")]
            number += 1
            yield number, row, caption

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                number, row, caption = next(self._work)
            try:
                event = f"load:{row.metadata['stamp']}"
                if number % 3 == 0:
                    self._client.put(pathlib.Path(row.path), event=event, metadata={"kind": "load"})
                else:
                    self._client.put_text(f"{caption} {number}", event=event, metadata={"kind": "load"})
                self.uploads += 1
            except mixmatch.Error as error:
                self.errors.append(error.details())
            self._first.set()


def p99_ratio(idle: List[float], busy: List[float]) -> float:
    return percentile(busy, 0.99) / percentile(idle, 0.99)


def median_seconds(trials: List[Optional[float]]) -> Optional[float]:
    """The median, where a trial that failed counts as endless; None if that makes the median endless."""
    median = statistics.median_high([math.inf if seconds is None else seconds for seconds in trials])
    return median if math.isfinite(median) else None
