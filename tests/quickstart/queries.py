"""The queries: altered copies, made once for each source row and kept in a folder, so that a second run is quick."""

import concurrent.futures
import dataclasses
import os
import pathlib
from typing import Callable, Dict, List, Optional

import mixmatch
from tests.corpora.manifest import Row, sha256_hex
from tests.quickstart import alter
from tests.quickstart.directions import Task
from tests.quickstart.progress import Progress

_VERSION = "1"  # Part of every file's name: raise it when an alteration changes.


@dataclasses.dataclass
class Query:
    """One query: the row it was made of and what to send."""

    row: Row
    term: "mixmatch.v1.search_service_pb2.QueryTerm"


def chosen(task: Task, most: int) -> List[str]:
    """At most that many query rows of a task, by the fixed rule: the smallest hashes of their ids."""
    return sorted(task.positives, key=lambda row_id: sha256_hex(b"query:" + row_id.encode()))[:most]


class Maker:
    """Makes queries of rows. Files of altered content lie under `folder`."""

    def __init__(self, rows: List[Row], folder: pathlib.Path):
        self._rows: Dict[str, Row] = {row.id: row for row in rows}
        # A query that equals something ingested, even something else, would not be one that was never ingested.
        self._ingested_texts = {pathlib.Path(row.path).read_text(encoding="utf-8")
                                for row in rows if row.modality == "text"}
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def make(self, tasks: List[Task], most: Callable[[str], int]) -> Dict[str, List[Query]]:
        """Queries by the direction's name, which `most` gives a limit for. Rows that cannot be altered are left out."""
        rows_of = {task.direction.name: chosen(task, most(task.direction.name)) for task in tasks}
        jobs = {(row_id, task.direction.altered) for task in tasks for row_id in rows_of[task.direction.name]}
        made: Dict[tuple, Optional[Query]] = {}
        with Progress("alter queries", len(jobs)) as step, \
                concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = {pool.submit(self._query, self._rows[row_id], altered): (row_id, altered)
                       for row_id, altered in jobs}
            for future in concurrent.futures.as_completed(futures):
                made[futures[future]] = future.result()
                step()
        return {task.direction.name: [made[row_id, task.direction.altered] for row_id in rows_of[task.direction.name]
                                      if made[row_id, task.direction.altered]] for task in tasks}

    def _query(self, row: Row, altered: bool) -> Optional[Query]:
        path = pathlib.Path(row.path)
        if not altered:
            return Query(row, mixmatch.content(path.read_bytes(), row.media_type))
        if row.modality == "text":
            words = alter.text(path.read_text(encoding="utf-8"), row.id)
            return Query(row, mixmatch.text(words)) if words and words not in self._ingested_texts else None
        if row.modality == "image":
            return Query(row, mixmatch.content(self._kept(row, lambda: alter.picture(path, row.id)), "image/jpeg"))
        if row.modality == "video":
            return Query(row, mixmatch.content(self._kept(row, lambda: alter.video(path, row.id)), "video/mp4"))
        return Query(row, mixmatch.content(self._kept(row, lambda: alter.sound(path, row.id)[0]), "audio/ogg"))

    def _kept(self, row: Row, make) -> bytes:
        path = self._folder / sha256_hex(f"{_VERSION}:{row.id}:{row.content_key}".encode())[:32]
        if not path.exists():
            partial = path.with_suffix(".part")
            partial.write_bytes(make())
            partial.replace(path)
        return path.read_bytes()
