"""The emergent link: stamps with a sound effect and emoji of the same thing, which never come together in training."""

import pathlib
from typing import List, NamedTuple

PAIRS_FILE = pathlib.Path(__file__).with_name("data") / "emergent.tsv"


class Pair(NamedTuple):
    stamp: str  # As metadata["stamp"] of tuxpaint rows; the query is that stamp's row of kind "effect".
    emoji: str  # As metadata["concept"] of emoji rows; the answers are that concept's pictures.
    label: str  # English name of the emoji.
    listed: bool  # Of the list of concepts matched by name; otherwise found by looking through all effects.


def pairs(listed_only: bool = False) -> List[Pair]:
    """All pairs, by stamp. Several stamps may have the same emoji (three pigs); a stamp has one."""
    result: List[Pair] = []
    for line in PAIRS_FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            stamp, emoji, label, found = line.split("\t")
            result.append(Pair(stamp, emoji, label, found == "listed"))
    return [pair for pair in result if pair.listed or not listed_only]
