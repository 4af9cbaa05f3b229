"""How soon an event changes results, and what ingest and training cost search."""

import itertools
import math
import multiprocessing
import pathlib
import statistics
import threading
import time
from typing import List, Optional, Tuple

import grpc
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


def busy_over_idle(client: mixmatch.Client, address: str, rows: List[Row], searches: int) -> Tuple[List[float], List[float]]:
    """Search times while nothing else goes on (learning paused), and during ingest and training."""
    texts = [caption.lower() for _, caption in captions_of(rows, "en")]
    client.pause_learning()
    search_milliseconds(client, texts, searches // 10)
    idle = search_milliseconds(client, texts, searches)
    client.resume_learning()
    with Load(address, rows) as load:
        load.wait_for_first()
        busy = search_milliseconds(client, texts, searches)
    return idle, busy


class Load:
    """Uploads captions in further languages and altered pictures, by two threads of another process, until it is left.

    Another process, because threads beside the one that measures would take turns with it at Python's lock.
    """

    def __init__(self, address: str, rows: List[Row]):
        spawn = multiprocessing.get_context("spawn")
        self._first, self._stop = spawn.Event(), spawn.Event()
        self._process = spawn.Process(target=_upload_until, args=(address, rows, self._first, self._stop), daemon=True)

    def __enter__(self) -> "Load":
        self._process.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._process.join()

    def wait_for_first(self) -> None:
        if not self._first.wait(60):
            raise RuntimeError("the load process uploaded nothing within a minute")


def _upload_until(address: str, rows: List[Row], first, stop) -> None:
    pairs = [pair for language in _BUSY_LANGUAGES for pair in captions_of(rows, language)]
    numbers = itertools.count()

    def run() -> None:
        while not stop.is_set():
            number = next(numbers)
            row, caption = pairs[bucket(str(number), len(pairs), "load")]
            event = f"load:{row.metadata['stamp']}"
            try:
                if number % 3 == 0:
                    client.put(pathlib.Path(row.path), event=event, metadata={"kind": "load"})
                else:
                    client.put_text(f"{caption} {number}", event=event, metadata={"kind": "load"})
                first.set()
            except mixmatch.Error as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:  # A full queue is part of being busy.
                    raise

    with mixmatch.Client(address) as client:
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def p99_ratio(idle: List[float], busy: List[float]) -> float:
    return percentile(busy, 0.99) / percentile(idle, 0.99)


def median_seconds(trials: List[Optional[float]]) -> Optional[float]:
    """The median, where a trial that failed counts as endless; None if that makes the median endless."""
    median = statistics.median_high([math.inf if seconds is None else seconds for seconds in trials])
    return median if math.isfinite(median) else None
