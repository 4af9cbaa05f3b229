"""What the quickstart tells: the table for people, the figures for programs, one search shown in full."""

import pathlib
import shlex
from typing import Dict, List, Optional

import mixmatch
from tests.corpora.manifest import Row
from tests.quickstart.evaluate import Score
from tests.quickstart.figures import Figures

# R@10 that the main directions must reach on the full data.
BARS = {"sound_to_video": 0.8, "sound_to_unseen_video": 0.5, "speech_to_image": 0.8, "text_to_image": 0.8}


def add_scores(figures: Figures, learned: List[Score], random: List[Score]) -> None:
    """Each direction's R@1 and R@10, with the same for the random projection and for chance beside it."""
    by_name = {score.name: score for score in random}
    for score in learned:
        base = by_name.get(score.name)
        for suffix, value, other, blind in (("r1", score.r1, base and base.r1, score.chance1),
                                            ("r10", score.r10, base and base.r10, score.chance10)):
            figures.add(f"{score.name}_{suffix}", value, "share")
            figures.add(f"{score.name}_{suffix}_random_projection", other, "share")
            figures.add(f"{score.name}_{suffix}_chance", blind, "share")
        figures.add(f"{score.name}_queries", score.queries, "count")
        figures.add(f"{score.name}_candidates", score.candidates, "count")


def table(learned: List[Score], random: List[Score], quick: bool) -> str:
    """One line a direction. Bars are judged on the full data only."""
    by_name = {score.name: score for score in random}
    head = f"{'direction':<34}{'queries':>8}{'candid.':>8}   {'R@1':>5} {'R@10':>5}   {'random projection':^17}   " \
           f"{'chance':^11}   bar (R@10)"
    lines = [head, "-" * len(head)]
    for score in learned:
        base = by_name.get(score.name)
        projected = f"{base.r1:5.2f} {base.r10:5.2f}" if base else "-"
        lines.append(f"{_arrow(score.name):<34}{score.queries:>8}{score.candidates:>8}   {score.r1:5.2f} {score.r10:5.2f}"
                     f"   {projected:^17}   {score.chance1:5.2f} {score.chance10:5.2f}   {_bar(score, quick)}".rstrip())
    return "\n".join(lines)


def _arrow(name: str) -> str:
    source, target = name.split("_to_")
    return f"{source} -> {target.replace('_', ' ')}"


def _bar(score: Score, quick: bool) -> str:
    bar = BARS.get(score.name)
    if bar is None or quick:
        return ""
    return f"{bar:.1f} {'reached' if score.r10 >= bar else 'NOT reached'}"


def main_directions_above_chance(scores: List[Score]) -> bool:
    """The least that any run must show. Where chance alone gives half, a small run proves nothing either way."""
    main = [score for score in scores if score.name in BARS and score.chance10 < 0.5]
    return bool(main) and all(score.r10 > score.chance10 for score in main)


def one_search(client: mixmatch.Client, track: Row, rows: Dict[str, Row], row_of_item: Dict[int, str]) -> str:
    """`Find the video for this sound`, with its hits."""
    lines = [f"Find the video for this sound: {track.metadata['take']} ({track.path})",
             f"  taken from a clip of {track.metadata['unit']} that was ingested silent: its sound was never seen there"]
    hits = client.search(mixmatch.content(pathlib.Path(track.path).read_bytes(), track.media_type), k=10,
                         modalities=["video"])
    for place, hit in enumerate(hits, start=1):
        row = rows.get(row_of_item.get(hit.item.item_id, ""))
        label = row.metadata.get("label", "?") if row else "?"
        mark = "*" if label == track.metadata["label"] else " "
        heard = "" if not row or row.metadata.get("sound") == "yes" else "  (silent)"
        lines.append(f"  {place:>2} {mark} {hit.score:6.3f}  item {hit.item.item_id:<6} "
                     f"[{hit.part.start_seconds:.1f}, {hit.part.end_seconds:.1f}] s  {hit.item.name}  "
                     f"sound: {label}{heard}")
    lines.append("  * same kind of sound; generation " + str(hits[0].generation if hits else "-"))
    return "\n".join(lines)


def how_to_go_on(address: Optional[str], pid: int, binary: pathlib.Path, data: pathlib.Path, track: Row) -> str:
    """For whoever wants to try more; `address` is None if the server was stopped."""
    tool = shlex.quote(str(binary.with_name("mixmatch")))
    if address is None:
        return ("The server is stopped; its data are kept. Start it again with\n"
                f"  {shlex.quote(str(binary))} --listen 127.0.0.1:7411 --data-dir {shlex.quote(str(data))}\n"
                f"and ask it with\n  {tool} --server 127.0.0.1:7411 search --text 'a crow' --for image,audio")
    return ("The server goes on running. Try:\n"
            f"  {tool} --server {address} search --audio {shlex.quote(track.path)} --for video\n"
            f"  {tool} --server {address} search --text 'un corbeau' --for image,audio\n"
            f"  {tool} --server {address} put --event my-event picture.jpg sound.ogg\n"
            f"  {tool} --server {address} learn watch\n"
            f"Stop it with:\n  kill {pid}")
