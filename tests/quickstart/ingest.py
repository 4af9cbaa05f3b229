"""Uploads the rows of a manifest through the public API, whole events one after the other, and waits until learned."""

import collections
import concurrent.futures
import dataclasses
import itertools
import pathlib
import time
from typing import Dict, List

import mixmatch
from mixmatch.v1 import learning_service_pb2 as learning
from tests.corpora.manifest import INGEST, Row, sha256_hex
from tests.quickstart.progress import Progress

_UPLOADS_AT_ONCE = 4
_RIDGES_REST_SECONDS = 6
_SETTLE_SECONDS = 600


@dataclasses.dataclass
class Ingested:
    """What came of an ingest. `item_ids` by row id."""

    item_ids: Dict[str, int]
    failures: Dict[str, str]  # Row id to error.
    seconds: float

    def failure_table(self) -> List[str]:
        counts = collections.Counter(error for error in self.failures.values())
        return [f"{count} x {error}" for error, count in counts.most_common(5)]


def in_order(rows: List[Row]) -> List[Row]:
    """Rows to upload: events mixed by the fixed rule, so that both corpora arrive together; each event in one go."""
    kept = [row for row in rows if row.role == INGEST]
    return sorted(kept, key=lambda row: (sha256_hex(row.event.encode()), row.id))


def ingest(client: mixmatch.Client, rows: List[Row], show: bool = True) -> Ingested:
    """Uploads all rows that are to be uploaded. A failed one is noted, not raised."""
    start = time.monotonic()
    result = Ingested({}, {}, 0.0)
    todo = iter(in_order(rows))
    total = sum(row.role == INGEST for row in rows)
    with Progress("upload and learn", total) as step, \
            concurrent.futures.ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        running = {pool.submit(_put, client, row): row for row in itertools.islice(todo, 2 * _UPLOADS_AT_ONCE)}
        while running:
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                _note(result, running.pop(future), future)
                step()
                for row in itertools.islice(todo, 1):
                    running[pool.submit(_put, client, row)] = row
    result.seconds = time.monotonic() - start
    return result


def _put(client: mixmatch.Client, row: Row) -> int:
    path = pathlib.Path(row.path)
    name = row.metadata.get("title", path.name) if row.kind in ("caption", "description") else path.name
    # The request id makes it safe to run the quickstart again on the same data directory.
    return client.put(path.read_bytes(), event=row.event, name=name, media_type=row.media_type, metadata=row.metadata,
                      origin=row.metadata["corpus"], request_id="quickstart-" + sha256_hex(row.id.encode())[:32]).item_id


def _note(result: Ingested, row: Row, future: concurrent.futures.Future) -> None:
    try:
        result.item_ids[row.id] = future.result()
    except mixmatch.Error as error:
        result.failures[row.id] = f"{error.code().name}: {error.details()[:200]}"


def wait_until_learned(client: mixmatch.Client, seconds: float = _SETTLE_SECONDS) -> learning.LearningStatus:
    """Returns when no event waits to be learned; RuntimeError if that takes too long."""
    end = time.monotonic() + seconds
    while True:
        status = client.learning_status()
        if status.events_queued == 0 and status.state != learning.LEARNING_STATE_LEARNING:
            return status
        if time.monotonic() > end:
            raise RuntimeError(f"learning did not settle within {seconds:.0f} s: {status.events_queued} events wait")
        time.sleep(0.2)


def wait_until_ridges_chosen(client: mixmatch.Client, seconds: float = _SETTLE_SECONDS) -> learning.LearningStatus:
    """Returns when all is learned and the head's ridges were chosen from it: they are some seconds after the last change.
    RuntimeError if that takes too long; needs 20 events."""
    end = time.monotonic() + seconds
    chosen, since = 0, time.monotonic()
    while True:
        status = wait_until_learned(client, max(1.0, end - time.monotonic()))
        if status.ridge_events != chosen:
            chosen, since = status.ridge_events, time.monotonic()
        if chosen > 0 and time.monotonic() - since > _RIDGES_REST_SECONDS:
            return status
        if time.monotonic() > end:
            raise RuntimeError(f"the head's ridges were not chosen within {seconds:.0f} s")
        time.sleep(0.2)
