"""The quickstart after the build: prepare the corpora, ingest and learn, evaluate, report.

Run by deploy/quickstart; README.md beside this file says what each figure means.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import sys
import time
from typing import Dict, List

import mixmatch
from tests.corpora.manifest import Row
from tests.corpora.prepare import prepare
from tests.quickstart import latency, report
from tests.quickstart.directions import DIRECTIONS, Answers, Task
from tests.quickstart.evaluate import Score, evaluate
from tests.quickstart.figures import Figures, percentile, source_version
from tests.quickstart.ingest import Ingested, ingest, wait_until_learned
from tests.quickstart.progress import Progress
from tests.quickstart.queries import Maker
from tests.quickstart.server import Server, copy_with

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 0  # Every choice hangs on hashes of ids; there is no other randomness here.
# Pairs that are asked for must not be learned by another way than the events of the corpora: names and sources are those
# of the files.
_DECLARED_ONLY = ["--link-names", "off", "--link-times", "off", "--link-places", "off"]
_RANDOM_HEAD = ["--head", "random", "--learning", "off"]
_MOST_FAILED = 0.01


@dataclasses.dataclass
class Settings:
    quick: bool
    work: pathlib.Path  # Corpora, queries, data directory and logs.
    binary: pathlib.Path
    baseline: bool = True

    def most_queries(self, direction: str) -> int:
        """A direction with a bar is asked more."""
        if self.quick:
            return 40
        return 200 if direction in report.BARS else 100

    @property
    def searches(self) -> int:
        """Timed searches, idle and busy."""
        return 300 if self.quick else 3000


def say(title: str) -> None:
    print(f"\n== {title}", file=sys.stderr, flush=True)


def prepare_corpora(settings: Settings) -> List[Row]:
    say("Corpora: Tux Paint stamps and Battle for Wesnoth units (Debian packages, GPL-2)")
    folder = settings.work / ("corpora-quick" if settings.quick else "corpora")
    shown = {}

    def progress(done: int, total: int) -> None:
        if not shown:
            shown["bar"] = Progress("render clips", total)
            shown["bar"].advance(done - 1)
        shown["bar"].advance()

    rows = prepare(folder, quick=settings.quick, progress=progress)
    print(f"\n  {len(rows)} files, {len({row.event for row in rows})} events", file=sys.stderr)
    return rows


def ingest_and_learn(server: Server, rows: List[Row], figures: Figures) -> Ingested:
    say(f"Ingest through gRPC at {server.address}, learning as it goes")
    start = time.monotonic()
    result = ingest(server.client, rows)
    status = wait_until_learned(server.client)
    seconds = time.monotonic() - start
    figures.add("ingest_seconds", seconds, "s")
    figures.add("ingested_items", len(result.item_ids), "count")
    figures.add("ingest_items_per_second", len(result.item_ids) / seconds, "1/s")
    print(f"  learned {status.events_seen} changes of events; generation {status.generation}", file=sys.stderr)
    for line in result.failure_table():
        print("  FAILED " + line, file=sys.stderr)
    if len(result.failures) > _MOST_FAILED * len(rows):
        raise SystemExit(f"quickstart: {len(result.failures)} uploads failed; the server's log: {server.log_path}")
    return result


def with_ingested_only(rows: List[Row], ingested: Ingested) -> List[Row]:
    """Without rows whose upload failed, so that candidates and right answers are what the server really holds."""
    return [row for row in rows if row.id not in ingested.failures]


def measure_directions(server: Server, settings: Settings, rows: List[Row], row_of_item: Dict[int, str],
                       figures: Figures) -> List[Score]:
    say("Queries that were never ingested")
    answers = Answers(rows)
    tasks: List[Task] = [answers.task(direction) for direction in DIRECTIONS]
    queries = Maker(rows, settings.work / "queries").make(tasks, settings.most_queries)
    server.client.pause_learning()
    start = time.monotonic()
    learned = evaluate(server.client, tasks, queries, row_of_item, "ask (learned)")
    figures.add("evaluation_queries_per_second",
                sum(map(len, queries.values())) / (time.monotonic() - start), "1/s")
    random: List[Score] = []
    if settings.baseline:
        server.client.resume_learning()
        server.stop()
        with copy_with(server, _RANDOM_HEAD, "data-random-projection") as other:
            random = evaluate(other.client, tasks, queries, row_of_item, "ask (random projection)")
        figures.add("restart_seconds", server.start(), "s")
    else:
        server.client.resume_learning()
    report.add_scores(figures, learned, random)
    print("\n" + report.table(learned, random, settings.quick), flush=True)
    return learned


def measure_latency(server: Server, settings: Settings, rows: List[Row], figures: Figures) -> None:
    say("Time from an event to changed results, and search while busy")
    wait_until_learned(server.client)
    trials = latency.event_to_results_seconds(server.client, rows)
    figures.add("event_to_results_seconds", latency.median_seconds(trials), "s")
    figures.add("event_to_results_failed_trials", trials.count(None), "trials")
    idle, busy = latency.busy_over_idle(server.client, server.address, rows, settings.searches)
    figures.add("search_p99_busy_over_idle", latency.p99_ratio(idle, busy), "ratio")
    for name, times in (("idle", idle), ("busy", busy)):
        figures.add(f"search_p50_{name}_milliseconds", percentile(times, 0.5), "ms")
        figures.add(f"search_p99_{name}_milliseconds", percentile(times, 0.99), "ms")
    figures.add("server_resident_mib", server.resident_bytes() / 2**20, "MiB")
    forget_extras(server.client)


def forget_extras(client: mixmatch.Client) -> None:
    """Deletes what the latency measurements uploaded."""
    for item in list(client.list(mixmatch.where(kind=["fresh", "load"]))):
        client.delete(item.item_id)


def show_speed(figures: Figures) -> None:
    print("\n" + "\n".join(f"{row['name']:<34}{row['value']} {row['unit']}" for row in figures.rows
                           if row["unit"] not in ("share", "count")), flush=True)


def show_one_search(server: Server, rows: List[Row], row_of_item: Dict[int, str]) -> Row:
    """The search shown is of the first held-out track by the fixed order: it is not picked for its answer."""
    by_id = {row.id: row for row in rows}
    tracks = [row for row in rows if row.kind == "track" and row.metadata["sound"] == "no"]
    tracks = tracks or [row for row in rows if row.kind == "track"]
    track = min(tracks, key=lambda row: row.content_key)
    print("\n" + report.one_search(server.client, track, by_id, row_of_item), flush=True)
    return track


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    start = arguments.started or time.time()
    figures = Figures()
    rows = prepare_corpora(settings)
    data = pathlib.Path(arguments.data).resolve() if arguments.data else settings.work / "data"
    if not arguments.data:
        shutil.rmtree(data, ignore_errors=True)
    server = Server(settings.binary, data, _DECLARED_ONLY)
    server.start()
    keep = False
    try:
        ingested = ingest_and_learn(server, rows, figures)
        rows = with_ingested_only(rows, ingested)
        row_of_item = {item_id: row_id for row_id, item_id in ingested.item_ids.items()}
        scores = measure_directions(server, settings, rows, row_of_item, figures)
        measure_latency(server, settings, rows, figures)
        track = show_one_search(server, rows, row_of_item)
        figures.add("total_seconds", time.time() - start, "s")
        show_speed(figures)
        if arguments.json:
            figures.write(pathlib.Path(arguments.json), SEED, source_version(ROOT))
        keep = not arguments.no_wait
        print("\n" + report.how_to_go_on(server.address if keep else None, server.pid, settings.binary, data, track))
        if not report.main_directions_above_chance(scores):
            print("quickstart: a main direction is not above chance", file=sys.stderr)
            return 3
        return 0
    finally:
        if not keep:
            server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/quickstart", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--no-wait", action="store_true", help="stop the server at the end")
    parser.add_argument("--data", metavar="DIR", help="data directory to use and keep; default: a fresh one in build/")
    parser.add_argument("--no-baseline", action="store_true", help="leave the random projection out")
    parser.add_argument("--build", metavar="DIR", default=str(ROOT / "build/release"), help="where mixmatchd was built")
    parser.add_argument("--work", metavar="DIR", default=str(ROOT / "build/quickstart"),
                        help="where corpora, queries, data and logs go")
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    binary = next((path for path in (pathlib.Path(arguments.build, "bin/mixmatchd"),
                                     pathlib.Path(arguments.build, "server/mixmatchd")) if os.access(path, os.X_OK)), None)
    if binary is None:
        raise SystemExit(f"quickstart: no mixmatchd in {arguments.build}; build it with deploy/build release")
    work = pathlib.Path(arguments.work).resolve()
    return run(Settings(arguments.quick, work, binary.resolve(), not arguments.no_baseline), arguments)


if __name__ == "__main__":
    sys.exit(main())
