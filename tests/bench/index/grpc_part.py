"""Searches through gRPC against the same in process, in turns: a real mixmatchd on a free port, the same vectors."""

import array
import contextlib
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import time
from typing import Callable, Iterator

from tests.bench.index.data import with_truth
from tests.bench.index.peers import BREADTHS, K, Peer, cpus_for

PROGRAMS = ("mixmatchd", "mixmatch-decoder", "index_bench_grpc")
ITEMS, QUICK_ITEMS = 100_000, 2_000
EXACT_BELOW = 1_000  # So that few vectors too are searched by a graph, in the server and in process: the faster way.
BATCHES, CALLS = 2, 8  # In flight at once.
CORES = 2
START_SECONDS, STOP_SECONDS = 120, 60
PROBE_SECONDS = 65  # The server looks at its recall every minute.
MOST_TURNS = 40
_SEED = 1


class Unavailable(Exception):
    """Why this part cannot be measured here."""


@contextlib.contextmanager
def server(programs: pathlib.Path, folder: pathlib.Path, items: int) -> Iterator[str]:
    """Its address. Nothing is learned, so vectors stay as they are."""
    port = folder / "port"
    port.unlink(missing_ok=True)
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            [programs / "mixmatchd", "--listen", "127.0.0.1:0", "--port-file", port, "--data-dir", folder / "data",
             "--learning", "off", "--exact-below", str(EXACT_BELOW), "--memtable-limit", str(items)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    os.sched_setaffinity(process.pid, cpus_for(CORES))
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (port.is_file() and port.read_text().strip()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"mixmatchd did not come up; see {folder / 'server.log'}")
            time.sleep(0.05)
        yield "127.0.0.1:" + port.read_text().strip().rsplit(":", 1)[-1]
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_queries(base: pathlib.Path, dim: int, folder: pathlib.Path) -> None:
    """Halfway between two stored vectors, drawn at random."""
    values = array.array("f")
    values.frombytes(base.read_bytes())
    rows = len(values) // dim
    draw = random.Random(_SEED)
    for name, count in (("validation", 200), ("test", 1000)):
        queries = array.array("f")
        for _ in range(count):
            one, other = (draw.randrange(rows) * dim for _ in range(2))
            middle = [a + b for a, b in zip(values[one:one + dim], values[other:other + dim])]
            length = math.sqrt(sum(value * value for value in middle)) or 1.0
            queries.extend(value / length for value in middle)
        (folder / f"{name}.f32").write_bytes(queries.tobytes())


def measure(programs: pathlib.Path, settings, say: Callable[[str], None]) -> dict:
    items = settings.grpc_items or (QUICK_ITEMS if settings.quick else ITEMS)
    folder = settings.work / "grpc"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(server(programs, folder, items))
        remote = stack.enter_context(Peer("grpc", [programs / "index_bench_grpc"], folder))
        ours = stack.enter_context(Peer("ours", [programs / "index_bench_ours"], folder))
        remote.ask("connect", address=address)
        started = time.monotonic()
        remote.ask("fill", count=items)
        say(f"grpc: {items} texts uploaded in {time.monotonic() - started:.0f} s")
        remote.ask("settle")
        exported = remote.ask("export", base=folder / "base.f32")
        rows, dim = exported["rows"], exported["dim"]
        write_queries(folder / "base.f32", dim, folder)
        test = with_truth(programs, folder, "grpc", "grpc", folder / "base.f32", rows, dim).test
        ours.ask("options", exact_below=EXACT_BELOW, memtable_limit=rows)
        ours.build(folder / "base.f32", rows, dim, CORES)
        told = {"vectors": rows, "batches_in_flight": BATCHES}
        speeds = {}
        wanted = breadth = None
        for _ in range(MOST_TURNS):
            turn = remote.search(test, 0, BATCHES, settings.seconds)
            if turn["recall"] != wanted:  # The server has found its breadth, or another one: begin anew.
                wanted = turn["recall"]
                reaching = (b for b in BREADTHS if ours.search(test, b, CORES, 0)["recall"] >= wanted)
                breadth = next(reaching, BREADTHS[-1])
                speeds = {"grpc": [], "inprocess": [], "unary": []}
                time.sleep(0 if settings.quick else PROBE_SECONDS)  # It may broaden its searches after the first ones.
                continue
            speeds["grpc"].append(turn["qps"])
            inprocess = ours.search(test, breadth, CORES, settings.seconds)
            speeds["inprocess"].append(inprocess["qps"])
            done = remote.ask("unary", queries=test.vectors, count=test.count, dim=dim, k=K, threads=CALLS,
                              seconds=settings.seconds)
            speeds["unary"].append(done["queries"] / done["seconds"])
            if len(speeds["unary"]) == settings.repeats:
                break
        else:
            raise Unavailable("the server's recall did not come to rest")
        told.update(grpc_recall=wanted, inprocess_recall=inprocess["recall"], inprocess_breadth=breadth)
        for name, values in speeds.items():
            told[f"{name}_qps"] = statistics.median(values)
    say(f"grpc: {told['grpc_qps']:.0f}/s in batches (recall {told['grpc_recall']:.3f}), {told['unary_qps']:.0f}/s one "
        f"a call, {told['inprocess_qps']:.0f}/s in process (recall {told['inprocess_recall']:.3f})")
    shutil.rmtree(folder / "data", ignore_errors=True)
    return told
