#!/usr/bin/python3 -B
"""A refresh of the whole index in a real server: one event more, and every stored vector is mapped anew; with searches beside.

    tests/bench/learning/server_refresh.py [--items N] [--updates N] [--build DIR] [--work DIR] [--json FILE] [--keep]
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time
from typing import Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "client/python")]

from tests.bench.index.peers import Peer  # noqa: E402
from tests.quickstart.server import Server  # noqa: E402

PROGRAMS = ("mixmatchd", "mixmatch-decoder", "index_bench_grpc", "load_client")
ITEMS, UPDATES = 100_000, 9
RATE, SECONDS = 50, 20.0  # Text searches a second, and how long without refreshes.
WAIT_SECONDS = 1800       # For a server that learns.
STILL_SECONDS = 10.0      # After removals the head is solved again, two seconds later.
_LEARNED = re.compile(r"learned (\d+) events: gather ([\d.]+) s, solve ([\d.]+) s, publish ([\d.]+) s; generation (\d+)")


def say(line: str) -> None:
    print(f"refresh: {line}", file=sys.stderr, flush=True)


def refreshes(log: str) -> List[Dict[str, float]]:
    """What the log says of each change of the head."""
    return [{"events": int(events), "gather": float(gather), "solve": float(solve), "publish": float(publish)}
            for events, gather, solve, publish, _ in _LEARNED.findall(log)]


def wait_learned(server: Server, generation: int, still: float = 0.0) -> int:
    """The generation in use, once it is newer, nothing is left to learn and it has stayed for so many seconds."""
    deadline = time.monotonic() + WAIT_SECONDS
    last, since = generation, time.monotonic()
    while time.monotonic() < deadline:
        status = server.client.learning_status()
        if status.generation != last or status.events_queued > 0:
            last, since = status.generation, time.monotonic()
        elif last > generation and time.monotonic() - since >= still:
            return last
        time.sleep(0.02)
    raise RuntimeError(f"the server did not learn within {WAIT_SECONDS} s; its log: {server.log_path}")


def cpu_seconds(pid: int) -> float:
    """Of a process so far: on a busy machine it says more than the clock."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def searching(programs: pathlib.Path, server: Server, items: int, seconds: float) -> subprocess.Popen:
    return subprocess.Popen([programs / "load_client", "open", server.address, str(RATE), f"{seconds:g}", "1", str(items)],
                            stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen) -> Dict[str, float]:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"load_client ended with {process.returncode}")
    return json.loads(output)


def fill(programs: pathlib.Path, data: pathlib.Path, items: int) -> None:
    server = Server(programs / "mixmatchd", data, ["--learning", "off"], log="fill")
    server.start()
    try:
        with Peer("fill", [programs / "index_bench_grpc"], data.parent) as peer:
            peer.ask("connect", address=server.address)
            started = time.monotonic()
            peer.ask("fill", count=items)
            say(f"{items} texts uploaded in {time.monotonic() - started:.0f} s")
            peer.ask("settle")
    finally:
        server.stop()


def measure(programs: pathlib.Path, work: pathlib.Path, items: int = ITEMS, updates: int = UPDATES,
            keep: bool = False) -> Dict[str, float]:
    """Medians over the updates; times of searches in milliseconds."""
    folder = work / f"refresh-{items}"
    data = folder / "data"
    if not (keep and (folder / "filled").exists()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fill(programs, data, items)
        (folder / "filled").touch()
    server = Server(programs / "mixmatchd", data, ["--slow-learning", "off", "--learn-interval-seconds", "0"], log="learn")
    server.log_path.unlink(missing_ok=True)
    server.start()
    try:
        # After a first event of each pair, further ones of the same items add to what is learned and take nothing away.
        generation = server.client.learning_status().generation
        pairs = [(item.item_id, item.item_id + 1) for item in itertools.islice(server.client.list(), 0, 4 * updates, 2)]
        for pair in pairs:
            server.client.link(pair)
        generation = wait_learned(server, generation, STILL_SECONDS)
        quiet = told(searching(programs, server, items, SECONDS))
        before = len(refreshes(server.log_path.read_text()))
        beside, processor = [], []
        for update, pair in enumerate(pairs):
            # The first half is by itself, the second beside searches.
            search = searching(programs, server, items, 3) if update >= updates else None
            begin = cpu_seconds(server.pid)
            server.client.link(pair)
            generation = wait_learned(server, generation)
            processor.append(cpu_seconds(server.pid) - begin)
            if search is not None:
                beside.append(told(search))
        changes = refreshes(server.log_path.read_text())[before:]
    finally:
        server.stop()
        if not keep:
            shutil.rmtree(data, ignore_errors=True)
    alone, loaded = changes[:updates], changes[updates:]
    return {"items": items, "seconds": statistics.median(change["publish"] for change in alone),
            "whole_seconds": statistics.median(sum(change[part] for part in ("gather", "solve", "publish")) for change in alone),
            "whole_cpu_seconds": statistics.median(processor[:updates]),
            "seconds_beside_searches": statistics.median(change["publish"] for change in loaded),
            "search_p99_ms": statistics.median(one["p99_ms"] for one in beside), "search_p99_idle_ms": quiet["p99_ms"]}


def main(words: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--updates", type=int, default=UPDATES, help="events, by themselves and beside searches each")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs are built")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/learning-bench", help="data and logs")
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured to this file")
    parser.add_argument("--keep", action="store_true", help="keep the filled store, and use one that was kept")
    settings = parser.parse_args(words)
    found = measure(settings.build / "bin", settings.work, settings.items, settings.updates, settings.keep)
    print(json.dumps(found, indent=1))
    if settings.json:
        settings.json.write_text(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
