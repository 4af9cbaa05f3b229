#!/usr/bin/python3 -B
"""The load benchmark: a model under kills, searches at rising rates, a long mixed run, idle and rude clients.

    tests/bench/run load [--quick] [--json FILE] [--only PART]... [--soak-seconds N] [--build DIR] [--work DIR]
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import threading
import time
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "client/python")]

from tests.bench.ingest.processes import children, descriptors, resident_bytes  # noqa: E402
from tests.quickstart.figures import Figures, source_version  # noqa: E402
from tests.quickstart.server import Server  # noqa: E402

PARTS = ("model", "open", "soak", "idle")
PROGRAMS = ("mixmatchd", "mixmatch-decoder", "load_client")
MODEL_PROGRAM = "integration_faults_model_test"
SEED = 0
TEXTS, QUICK_TEXTS = 5_000, 500       # Stored for searches at rising rates.
FIRST_RATE, STEP = 50.0, 1.25         # Searches a second, and the next rate over the one before.
BREAKS_MS = 100.0                     # A rate is sustained while its p99 is below this, and nothing is refused.
RUNS_AT_80 = 3
MIX_RATE, MIX_ITEMS = 40.0, 1_000     # Calls a second of the mixed run; items that are kept.
IDLE_CONNECTIONS = 1_000
BARS = {
    "model_test_operations": (+1, 100_000), "model_test_kills": (+1, 200), "model_test_losses": (-1, 0),
    "max_sustained_qps": (+1, None), "p99_over_median_at_80pct": (-1, 5), "soak_memory_growth": (-1, .05),
    "soak_descriptor_growth": (-1, 0), "idle_connections_held": (+1, 1_000),
}
UNITS = {"max_sustained_qps": "1/s", "p99_over_median_at_80pct": "ratio", "soak_memory_growth": "share"}


def say(line: str) -> None:
    print(f"load: {line}", file=sys.stderr, flush=True)


def arguments(words: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few of everything: about two minutes")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--soak-seconds", type=float, help="of the mixed run; default: 1800")
    parser.add_argument("--operations", type=int, help="of the model test; default: 100,000")
    parser.add_argument("--kills", type=int, help="of the model test; default: 200")
    parser.add_argument("--seed", type=int, default=SEED, help="of everything drawn")
    parser.add_argument("--build", type=pathlib.Path, help="where the programs are built; default: build them")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/load-bench", help="data and logs")
    settings = parser.parse_args(words)
    settings.parts = settings.only or list(PARTS)
    settings.soak_seconds = settings.soak_seconds or (30 if settings.quick else 1800)
    settings.operations = settings.operations or (1_000 if settings.quick else 100_000)
    settings.kills = settings.kills or (4 if settings.quick else 200)
    settings.step_seconds = 3 if settings.quick else 10
    return settings


def built(folder: Optional[pathlib.Path], parts: Sequence[str]) -> pathlib.Path:
    """The build folder, with the programs that the parts need."""
    needed = [*PROGRAMS, MODEL_PROGRAM] if "model" in parts else PROGRAMS
    if folder is None:
        subprocess.run([ROOT / "deploy/build", "release", *needed], check=True, stdout=sys.stderr)
        folder = ROOT / "build/release"
    missing = [name for name in PROGRAMS if not (folder / "bin" / name).is_file()]
    if missing:
        raise SystemExit(f"load: {folder}/bin lacks {', '.join(missing)}; build them, or leave --build out")
    return folder


@contextlib.contextmanager
def server(build: pathlib.Path, work: pathlib.Path, name: str, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A new one, whose data are gone afterwards; its log stays."""
    data = work / f"data-{name}"
    shutil.rmtree(data, ignore_errors=True)
    one = Server(build / "bin/mixmatchd", data, ["--slow-learning", "off", *flags], log=name)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(data, ignore_errors=True)


