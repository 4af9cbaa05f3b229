"""Indexes under measurement, each a process that answers JSON lines, and how a breadth of search is chosen."""

import array
import json
import os
import pathlib
import statistics
import subprocess
from typing import Callable, Dict, List, Optional, Sequence, Set

K = 10
TARGET_RECALL = 0.95
# Breadths of a search that are tried, in this order: ef, or what a peer makes of it.
BREADTHS = (10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512,
            640, 768, 1024)


class PeerError(Exception):
    """What a peer could not do, in its words."""


class Queries:
    """A file of query vectors and the rows of the base that are truly nearest to each."""

    def __init__(self, vectors: pathlib.Path, truth: pathlib.Path, dim: int) -> None:
        self.vectors = vectors
        self.dim = dim
        self.count = vectors.stat().st_size // (4 * dim)
        self.truth = read_rows(truth)
        if len(self.truth) != self.count * K:
            raise ValueError(f"{truth} has {len(self.truth)} rows for {self.count} queries; delete it to make it anew")


def read_rows(path: pathlib.Path) -> Sequence[int]:
    rows = array.array("I")
    rows.frombytes(path.read_bytes())
    return rows


def recall(answers: Sequence[int], truth: Sequence[int], k: int = K) -> float:
    """Share of the true neighbors that are among the answers to their query, in any order."""
    if len(answers) != len(truth):
        raise ValueError(f"{len(answers)} answers to {len(truth)} places")
    true = [set(truth[at:at + k]) for at in range(0, len(truth), k)]
    found = sum(len(rows & set(answers[place * k:(place + 1) * k])) for place, rows in enumerate(true))
    return found / sum(map(len, true))


def cpus_for(threads: int) -> Set[int]:
    """As many processors as threads: a peer that starts threads of its own has no more than the others."""
    mine = sorted(os.sched_getaffinity(0))
    return set(mine[-threads:])


class Peer:
    """A running one. Use it as a context."""

    def __init__(self, name: str, command: Sequence[str], scratch: pathlib.Path) -> None:
        self.name = name
        self.answers = scratch / f"{name}.answers"
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, what: str, **request: object) -> dict:
        try:
            self.process.stdin.write(json.dumps({"do": what, **request}, default=str) + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise PeerError(f"{self.name} has ended") from error
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise PeerError(f"{self.name} ended with {self.process.wait()}")
            if line.startswith("{"):  # What libraries print is not an answer.
                break
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.name}: {answer['error']}")
        return answer

    def pin(self, cpus: Set[int]) -> None:
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                os.sched_setaffinity(int(thread), cpus)
            except OSError:  # It has ended.
                pass

    def build(self, base: pathlib.Path, count: int, dim: int, threads: int) -> dict:
        self.pin(cpus_for(threads))
        return self.ask("build", base=base, count=count, dim=dim, threads=threads)

    def search(self, queries: Queries, breadth: int, threads: int, seconds: float) -> Dict[str, float]:
        """Recall and queries a second, over all queries for at least so long."""
        self.pin(cpus_for(threads))
        done = self.ask("search", queries=queries.vectors, count=queries.count, dim=queries.dim, k=K, breadth=breadth,
                        threads=threads, seconds=seconds, answers=self.answers)
        return {"recall": recall(read_rows(self.answers), queries.truth), "qps": done["queries"] / done["seconds"]}


def first_breadth(recall_at: Callable[[int], float], breadths: Sequence[int] = BREADTHS) -> Optional[int]:
    """The first that reaches the target; None if none does."""
    return next((breadth for breadth in breadths if recall_at(breadth) >= TARGET_RECALL), None)


def choose_breadth(peer: Peer, validation: Queries, test: Queries, threads: int) -> Optional[int]:
    """Chosen on the validation queries; broadened where the test queries, which are others, fall short."""
    chosen = first_breadth(lambda breadth: peer.search(validation, breadth, threads, 0)["recall"])
    if chosen is None:
        return None
    return first_breadth(lambda breadth: peer.search(test, breadth, threads, 0)["recall"],
                         BREADTHS[BREADTHS.index(chosen):])


def race(peers: Sequence[Peer], breadths: Dict[str, int], test: Queries, threads: int, seconds: float,
         repeats: int) -> Dict[str, Dict[str, float]]:
    """Medians of turns: every peer once in each, so that what else the machine does meets all of them."""
    speeds: Dict[str, List[float]] = {name: [] for name in breadths}
    results: Dict[str, Dict[str, float]] = {}
    for _ in range(repeats):
        for peer in peers:
            if peer.name in breadths:
                turn = peer.search(test, breadths[peer.name], threads, seconds)
                speeds[peer.name].append(turn["qps"])
                results[peer.name] = turn
    for name, result in results.items():
        result.update(qps=statistics.median(speeds[name]), qps_min=min(speeds[name]), qps_max=max(speeds[name]),
                      breadth=breadths[name])
    return results
