#!/usr/bin/python3 -B
"""The learning benchmark: prepares corpora, makes shards of them, measures, prints a table and writes the figures.

    tests/bench/run learning [--quick] [--json FILE] [--trunk FILE | --no-trunk] [--seeds N] [--shards DIR]...
                             [--server-items N] [--build DIR] [--work DIR]
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "client/python")]

from tests.quickstart.figures import Figures, source_version  # noqa: E402

BASE = ROOT / "model/base/base.safetensors"
# Shards are made of each of these by itself: its corpora, and how many folds they are cut into.
SETS = {"emoji": (("emoji",), 0), "speech": (("speech",), 0), "recorded": (("tuxpaint", "wesnoth"), 5),
        "fashion": (("fashion",), 0)}
QUICK_SETS = ("emoji", "recorded", "fashion")
PROGRAMS = ("mixmatch-shards", "mixmatch-decoder", "learning_bench")
SERVER_PROGRAMS = ("mixmatchd", "index_bench_grpc", "load_client")  # Of the refresh in a server.
SERVER_ITEMS = 100_000
# The figures of the whole system, and what they must reach: at least (+) or at most (-).
BARS = {
    "emoji_image_to_text_r1": (+1, 0.60), "emoji_image_to_text_r10": (+1, 0.85),
    "emoji_text_to_image_r1": (+1, None), "emoji_text_to_image_r10": (+1, None),
    "emoji_speech_to_text_r1": (+1, 0.90), "emoji_speech_to_image_r10": (+1, 0.50),
    "human_speech_to_text_r1": (+1, 0.75), "emergent_over_direct_r1": (+1, 0.60),
    "online_over_joint_r10": (+1, 0.95), "forgetting_points": (-1, 2.0),
    "old_index_raw_over_reencoded": (+1, 0.95), "old_index_mapped_over_reencoded": (+1, 0.98),
    "refresh_100k_seconds": (-1, 2.0), "refresh_100k_server_seconds": (-1, 2.0),
    "refresh_server_search_p99_over_idle": (-1, None), "unlearning_max_cosine_gap": (-1, 1e-3),
    "stamps_speech_to_image_r10": (+1, None), "units_sound_to_video_r1": (+1, None),
    "sound_to_emoji_r10": (+1, None), "sound_to_emoji_of_all_r10": (+1, None),
    "fashion_image_to_class_accuracy": (+1, None), "fashion_online_accuracy": (+1, None),
    "one_event_r10_before": (+1, None), "one_event_r10_after": (+1, None),
    "novelty_auroc": (+1, None), "pairing_auroc": (+1, None),
}
SUFFIXES = ("", "_head_alone")
# The figures that every baseline has, with its name as a suffix: measured, else what it must be, else null; with the reason.
COMMON = ("emoji_image_to_text_r1", "emoji_image_to_text_r10", "emoji_text_to_image_r1", "emoji_text_to_image_r10",
          "emoji_speech_to_text_r1", "emoji_speech_to_image_r10", "human_speech_to_text_r1", "emergent_over_direct_r1",
          "online_over_joint_r10", "forgetting_points", "old_index_raw_over_reencoded", "old_index_mapped_over_reencoded",
          "refresh_100k_seconds", "unlearning_max_cosine_gap")
BASELINES = ("_random_features", "_head_alone", "_trunk_alone", "_joint_offline")
_NEVER_CHANGES = "random features never change, whatever is learned, in whatever order, or unlearned"
_ANOTHER_TRUNK = "the trunk learned everything beforehand; this would take another one, trained for it from the start"
KNOWN = {
    "_random_features": {
        "emergent_over_direct_r1": (1.0, _NEVER_CHANGES), "online_over_joint_r10": (1.0, _NEVER_CHANGES),
        "forgetting_points": (0.0, _NEVER_CHANGES), "old_index_raw_over_reencoded": (1.0, _NEVER_CHANGES),
        "old_index_mapped_over_reencoded": (1.0, _NEVER_CHANGES), "refresh_100k_seconds": (0.0, _NEVER_CHANGES),
        "unlearning_max_cosine_gap": (0.0, _NEVER_CHANGES)},
    "_trunk_alone": {
        "emergent_over_direct_r1": (None, _ANOTHER_TRUNK), "online_over_joint_r10": (None, _ANOTHER_TRUNK),
        "forgetting_points": (None, _ANOTHER_TRUNK), "old_index_raw_over_reencoded": (None, _ANOTHER_TRUNK),
        "old_index_mapped_over_reencoded": (None, _ANOTHER_TRUNK), "unlearning_max_cosine_gap": (None, _ANOTHER_TRUNK),
        "refresh_100k_seconds": (None, "a trunk's change is no product of stored features: all parts are read again")},
    "_joint_offline": {
        "online_over_joint_r10": (1.0, "it is what is compared with"),
        "forgetting_points": (0.0, "everything is learned at once"),
        "old_index_raw_over_reencoded": (None, "it is solved once: no index is older"),
        "old_index_mapped_over_reencoded": (None, "it is solved once: no index is older"),
        "unlearning_max_cosine_gap": (0.0, "it is made anew without what is unlearned")},
}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small part of the corpora, one seed: a minute")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    parser.add_argument("--trunk", type=pathlib.Path, default=BASE, help="weights of a trunk; default: the base model")
    parser.add_argument("--no-trunk", action="store_true", help="fixed features alone")
    parser.add_argument("--seeds", type=int, help="runs that means are taken over; default: 3")
    parser.add_argument("--shards", type=pathlib.Path, action="append", help="measure on these instead of making some")
    parser.add_argument("--server-items", type=int, help="texts of a real server whose index is refreshed, 0: none; default: "
                        "100,000, with --quick none")
    parser.add_argument("--build", type=pathlib.Path, help="where the programs are built; default: build them")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/learning-bench", help="corpora and shards")
    return parser.parse_args()


def built(folder: Optional[pathlib.Path], with_server: bool = False) -> pathlib.Path:
    """The folder of the programs."""
    programs = (*PROGRAMS, *(SERVER_PROGRAMS if with_server else ()))
    if folder is None:
        subprocess.run([ROOT / "deploy/build", "release", *programs], check=True, stdout=sys.stderr)
        folder = ROOT / "build/release"
    missing = [name for name in programs if not (folder / "bin" / name).is_file()]
    if missing:
        raise SystemExit(f"learning: {folder}/bin lacks {', '.join(missing)}; build them, or leave --build out")
    return folder / "bin"


class Unavailable(Exception):
    """A corpus cannot be prepared here; says why and what installs it."""


def prepare_set(name: str, folder: pathlib.Path, quick: bool) -> pathlib.Path:
    """The manifest. Unavailable if a program, a package or a module that it needs is not here."""
    corpora, fold_count = SETS[name]
    try:
        from tests.corpora.prepare import prepare  # Needs modules that the build does without.
        prepare(folder, corpora, quick, fold_count=fold_count)
    except ImportError as error:
        raise Unavailable(f"Python's {error.name} is missing: deploy/install-deps --learning") from error
    except SystemExit as error:  # Says itself what is missing.
        raise Unavailable(str(error)) from error
    except FileNotFoundError as error:
        raise Unavailable(f"{error.filename} is missing: deploy/install-deps --learning") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{pathlib.Path(error.cmd[0]).name} failed with {error.returncode}; it is installed by "
                          "deploy/install-deps --learning, and npm needs a registry") from error
    return folder / "manifest.jsonl"


def make_shards(programs: pathlib.Path, name: str, work: pathlib.Path, quick: bool) -> pathlib.Path:
    """The folder of a set's shards; made again only when the manifest or a program that makes them is another one.

    It says in `made-from.json` what they were made of, how many rows, and the seconds that took.
    """
    folder = work / (name + "-quick" if quick else name)
    say(f"learning: {name}, in {folder}")
    manifest = prepare_set(name, folder / "corpora", quick)
    content = manifest.read_bytes()
    for program in ("mixmatch-shards", "mixmatch-decoder"):
        content += (programs / program).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    shards = folder / "shards"
    stamp = shards / "made-from.json"
    if not (stamp.is_file() and json.loads(stamp.read_text())["digest"] == digest):
        stamp.unlink(missing_ok=True)
        started = time.monotonic()
        subprocess.run([programs / "mixmatch-shards", "--manifest", manifest, "--out", shards, "--threads",
                        str(len(os.sched_getaffinity(0)))], check=True)
        with open(manifest, "rb") as rows:
            made = {"digest": digest, "rows": sum(1 for _ in rows), "seconds": time.monotonic() - started}
        stamp.write_text(json.dumps(made))
    return shards


def all_shards(programs: pathlib.Path, work: pathlib.Path, quick: bool) -> List[pathlib.Path]:
    """Those of all sets. A quick run leaves out what cannot be prepared here; a full one needs all."""
    shards = []
    for name in (QUICK_SETS if quick else SETS):
        try:
            shards.append(make_shards(programs, name, work, quick))
        except Unavailable as reason:
            if not quick:
                raise SystemExit(f"learning: {name} cannot be prepared: {reason}") from reason
            say(f"learning: left out {name}: {reason}")
    return shards


def refreshed(programs: pathlib.Path, work: pathlib.Path, items: int) -> dict:
    """What a refresh of a real server's index takes; empty without items."""
    if items == 0:
        return {}
    from tests.bench.learning import server_refresh  # Needs gRPC for Python, which the rest does without.
    return server_refresh.measure(programs, work, items)