def client(build: pathlib.Path, mode: str, one: Server, *numbers: float) -> Dict[str, object]:
    done = subprocess.run([build / "bin/load_client", mode, one.address, *[f"{number:.10g}" for number in numbers]],
                          check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def measure_model(build: pathlib.Path, work: pathlib.Path, settings: argparse.Namespace) -> Dict[str, object]:
    """`model_test_losses` is how often something differed from the model; the run ends at the first."""
    result = work / "model.json"
    result.unlink(missing_ok=True)
    environment = {**os.environ, "MIXMATCH_MODEL_OPERATIONS": str(settings.operations),
                   "MIXMATCH_MODEL_KILLS": str(settings.kills), "MIXMATCH_MODEL_SEED": str(settings.seed),
                   "MIXMATCH_MODEL_JSON": str(result), "TEST_TMPDIR": str(work)}
    program = build / "tests/integration/faults" / MODEL_PROGRAM
    subprocess.run([program], env=environment, stdout=sys.stderr, check=False)
    if not result.exists():
        raise SystemExit("load: the model test ended without a result; what it said is above")
    found = json.loads(result.read_text())
    return {"model": found, "model_test_operations": found["operations"], "model_test_kills": found["kills"],
            "model_test_losses": found["losses"], "model_test_seconds": found["seconds"]}


def sustained(step: Dict[str, object]) -> bool:
    return step["refused"] == 0 and step["failed"] == 0 and 0 <= step["p99_ms"] < BREAKS_MS


def measure_open(build: pathlib.Path, work: pathlib.Path, settings: argparse.Namespace) -> Dict[str, object]:
    texts = QUICK_TEXTS if settings.quick else TEXTS
    with server(build, work, "open", ["--learning", "off"]) as one:
        say(f"storing {texts} texts")
        client(build, "mix", one, 400, texts / 80, settings.seed, texts)  # A fifth are uploads.
        client(build, "open", one, FIRST_RATE, 2, settings.seed, texts)
        steps: List[Dict[str, object]] = []
        rate, failures = FIRST_RATE, 0
        # Two in a row, so that one hiccup of the machine is not the end.
        while failures < 2 and rate < 100_000:
            step = {"rate": rate, **client(build, "open", one, rate, settings.step_seconds, settings.seed, texts)}
            steps.append(step)
            failures = 0 if sustained(step) else failures + 1
            say(f"{rate:8.0f}/s: median {step['median_ms']:.2f} ms, p99 {step['p99_ms']:.2f} ms, "
                f"{step['refused']} refused, {step['failed']} failed")
            rate *= STEP
        best = max((step["rate"] for step in steps if sustained(step)), default=None)
        found: Dict[str, object] = {"steps": steps, "max_sustained_qps": best}
        if best is not None:
            runs = [client(build, "open", one, .8 * best, settings.step_seconds, settings.seed + 1 + i, texts)
                    for i in range(RUNS_AT_80)]
            ratios = sorted(run["p99_ms"] / run["median_ms"] for run in runs)
            found.update(at_80=runs, p99_over_median_at_80pct=ratios[len(ratios) // 2])
        return found


class Samples(threading.Thread):
    """Memory and descriptors of a server and its children, once a second."""

    def __init__(self, one: Server):
        super().__init__(daemon=True)
        self._server, self._ended = one, threading.Event()
        self.rows: List[Tuple[float, int, int]] = []

    def run(self) -> None:
        start = time.monotonic()
        while not self._ended.wait(1):
            pids = [self._server.pid, *children(self._server.pid)]
            memory = sum(resident_bytes(pid) for pid in pids)
            self.rows.append((time.monotonic() - start, memory, descriptors(self._server.pid, self._server.data)))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def growth(rows: Sequence[Tuple[float, int, int]]) -> Tuple[Optional[float], Optional[float]]:
    """Of memory as a share, of descriptors as a number: the median of the last third less that of the middle one. The
    first third is warming up. None with too few samples."""
    third = len(rows) // 3
    if third < 3:
        return None, None

    def median(column: int, part: Sequence[Tuple[float, int, int]]) -> float:
        return sorted(row[column] for row in part)[len(part) // 2]

    middle, last = rows[third:2 * third], rows[2 * third:]
    return median(1, last) / median(1, middle) - 1, median(2, last) - median(2, middle)


def measure_soak(build: pathlib.Path, work: pathlib.Path, settings: argparse.Namespace) -> Dict[str, object]:
    with server(build, work, "soak") as one:
        samples = Samples(one)
        samples.start()
        calls = client(build, "mix", one, MIX_RATE, settings.soak_seconds, settings.seed, MIX_ITEMS)
        samples.stop()
        memory, opened = growth(samples.rows)
        say(f"mixed run: {calls['searches']['ok']} searches, {calls['others']['ok']} others")
        return {"soak": calls, "soak_samples": samples.rows[::max(1, len(samples.rows) // 100)],
                "soak_memory_growth": memory, "soak_descriptor_growth": opened,
                "soak_failed": calls["searches"]["failed"] + calls["others"]["failed"],
                "soak_resident_mb": samples.rows[-1][1] / 1e6 if samples.rows else None}


def measure_idle(build: pathlib.Path, work: pathlib.Path, settings: argparse.Namespace) -> Dict[str, object]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8 * IDLE_CONNECTIONS)), hard))
    with server(build, work, "idle", ["--learning", "off"]) as one:
        idle = client(build, "idle", one, IDLE_CONNECTIONS, 5 if settings.quick else 60)
        rude = client(build, "rude", one, 200 if settings.quick else 2_000, settings.seed)
        alive = one.running() and one.client.stats().items == 1
        say(f"idle {idle}, rude {rude}, alive afterwards: {alive}")
        return {"idle": idle, "rude": rude, "idle_connections_held": idle["held"],
                "alive_after_rude_clients": int(alive), "rude_searches_served_share": rude["served"] / rude["asked"]}


def measure(settings: argparse.Namespace, build: pathlib.Path) -> Dict[str, object]:
    found: Dict[str, object] = {}
    settings.work.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if part in settings.parts:
            found.update(globals()[f"measure_{part}"](build, settings.work, settings))
    return found


def figures_of(found: Dict[str, object]) -> Figures:
    """The bars' first, null where not measured; then all other numbers."""
    figures = Figures()
    for name in [*BARS, *sorted(set(found) - set(BARS))]:
        value = found.get(name)
        if name in BARS or isinstance(value, (int, float)):
            figures.add(name, value, UNITS.get(name, "s" if name.endswith("_seconds") else "count"))
    return figures


def table(figures: Figures, quick: bool) -> str:
    lines = []
    for row in figures.rows:
        sign, bar = BARS.get(row["name"], (+1, None))
        value = "not measured" if row["value"] is None else f"{row['value']:.6g}"
        verdict = ""
        if bar is not None and row["value"] is not None and not quick:
            verdict = f"   bar {'>=' if sign > 0 else '<='} {bar:g}   {'met' if sign * row['value'] >= sign * bar else 'MISSED'}"
        lines.append(f"{row['name']:<32}{value:>14}{verdict}")
    return "\n".join(lines)


def main() -> int:
    settings = arguments()
    found = measure(settings, built(settings.build, settings.parts))
    figures = figures_of(found)
    print("\n" + table(figures, settings.quick), flush=True)
    if settings.json:
        figures.write(settings.json, settings.seed, source_version(ROOT))
        document = json.loads(settings.json.read_text())
        document["details"] = {name: value for name, value in found.items() if isinstance(value, (dict, list))}
        settings.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if found.get("model_test_losses") or found.get("alive_after_rude_clients") == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
