"""Prepares the corpora: writes texts and clips into a work folder and a manifest of all files.

    python3 -m tests.corpora.prepare --out FOLDER [--corpus NAME]... [--quick] [--folds N]

Runs again quickly: what was rendered, spoken or fetched before is not made again.
"""

import argparse
import pathlib
import sys
from typing import List

from tests.corpora import emergent, emoji, fashion, folds, manifest, speech, tuxpaint, wesnoth
from tests.corpora.manifest import Row, bucket

CORPORA = ("tuxpaint", "wesnoth")  # Of the quickstart.
ALL_CORPORA = CORPORA + ("emoji", "speech", "fashion")


def prepare(out: pathlib.Path, corpora=CORPORA, quick: bool = False, tuxpaint_root=tuxpaint.DEFAULT_ROOT,
            wesnoth_root=wesnoth.DEFAULT_ROOT, progress=lambda done, total: None, fold_count: int = 0,
            fashion_root=fashion.DEFAULT_ROOT) -> List[Row]:
    """Returns the rows and writes them to out/manifest.jsonl. `quick` keeps about a tenth of the events, each whole.

    With `fold_count` each row's metadata says in which of so many folds its event is (`fold`), and what may be learned
    from (`split`, see split_of); that of a stamp's sound effect also which emoji shows the same thing, if any does
    (`concept`).
    """
    out.mkdir(parents=True, exist_ok=True)
    rows: List[Row] = []
    if "tuxpaint" in corpora:
        _must_exist(tuxpaint_root, "tuxpaint-stamps-default")
        stamps = tuxpaint.rows(tuxpaint_root, out / "tuxpaint")
        rows += _quick_stamps(stamps, bool(fold_count)) if quick else stamps
    keep = _kept_when_quick if quick else (lambda event: True)
    if "emoji" in corpora:
        rows += emoji.rows(emoji.fetch(out / "npm"), out / "emoji", keep, progress)
    if "speech" in corpora:
        _must_exist(tuxpaint_root, "tuxpaint-stamps-default")
        rows += speech.rows(tuxpaint_root, out / "speech", keep, progress, natural=not quick)
    if "wesnoth" in corpora:
        _must_exist(wesnoth_root, "wesnoth-1.16-data")
        rows += wesnoth.rows(wesnoth_root, out / "wesnoth", keep, progress)
    if "fashion" in corpora:
        _must_exist(fashion_root, "dataset-fashion-mnist", "--learning ")
        rows += fashion.rows(fashion_root, out / "fashion", fashion.QUICK_PER_CLASS if quick else fashion.PER_CLASS)
    if fold_count:
        links = wesnoth.links(wesnoth_root) if "wesnoth" in corpora else ()
        fold = folds.fold_of(rows, fold_count, links)
        for row in rows:
            row.metadata["fold"] = str(fold[row.event])
            row.metadata["split"] = split_of(row)
        _name_concepts(rows)
    manifest.write(rows, out / "manifest.jsonl")
    return rows


def split_of(row: Row) -> str:
    """`train` for what may be learned from; where a corpus does not say it itself, it depends on the row's fold.

    `human` is recorded speech: some of it is what the speech ladder tests, which learns from synthetic speech alone.
    `test` is the first fold, and what is never uploaded.
    """
    if "split" in row.metadata:
        return row.metadata["split"]
    if row.role == manifest.QUERY_ONLY:
        return "test"
    if row.metadata["corpus"] == tuxpaint.CORPUS and row.kind == "speech":
        return "human"
    return "test" if row.metadata["fold"] == "0" else "train"


def _quick_stamps(stamps: List[Row], linked: bool) -> List[Row]:
    """A tenth of them; `linked` adds those whose sound effect belongs to an emoji that a quick run keeps."""
    kept = {row.event for row in manifest.tenth(stamps)}
    if linked:
        kept |= {f"{tuxpaint.CORPUS}:{pair.stamp}" for pair in emergent.pairs()
                 if _kept_when_quick(f"{emoji.CORPUS}:{pair.emoji}")}
    return [row for row in stamps if row.event in kept]


def _kept_when_quick(event: str) -> bool:
    return bucket(event, 10, "quick") == 0


def _name_concepts(rows: List[Row]) -> None:
    concepts = {pair.stamp: pair.emoji for pair in emergent.pairs()}
    for row in rows:
        if row.metadata["corpus"] == tuxpaint.CORPUS and row.kind == "effect" and row.metadata["stamp"] in concepts:
            row.metadata["concept"] = concepts[row.metadata["stamp"]]


def _must_exist(root: pathlib.Path, package: str, which: str = "") -> None:
    if not root.is_dir():
        raise SystemExit(f"corpora: {root} is not there; install {package} (deploy/install-deps {which}does)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="work folder; made if it is not there")
    parser.add_argument("--corpus", action="append", choices=ALL_CORPORA,
                        help="only this one; may be repeated (default: tuxpaint, wesnoth)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    parser.add_argument("--folds", type=int, default=0, metavar="N",
                        help="say in each row's metadata which of N folds its event is in and what may be learned")
    arguments = parser.parse_args()

    def progress(done: int, total: int) -> None:
        if done == total or (sys.stderr.isatty() and done % 10 == 0):
            print(f"\rrendered or spoken: {done}/{total}", end="", file=sys.stderr, flush=True)

    rows = prepare(arguments.out, arguments.corpus or CORPORA, arguments.quick, progress=progress,
                   fold_count=arguments.folds)
    print(f"\n{len(rows)} rows in {arguments.out / 'manifest.jsonl'}", file=sys.stderr)


if __name__ == "__main__":
    main()
