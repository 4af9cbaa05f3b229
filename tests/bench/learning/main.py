#!/usr/bin/python3 -B
"""The learning benchmark: prepares corpora, makes shards of them, measures, prints a table and writes the figures.

    tests/bench/run learning [--quick] [--json FILE] [--trunk FILE | --no-trunk] [--seeds N] [--shards DIR]...
                             [--build DIR] [--work DIR]
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import time
from typing import List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.quickstart.figures import Figures, source_version  # noqa: E402

BASE = ROOT / "model/base/base.safetensors"
CORPORA = ("emoji", "speech")
QUICK_CORPORA = ("emoji",)
PROGRAMS = ("mixmatch-shards", "mixmatch-decoder", "learning_bench")
# The figures of the whole system, and what they must reach: at least (+) or at most (-).
BARS = {
    "emoji_image_to_text_r1": (+1, 0.60), "emoji_image_to_text_r10": (+1, 0.85),
    "emoji_text_to_image_r1": (+1, None), "emoji_text_to_image_r10": (+1, None),
    "emoji_speech_to_text_r1": (+1, 0.90), "emoji_speech_to_image_r10": (+1, 0.50),
    "human_speech_to_text_r1": (+1, 0.75), "emergent_over_direct_r1": (+1, 0.60),
    "online_over_joint_r10": (+1, 0.95), "forgetting_points": (-1, 2.0),
    "old_index_raw_over_reencoded": (+1, 0.95), "old_index_mapped_over_reencoded": (+1, 0.98),
    "refresh_100k_seconds": (-1, 2.0), "unlearning_max_cosine_gap": (-1, 1e-3),
}
SUFFIXES = ("", "_head_alone")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the emoji, one seed: a minute")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    parser.add_argument("--trunk", type=pathlib.Path, default=BASE, help="weights of a trunk; default: the base model")
    parser.add_argument("--no-trunk", action="store_true", help="fixed features alone")
    parser.add_argument("--seeds", type=int, help="runs that means are taken over; default: 3")
    parser.add_argument("--shards", type=pathlib.Path, action="append", help="measure on these instead of making some")
    parser.add_argument("--build", type=pathlib.Path, help="where the programs are built; default: build them")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/learning-bench", help="corpora and shards")
    return parser.parse_args()


def built(folder: Optional[pathlib.Path]) -> pathlib.Path:
    """The folder of the programs."""
    if folder is None:
        subprocess.run([ROOT / "deploy/build", "release", *PROGRAMS], check=True, stdout=sys.stderr)
        folder = ROOT / "build/release"
    missing = [name for name in PROGRAMS if not (folder / "bin" / name).is_file()]
    if missing:
        raise SystemExit(f"learning: {folder}/bin lacks {', '.join(missing)}; build them, or leave --build out")
    return folder / "bin"


def make_shards(programs: pathlib.Path, work: pathlib.Path, quick: bool) -> pathlib.Path:
    """The folder of the shards; made again only when the manifest or the program that makes them is another one."""
    from tests.corpora.prepare import prepare  # Needs the packages of the corpora.

    corpora = work / ("corpora-quick" if quick else "corpora")
    say(f"corpora: {corpora}")
    prepare(corpora, QUICK_CORPORA if quick else CORPORA, quick)
    manifest = corpora / "manifest.jsonl"
    digest = hashlib.sha256(manifest.read_bytes() + (programs / "mixmatch-shards").read_bytes()).hexdigest()
    shards = work / ("shards-quick" if quick else "shards")
    stamp = shards / "made-from"
    if not (stamp.is_file() and stamp.read_text() == digest):
        stamp.unlink(missing_ok=True)
        subprocess.run([programs / "mixmatch-shards", "--manifest", manifest, "--out", shards], check=True)
        stamp.write_text(digest)
    return shards


def figures_of(results: dict) -> Figures:
    figures = Figures()
    for entry in results["figures"]:
        figures.add(entry["name"], entry["value"], entry["unit"])
    for name in BARS:  # What could not be measured is null.
        if figures.get(name) is None:
            figures.add(name, None, "")
    return figures


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
    programs = built(settings.build)
    shards = settings.shards or [make_shards(programs, settings.work, settings.quick)]
    raw = settings.work / "results.json"
    raw.parent.mkdir(parents=True, exist_ok=True)
    seeds = settings.seeds or (1 if settings.quick else 3)
    command = [programs / "learning_bench", "--json", raw, "--seeds", str(seeds)]
    for folder in shards:
        command += ["--shards", folder]
    if not settings.no_trunk and settings.trunk.is_file():
        command += ["--trunk", settings.trunk]
    if settings.quick:
        command.append("--brief")
    subprocess.run(command, check=True)
    results = json.loads(raw.read_text())
    figures = figures_of(results)
    if settings.quick:
        print("\nA quick run: fewer candidates than the bars are meant for.")
    else:
        print("\n" + "\n".join(verdicts(figures)))
    if settings.json:
        figures.write(settings.json, 1, source_version(ROOT))
        document = json.loads(settings.json.read_text())
        document["directions"] = results["directions"]
        document["seeds"] = seeds
        settings.json.write_text(json.dumps(document, indent=1) + "\n")
    say(f"learning: {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