def figures_of(results: dict, refresh: Optional[dict] = None) -> Figures:
    """With `min` and `max` over the seeds where there were any."""
    figures = Figures()
    for entry in results["figures"]:
        figures.add(entry["name"], entry["value"], entry["unit"])
        for bound in ("min", "max"):
            if entry.get(bound) is not None:
                figures.rows[-1][bound] = round(entry[bound], 4)
    if refresh:
        scale = SERVER_ITEMS / refresh["items"]
        figures.add("refresh_100k_server_seconds", refresh["seconds"] * scale, "s")
        figures.add("refresh_100k_server_whole_seconds", refresh["whole_seconds"] * scale, "s")
        figures.add("refresh_100k_server_seconds_beside_searches", refresh["seconds_beside_searches"] * scale, "s")
        figures.add("refresh_server_search_p99_ms", refresh["search_p99_ms"], "ms")
        figures.add("refresh_server_search_p99_over_idle", refresh["search_p99_ms"] / refresh["search_p99_idle_ms"], "ratio")
    for name in BARS:  # What could not be measured is null.
        if figures.get(name) is None:
            figures.add(name, None, "")
    add_known(figures)
    return figures


def add_known(figures: Figures) -> None:
    """Of each baseline what was not measured: its value by definition, or null; and why."""
    measured = {row["name"] for row in figures.rows}
    for suffix in BASELINES:
        for name in COMMON:
            if name + suffix in measured:
                continue
            value, why = KNOWN.get(suffix, {}).get(name, (None, "not measured in this run"))
            if (name, suffix) == ("refresh_100k_seconds", "_joint_offline"):
                value, why = figures.get(name), "the same product as the whole's"
            figures.add(name + suffix, value, "")
            figures.rows[-1]["why"] = why


