#!/usr/bin/python3 -B
"""The ingest benchmark: what storing costs, hostile files, long films and documents, and what real ones find.

    tests/bench/run ingest [--quick] [--json FILE] [--only PART]... [--files N] [--build DIR] [--work DIR]
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import Dict, Iterator, List, Optional, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "client/python")]

from tests.bench.ingest import captions, hostile, long_media, speed, weather  # noqa: E402
from tests.quickstart.figures import Figures, source_version  # noqa: E402
from tests.quickstart.server import Server  # noqa: E402

PARTS = ("hostile", "speed", "encoder", "video", "pdf", "captions", "weather")
PROGRAMS = ("mixmatchd", "mixmatch-decoder")
ENCODER_PROGRAM = "encoder_bench"
MODALITIES = ("text", "image", "audio", "video", "document", "table", "series", "score")
SEED = 0  # All randomness hangs on the numbers of files.
THINGS, QUICK_THINGS = 400, 40
# Figures of the issue and their bars: at least (+), at most (-).
BARS = {
    "hostile_files_survived": (+1, 10_000), "server_crashes": (-1, 0), "descriptor_leak": (-1, 0),
    "encoder_over_peak": (+1, 0.5), "video_times_real_time": (+1, 2), "video_peak_rss_mb": (-1, None),
    "pdf500_peak_rss_mb": (-1, None), "caption_to_figure_r5": (+1, None),
    **{f"items_per_second_{modality}": (+1, None) for modality in MODALITIES},
}


def say(line: str) -> None:
    print(f"ingest: {line}", file=sys.stderr, flush=True)


def arguments(words: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few of everything: about a minute")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--files", type=int, help=f"hostile files; default: {hostile.FILES}")
    parser.add_argument("--seconds", type=int, help=f"of the long film; default: {long_media.HOURS_SECONDS}")
    parser.add_argument("--build", type=pathlib.Path, help="where the programs are built; default: build them")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/ingest-bench", help="films, data, logs")
    settings = parser.parse_args(words)
    settings.parts = settings.only or list(PARTS)
    settings.files = settings.files or (hostile.QUICK_FILES if settings.quick else hostile.FILES)
    settings.seconds = settings.seconds or (long_media.QUICK_SECONDS if settings.quick else long_media.HOURS_SECONDS)
    return settings


def built(folder: Optional[pathlib.Path], parts: Sequence[str]) -> pathlib.Path:
    """The folder of the programs that the parts need."""
    needed = [*PROGRAMS, ENCODER_PROGRAM] if "encoder" in parts else PROGRAMS
    if folder is None:
        subprocess.run([ROOT / "deploy/build", "release", *needed], check=True, stdout=sys.stderr)
        folder = ROOT / "build/release"
    missing = [name for name in needed if not (folder / "bin" / name).is_file()]
    if missing:
        raise SystemExit(f"ingest: {folder}/bin lacks {', '.join(missing)}; build them, or leave --build out")
    return folder / "bin"


@contextlib.contextmanager
def server(programs: pathlib.Path, work: pathlib.Path, name: str, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A new one, whose data are gone afterwards; its log stays."""
    data = work / f"data-{name}"
    shutil.rmtree(data, ignore_errors=True)
    one = Server(programs / "mixmatchd", data, ["--slow-learning", "off", *flags], log=name)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(data, ignore_errors=True)


def measure_encoder(programs: pathlib.Path, quick: bool) -> Dict[str, object]:
    """`encoder_over_peak` is that of the best slot and number of threads, over the bf16 product on as many threads."""
    runs = []
    for threads in (1, 2):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
        done = subprocess.run([programs / ENCODER_PROGRAM, ROOT / "model/base/base.safetensors", "0.3" if quick else "3",
                               str(threads)], check=True, capture_output=True, text=True, env=environment)
        runs.append(json.loads(done.stdout))
        if "error" in runs[-1]:
            raise SystemExit(f"ingest: encoder: {runs[-1]['error']}")
    best = max((slot for run in runs for slot in run["slots"]), key=lambda slot: slot["over_bf16_peak"])
    return {"encoder_over_peak": best["over_bf16_peak"],
            "encoder_over_f32_peak": max(slot["over_f32_peak"] for run in runs for slot in run["slots"]), "runs": runs}


