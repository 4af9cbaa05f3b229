#!/usr/bin/python3 -B
"""The index benchmark: our index beside others in one run, and beside writers, filters, restarts and gRPC.

    tests/bench/run index [--quick] [--json FILE] [--sizes 10000,100000,1000000] [--only PART]...
                          [--vectors FILE | --server ADDRESS] [--peers NAME,...]
                          [--grpc-items N] [--build DIR] [--work DIR]
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
from typing import Dict, Iterator, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.bench.index import grpc_part  # noqa: E402
from tests.bench.index.data import Data, clusters, own_vectors  # noqa: E402
from tests.bench.index.peers import Peer, PeerError, choose_breadth, race  # noqa: E402
from tests.quickstart.figures import Figures, source_version  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# `vectors` is measured where --vectors names a file, or --server a server.
PARTS = ("peers", "filters", "cold", "latency", "rounds", "grpc", "vectors")
PROGRAMS = ("index_bench_data", "index_bench_ours", "index_bench_faiss")
NODE_PEERS = {"usearch": "usearch", "lancedb": "@lancedb/lancedb"}
PEERS = ("ours", "hnswlib", "faiss", *NODE_PEERS)
SLOW_PEERS = ("faiss", *NODE_PEERS)
SLOW_PEERS_AT_MOST = 100_000  # Vectors; for all peers but hnswlib, whose builds would take longer than all the rest.
QUICK_PEERS = ("ours", "hnswlib", *NODE_PEERS)
MAIN_SIZE = 100_000           # Of the figures without a size in their name.
THREADS = (1, 2)
SELECTIVITIES = {2: "50", 10: "10", 100: "1", 1000: "0.1"}  # One in so many: percent.
EQUAL_BREADTH = 64  # Recall at this breadth says how good a graph is.
SEED = 1
# Figures of the issue and their bars: at least (+), at most (-).
BARS = {
    "qps_over_hnswlib_10k": (+1, None), "qps_over_hnswlib_100k": (+1, 1.5), "qps_over_hnswlib_1m": (+1, None),
    "build_over_hnswlib": (-1, 1.0), "qps_over_usearch_100k": (+1, 1.0), "qps_over_lancedb_100k": (+1, 1.0),
    "qps_over_faiss_100k": (+1, 1.0), "grpc_over_inprocess": (+1, 0.6), "worst_filter_recall": (+1, 0.95),
    "recall_loss_after_24_rounds": (-1, 0.01), "qps_after_24_rounds_over_fresh": (+1, 0.85),
    "p99_inserting_over_idle": (-1, 2.0), "p99_refreshing_over_idle": (-1, 2.0), "p99_merging_over_idle": (-1, 2.0),
    "bytes_per_vector_1m": (-1, 700.0), "recall_1m": (+1, 0.95), "cold_start_seconds_1m": (-1, None),
}
UNITS = {"bytes_per_vector_1m": "bytes", "recall_1m": "share", "cold_start_seconds_1m": "s",
         "worst_filter_recall": "share", "recall_loss_after_24_rounds": "share"}


def say(line: str) -> None:
    print(f"index: {line}", file=sys.stderr, flush=True)


def size_name(count: int) -> str:
    """10k, 100k, 1m."""
    if count >= 1_000_000 and count % 1_000_000 == 0:
        return f"{count // 1_000_000}m"
    return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else str(count)


def sizes_of(text: str) -> List[int]:
    sizes = [int(word) for word in text.split(",")]
    if any(size < 1000 for size in sizes):
        raise argparse.ArgumentTypeError("sizes of 1000 vectors or more, with commas between them")
    return sorted(set(sizes))


def peers_of(text: str) -> List[str]:
    names = text.split(",")
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no peer is called {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return [name for name in PEERS if name in names or name == "ours"]


def arguments(words: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 vectors, few repeats: under a minute")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    parser.add_argument("--sizes", type=sizes_of, help="numbers of vectors; default: 10000,100000,1000000")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--peers", type=peers_of, help=f"of {','.join(PEERS)}; default: all that install")
    parser.add_argument("--vectors", type=pathlib.Path, help="also race on these: .npy, or f32 rows without a header")
    parser.add_argument("--server", help="also race on the vectors of all parts of this running mixmatchd")
    parser.add_argument("--dim", type=int, default=512, help="of --vectors without a header")
    parser.add_argument("--grpc-items", type=int, help=f"texts of the part grpc; default: {grpc_part.ITEMS}")
    parser.add_argument("--build", type=pathlib.Path, help="where the programs are built; default: build them")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/index-bench", help="vectors, truth, npm")
    settings = parser.parse_args(words)
    settings.sizes = settings.sizes or ([10_000] if settings.quick else [10_000, 100_000, 1_000_000])
    settings.parts = settings.only or [part for part in PARTS if part != "grpc" or not settings.quick]
    settings.seconds = 0.1 if settings.quick else 0.5  # Of one turn.
    settings.repeats = 3 if settings.quick else 7
    return settings


def built(folder: Optional[pathlib.Path], parts: List[str], server: Optional[str] = None) -> pathlib.Path:
    """The folder of the programs."""
    needed = list(PROGRAMS) + (list(grpc_part.PROGRAMS) if "grpc" in parts or server else [])
    if folder is None:
        hnswlib = ["index_bench_hnswlib"] if pathlib.Path("/usr/include/hnswlib/hnswlib.h").is_file() else []
        subprocess.run([ROOT / "deploy/build", "release", *needed, *hnswlib], check=True, stdout=sys.stderr)
        folder = ROOT / "build/release"
    missing = [name for name in needed if not (folder / "bin" / name).is_file()]
    if missing:
        raise SystemExit(f"index: {folder}/bin lacks {', '.join(missing)}; build them, or leave --build out")
    return folder / "bin"


class Bench:
    """What was measured so far, and why something was not."""

    def __init__(self, settings: argparse.Namespace, programs: pathlib.Path) -> None:
        self.settings = settings
        self.programs = programs
        self.rows: List[dict] = []        # Of races: peer, vectors, threads, breadth, recall, qps, ...
        self.builds: Dict[int, dict] = {}  # By size: peer -> seconds.
        self.values: Dict[str, float] = {}
        self.details: Dict[str, object] = {}
        self.missing: Dict[str, str] = {}  # Peer or part: why.

    # Peers.

    def commands(self, count: int) -> Dict[str, List[str]]:
        """How to start each peer that is to take part with so many vectors; others are in `missing`."""
        commands = {"ours": [self.programs / "index_bench_ours"]}
        if "peers" not in self.settings.parts and "vectors" not in self.settings.parts:
            return commands
        for name in self.settings.peers or (QUICK_PEERS if self.settings.quick else PEERS):
            if name in SLOW_PEERS and count > SLOW_PEERS_AT_MOST:
                continue
            if name in ("hnswlib", "faiss"):
                program = self.programs / f"index_bench_{name}"
                if program.is_file():
                    commands[name] = [program]
                else:
                    self.missing[name] = "deploy/install-deps --bench, then build anew"
            elif name in NODE_PEERS:
                reason = self.install(NODE_PEERS[name])
                if reason:
                    self.missing[name] = reason
                else:
                    commands[name] = ["node", HERE / f"peer_{name}.mjs", self.node()]
        return commands

    def node(self) -> pathlib.Path:
        return self.settings.work / "node"

    def install(self, package: str) -> Optional[str]:
        """Why a package of npm is not here; None if it is."""
        if (self.node() / "node_modules" / package / "package.json").is_file():
            return None
        if self.settings.quick:
            return "not installed yet; a run without --quick installs it"
        if not shutil.which("npm"):
            return "npm is missing: deploy/install-deps --bench"
        self.node().mkdir(parents=True, exist_ok=True)
        say(f"installing {package}")
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", self.node(),
                               package], capture_output=True, text=True)
        return None if done.returncode == 0 else f"npm install failed: {done.stderr.strip()[-200:]}"

    @contextlib.contextmanager
    def started(self, count: int) -> Iterator[List[Peer]]:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Peer(name, command, self.settings.work))
                   for name, command in self.commands(count).items()]

    # Parts.

    def of_size(self, data: Data) -> None:
        """Races, filters and cold start: one build for all."""
        with self.started(data.count) as peers:
            peers[0].ask("options", scratch_directory=self.settings.work)
            peers = self.build(peers, data)
            if not any(peer.name == "ours" for peer in peers):
                raise SystemExit(f"index: {self.missing['ours']}")
            if "peers" in self.settings.parts or data.name == "vectors":
                for threads in THREADS:
                    self.race(peers, data, threads)
            self.default(peers[0], data)
            if data.name == "vectors":
                return
            if "filters" in self.settings.parts:
                self.filters(peers[0], data)
            if "cold" in self.settings.parts:
                self.cold(peers[0], data)

    def build(self, peers: List[Peer], data: Data) -> List[Peer]:
        """In turns; those that could."""
        repeats = 1 if data.count > MAIN_SIZE or self.settings.quick or len(peers) == 1 else 3
        seconds: Dict[str, List[float]] = {}
        told: Dict[str, dict] = {}
        for turn in range(repeats):
            for peer in peers:
                if peer.name in self.missing or (turn > 0 and peer.name in SLOW_PEERS):
                    continue
                try:
                    told[peer.name] = peer.build(data.base, data.count, data.dim, max(THREADS))
                    seconds.setdefault(peer.name, []).append(told[peer.name]["seconds"])
                    say(f"{data.label}: {peer.name} built in {told[peer.name]['seconds']:.1f} s")
                except PeerError as error:
                    self.missing[peer.name] = str(error)
                    say(str(error))
        self.builds[data.label] = {
            name: {"seconds": statistics.median(runs), "bytes_per_vector": told[name]["bytes"] / data.count}
            for name, runs in seconds.items()}
        return [peer for peer in peers if peer.name in seconds]

    def race(self, peers: List[Peer], data: Data, threads: int) -> None:
        breadths = {}
        for peer in peers:
            try:
                breadth = choose_breadth(peer, data.validation, data.test, threads)
                if threads == 1:
                    self.builds[data.label][peer.name]["recall_at_64"] = peer.search(data.test, EQUAL_BREADTH, threads,
                                                                                     0)["recall"]
            except PeerError as error:
                self.missing[peer.name] = str(error)
                say(str(error))
                continue
            if breadth is None:
                self.missing[f"{peer.name} at {data.label}"] = "never reached the recall"
            else:
                breadths[peer.name] = breadth
        results = race(peers, breadths, data.test, threads, self.settings.seconds, self.settings.repeats)
        for name, result in results.items():
            say(f"{data.label}, {threads} thread{'s' if threads > 1 else ''}: {name} {result['qps']:.0f}/s at recall "
                f"{result['recall']:.3f}, breadth {result['breadth']}")
            self.rows.append({"peer": name, "vectors": data.label, "threads": threads, **result})
        if threads == 1 and data.name == "clusters" and "ours" in results:
            for name, result in results.items():
                if name != "ours":
                    self.values[f"qps_over_{name}_{data.label}"] = results["ours"]["qps"] / result["qps"]
        times = self.builds[data.label]
        if threads == 1 and data.name == "clusters" and data.count == MAIN_SIZE and {"ours", "hnswlib"} <= set(results):
            self.values["build_over_hnswlib"] = times["ours"]["seconds"] / times["hnswlib"]["seconds"]

    def default(self, ours: Peer, data: Data) -> None:
        """With the breadth that the index sets itself."""
        result = ours.search(data.test, 0, 1, self.settings.seconds)
        stats = ours.ask("stats")
        row = {"peer": "ours, default", "vectors": data.label, "threads": 1, "breadth": stats["ef_search"], **result}
        self.rows.append(row)
        self.details[f"stats_{data.label}"] = stats
        if data.name == "clusters":
            resident = self.builds[data.label]["ours"]["bytes_per_vector"]
            self.values[f"recall_{data.label}"] = result["recall"]
            self.values[f"bytes_per_vector_{data.label}"] = max(resident, stats["bytes_resident"] / data.count)

    def filters(self, ours: Peer, data: Data) -> None:
        for every, percent in SELECTIVITIES.items():
            for nearby in (False, True):
                told = ours.ask("filter", **self.over(data, data.test), every=every, nearby=nearby,
                                seconds=self.settings.seconds)
                where = "nearby" if nearby else "anywhere"
                say(f"{data.label}, {percent} % {where}: recall {told['recall']:.3f}, "
                    f"{told['queries_per_second']:.0f}/s")
                self.details.setdefault("filters", []).append(
                    {"vectors": data.label, "percent": float(percent), "where": where, **told})
        self.values["worst_filter_recall"] = min(row["recall"] for row in self.details["filters"])

    def cold(self, ours: Peer, data: Data) -> None:
        saved = self.settings.work / f"saved-{data.label}"
        shutil.rmtree(saved, ignore_errors=True)
        told = {"save_seconds": ours.ask("save", directory=saved)["seconds"]}
        told.update(ours.ask("load", directory=saved, queries=data.test.vectors, dim=data.dim))
        told["recall"] = ours.search(data.test, 0, 1, 0)["recall"]
        shutil.rmtree(saved)
        say(f"{data.label}: loaded in {told['seconds']:.2f} s, recall {told['recall']:.3f}")
        self.details[f"cold_{data.label}"] = told
        self.values[f"cold_start_seconds_{data.label}"] = told["seconds"]

    @staticmethod
    def over(data: Data, queries) -> dict:
        return {"base": data.base, "count": data.count, "dim": data.dim, "queries": queries.vectors,
                "query_count": queries.count, "k": 10}

    @contextlib.contextmanager
    def changing(self, data: Data) -> Iterator[Peer]:
        """An index for the parts that change it. Few vectors are spread over segments as many are by default."""
        with Peer("ours", [self.programs / "index_bench_ours"], self.settings.work) as ours:
            if data.count < MAIN_SIZE:
                ours.ask("options", exact_below=data.count // 10, memtable_limit=data.count // 5)
            yield ours

    def latency(self, data: Data) -> None:
        with self.changing(data) as ours:
            told = ours.ask("latency", **self.over(data, data.test), seed=SEED,
                            seconds=1.5 if self.settings.quick else 20)
        self.details["latency"] = {"vectors": data.label, **told}
        for phase, found in told.items():
            if found is None:
                self.missing[f"p99 {phase}"] = "no search ended meanwhile"
                continue
            say(f"{phase}: p50 {found['p50_ms']:.3f} ms, p99 {found['p99_ms']:.3f} ms; "
                f"idle {found['idle_p50_ms']:.3f}, {found['idle_p99_ms']:.3f}")
            self.values[f"p99_{phase}_over_idle"] = found["p99_ms"] / found["idle_p99_ms"]

    def rounds(self, data: Data) -> None:
        rounds = 6 if self.settings.quick else 24
        with self.changing(data) as ours:
            ours.ask("options", build_threads=max(THREADS))
            told = ours.ask("replace", **self.over(data, data.validation), seed=SEED, rounds=rounds,
                            seconds=self.settings.seconds, repeats=self.settings.repeats)
        self.details["rounds"] = {"vectors": data.label, **told}
        for number, found in enumerate(told["rounds"], start=1):
            say(f"round {number}: recall {found['recall']:.3f}, {found['queries_per_second']:.0f}/s, maintained in "
                f"{found['maintain_seconds']:.1f} s")
        say(f"a fresh build: recall {told['fresh_recall']:.3f}, {told['fresh_queries_per_second']:.0f}/s; "
            f"this one {told['recall']:.3f}, {told['queries_per_second']:.0f}/s")
        self.values[f"recall_loss_after_{rounds}_rounds"] = told["fresh_recall"] - told["recall"]
        self.values[f"qps_after_{rounds}_rounds_over_fresh"] = (told["queries_per_second"]
                                                               / told["fresh_queries_per_second"])

    def grpc(self) -> None:
        told = grpc_part.measure(self.programs, self.settings, say)
        self.details["grpc"] = told
        self.values["grpc_over_inprocess"] = told["grpc_qps"] / told["inprocess_qps"]

    def exported(self) -> Optional[pathlib.Path]:
        """Vectors of the running server that was named."""
        if not self.settings.server:
            return None
        path = self.settings.work / "server.f32"
        with Peer("grpc", [self.programs / "index_bench_grpc"], self.settings.work) as remote:
            remote.ask("connect", address=self.settings.server)
            told = remote.ask("export", base=path)
        self.settings.dim = told["dim"]
        say(f"{told['rows']} vectors of {self.settings.server}")
        return path

    def run(self) -> None:
        parts = set(self.settings.parts)
        if parts & {"peers", "filters", "cold"}:
            for count in self.settings.sizes:
                self.of_size(clusters(self.programs, self.settings.work, count, max(self.settings.sizes), SEED, say))
        if parts & {"latency", "rounds"}:
            count = MAIN_SIZE if MAIN_SIZE in self.settings.sizes else min(self.settings.sizes)
            data = clusters(self.programs, self.settings.work, count, max(self.settings.sizes), SEED, say)
            if "latency" in parts:
                self.latency(data)
            if "rounds" in parts:
                self.rounds(data)
        if "grpc" in parts:
            try:
                self.grpc()
            except (PeerError, grpc_part.Unavailable) as error:
                self.missing["grpc"] = str(error)
                say(str(error))
        if "vectors" in parts:
            for path in filter(None, (self.settings.vectors, self.exported())):
                self.of_size(own_vectors(self.programs, self.settings.work, path, self.settings.dim, SEED))


def figures_of(values: Dict[str, float]) -> Figures:
    """Those of the issue first; what was not measured is null."""
    figures = Figures()
    for name in [*BARS, *sorted(set(values) - set(BARS))]:
        figures.add(name, values.get(name), UNITS.get(name, "ratio" if "over" in name else ""))
    return figures


def verdicts(figures: Figures) -> List[str]:
    lines = []
    for name, (sign, bar) in BARS.items():
        value = figures.get(name)
        shown = "not measured" if value is None else f"{value:.4g}"
        verdict = ""
        if bar is not None:
            verdict = f"   bar {'>=' if sign > 0 else '<='} {bar:<6g}"
            if value is not None:
                verdict += "met" if sign * value >= sign * bar else "MISSED"
        lines.append(f"{name:<36}{shown:>14}{verdict}".rstrip())
    return lines


def table(rows: List[dict], builds: Dict[str, dict]) -> List[str]:
    lines = [f"{'vectors':<10}{'threads':>8}  {'peer':<16}{'queries/s':>10}{'recall':>8}{'breadth':>9}{'build s':>9}"
             f"{'bytes/vector':>14}{'recall at 64':>14}"]
    for row in rows:
        made = builds.get(row["vectors"], {}).get(row["peer"], {})
        line = (f"{row['vectors']:<10}{row['threads']:>8}  {row['peer']:<16}{row['qps']:>10.0f}{row['recall']:>8.3f}"
                f"{row['breadth']:>9}")
        if made:
            line += f"{made['seconds']:>9.1f}{made['bytes_per_vector']:>14.0f}"
        if "recall_at_64" in made:
            line += f"{made['recall_at_64']:>14.3f}"
        lines.append(line)
    return lines


def write(path: pathlib.Path, figures: Figures, bench: Bench) -> None:
    figures.write(path, SEED, source_version(ROOT))
    document = json.loads(path.read_text())
    document.update(races=bench.rows, builds=bench.builds, details=bench.details, missing=bench.missing)
    path.write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    settings = arguments()
    started = time.monotonic()
    programs = built(settings.build, settings.parts, settings.server)
    settings.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(settings, programs)
    bench.run()
    figures = figures_of(bench.values)
    print("\n".join(["", *table(bench.rows, bench.builds), "", *verdicts(figures)]))
    for what, why in bench.missing.items():
        print(f"not measured: {what}: {why}")
    if settings.json:
        write(settings.json, figures, bench)
    say(f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