def add_describing(figures: Figures, shards: List[pathlib.Path]) -> None:
    """How many files a second were decoded and described, where the shards say so."""
    for folder in shards:
        stamp = pathlib.Path(folder) / "made-from.json"
        if stamp.is_file():
            made = json.loads(stamp.read_text())
            name = folder.parent.name.replace("-quick", "")
            figures.add(f"{name}_described_rows_per_second", made["rows"] / made["seconds"], "rows/s")


def write(path: pathlib.Path, figures: Figures, results: dict, seeds: int) -> None:
    figures.write(path, 1, source_version(ROOT))
    document = json.loads(path.read_text())
    document["directions"] = results["directions"]
    document["cpu_seconds"] = results.get("cpu_seconds", {})
    document["seeds"] = seeds
    path.write_text(json.dumps(document, indent=1) + "\n")


def verdicts(figures: Figures) -> List[str]:
    lines = []
    for name, (sign, bar) in BARS.items():
        for suffix in SUFFIXES:
            value = figures.get(name + suffix)
            if value is None or bar is None:
                continue
            reached = sign * value >= sign * bar
            lines.append(f"{name + suffix:<52}{value:>10.4g}   bar {bar:<8g}{'reached' if reached else 'MISSED'}")
    return lines


def main() -> int:
    settings = arguments()
    started = time.monotonic()
    server_items = settings.server_items if settings.server_items is not None else 0 if settings.quick else SERVER_ITEMS
    programs = built(settings.build, server_items > 0)
    shards = settings.shards or all_shards(programs, settings.work, settings.quick)
    seeds = settings.seeds or (1 if settings.quick else 3)
    results = {"figures": [], "directions": []}
    if shards:
        results = measure(programs, shards, seeds, settings)
    else:
        print("learning: nothing can be measured here; deploy/install-deps --learning installs what is missing")
    figures = figures_of(results, refreshed(programs, settings.work, server_items))
    add_describing(figures, shards)
    if settings.quick:
        print("\nA quick run: fewer candidates than the bars are meant for.")
    else:
        print("\n" + "\n".join(verdicts(figures)))
    if settings.json:
        write(settings.json, figures, results, seeds)
    say(f"learning: {time.monotonic() - started:.0f} s")
    return 0


def measure(programs: pathlib.Path, shards: List[pathlib.Path], seeds: int, settings: argparse.Namespace) -> dict:
    """What learning_bench says; its table goes to the terminal."""
    raw = settings.work / "results.json"
    raw.parent.mkdir(parents=True, exist_ok=True)
    command = [programs / "learning_bench", "--json", raw, "--seeds", str(seeds)]
    for folder in shards:
        command += ["--shards", folder]
    if not settings.no_trunk and settings.trunk.is_file():
        command += ["--trunk", settings.trunk]
    if settings.quick:
        command += ["--brief", "--concepts", "3", "--refresh-rows", "10000"]
    subprocess.run(command, check=True)
    return json.loads(raw.read_text())


if __name__ == "__main__":
    sys.exit(main())