def measure(settings: argparse.Namespace, programs: pathlib.Path) -> Dict[str, object]:
    """Figures, and whatever else the parts tell."""
    found: Dict[str, object] = {}
    work = settings.work
    work.mkdir(parents=True, exist_ok=True)
    if "encoder" in settings.parts:
        found.update(measure_encoder(programs, settings.quick))
    if "speed" in settings.parts:
        with server(programs, work, "speed") as one:
            by_modality = speed.measure(one, MODALITIES, QUICK_THINGS if settings.quick else THINGS, say)
        found["speed"] = by_modality
        for modality, row in by_modality.items():
            found[f"items_per_second_{modality}"] = row["items_per_second"]
    if "hostile" in settings.parts:
        with server(programs, work, "hostile") as one:
            found.update(hostile.measure(one, settings.files, say))
    if "video" in settings.parts:
        size = long_media.QUICK_SIZE if settings.quick else long_media.SIZE
        with server(programs, work, "video", ["--max-upload-bytes", str(8 << 30)]) as one:
            found.update(long_media.measure_video(one, work, settings.seconds, size, say))
    if "pdf" in settings.parts:
        with server(programs, work, "pdf") as one:
            pages = long_media.QUICK_PAGES if settings.quick else long_media.PAGES
            found.update(long_media.measure_pdf(one, work, pages, say))
    if "captions" in settings.parts:
        # What is read is not to hang on how busy the machine is.
        with server(programs, work, "captions", ["--max-reading-seconds", "3600", "--max-decode-seconds", "3600"]) as one:
            found.update(captions.measure(one, settings.quick, say))
    if "weather" in settings.parts and not settings.quick:
        with server(programs, work, "weather") as one:
            found.update(weather.measure(one, work, say))
    return found


def figures_of(found: Dict[str, object]) -> Figures:
    """The issue's first, null where not measured; then all other numbers."""
    figures = Figures()
    for name in [*BARS, *sorted(set(found) - set(BARS))]:
        value = found.get(name)
        if name in BARS or isinstance(value, (int, float)):
            figures.add(name, value, unit(name))
    return figures


def unit(name: str) -> str:
    for ending, of in (("_mb", "MB"), ("_r5", "share"), ("_r1", "share"), ("_share", "share"), ("_over_peak", "ratio"),
                       ("_over_f32_peak", "ratio"), ("_real_time", "ratio"), ("_seconds", "s")):
        if name.endswith(ending):
            return of
    return "1/s" if "per_second" in name else "count"


def table(figures: Figures, found: Dict[str, object], quick: bool) -> str:
    lines = []
    if "speed" in found:
        lines.append(f"{'modality':<12}{'items':>7}{'items/s':>10}{'MB/s':>8}{'decode':>9}{'encode':>8}{'store':>7}")
        for modality, row in found["speed"].items():
            lines.append(f"{modality:<12}{row['items']:>7}{row['items_per_second']:>10.1f}{row['mb_per_second']:>8.2f}"
                         f"{row['decode_share']:>9.2f}{row['encode_share']:>8.2f}{row['store_share']:>7.2f}")
        lines.append("")
    for row in figures.rows:
        sign, bar = BARS.get(row["name"], (+1, None))
        value = "not measured" if row["value"] is None else f"{row['value']:.4g}"
        verdict = ""
        if bar is not None and row["value"] is not None and not quick:
            verdict = f"   bar {'>=' if sign > 0 else '<='} {bar:g}   {'met' if sign * row['value'] >= sign * bar else 'MISSED'}"
        lines.append(f"{row['name']:<36}{value:>14}{verdict}")
    return "\n".join(lines)


def main() -> int:
    settings = arguments()
    started = time.monotonic()
    found = measure(settings, built(settings.build, settings.parts))
    figures = figures_of(found)
    print("\n" + table(figures, found, settings.quick), flush=True)
    if settings.json:
        figures.write(settings.json, SEED, source_version(ROOT))
        document = json.loads(settings.json.read_text())
        document["details"] = {name: value for name, value in found.items() if isinstance(value, (dict, list))}
        settings.json.write_text(json.dumps(document, indent=1) + "\n")
    say(f"{time.monotonic() - started:.0f} s")
    return 1 if found.get("server_crashes") else 0


if __name__ == "__main__":
    sys.exit(main())
