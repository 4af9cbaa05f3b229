"""Weeks of weather and the word for most of their days: series find words, words find series.

Learned: the weeks of Seattle from 2012 to 2014, each linked with its word. Asked: Seattle's 2015 and all of New York, uploaded
without their words.
"""

import collections
import pathlib
from typing import Callable, Dict, List

import mixmatch
from mixmatch.v1 import item_pb2
from tests.corpora import weather
from tests.quickstart.ingest import wait_until_ridges_chosen
from tests.quickstart.server import Server

_FIRST = 10  # Weeks looked at for a word.


def measure(server: Server, folder: pathlib.Path, say: Callable[[str], None]) -> Dict[str, float]:
    """{} if the package cannot be had."""
    try:
        weeks = weather.weeks(weather.fetch(folder / "npm"))
    except (FileNotFoundError, RuntimeError) as missing:
        say(f"weather: {missing}; deploy/install-deps --learning installs npm")
        return {}
    client = server.client
    learned = [week for week in weeks if week.split == "train"]
    for week in learned:
        event = f"week:{week.first_day}"
        client.put(week.csv, media_type="text/csv", event=event, metadata={"split": "train"})
        client.put_text(week.label, event=event, metadata={"label": week.label})
    words = {}
    asked = [week for week in weeks if week.split != "train"]
    for week in asked:
        item = client.put(week.csv, media_type="text/csv", metadata={"split": week.split})
        words[item.item_id] = week.label
    status = wait_until_ridges_chosen(client)
    ridge = next(ridge for ridge in status.ridges if ridge.modality == item_pb2.MODALITY_SERIES)
    say(f"weather: ridge of series {ridge.fixed:.2g}, of the trunk's output {ridge.trunk:.2g}")
    result: Dict[str, float] = {"weather_weeks_learned": len(learned)}
    usual = collections.Counter(week.label for week in learned).most_common(1)[0][0]
    for split in ("test", "test_city"):
        some = [week for week in asked if week.split == split]
        right = sum(_word_of(client, week) == week.label for week in some)
        result[f"weather_{split}_accuracy"] = right / len(some)
        # A guess that knows the learned weeks' most frequent word, and one that even knows this split's.
        result[f"weather_{split}_usual_word"] = sum(week.label == usual for week in some) / len(some)
        result[f"weather_{split}_majority"] = collections.Counter(week.label for week in some).most_common(1)[0][1] / len(some)
        result.update(_words_to_weeks(client, split, some, words))
    return result


def _word_of(client: mixmatch.Client, week: weather.Week) -> str:
    hits = client.search(mixmatch.content(week.csv, "text/csv"), k=1, modalities=["text"])
    return hits[0].item.metadata["label"].text if hits else ""


def _words_to_weeks(client: mixmatch.Client, split: str, some: List[weather.Week], words: Dict[int, str]) -> Dict[str, float]:
    """Mean over the words that ten weeks or more have: the share of right ones among the first ten."""
    counts = collections.Counter(week.label for week in some)
    shares, chances = [], []
    for word in sorted(word for word, count in counts.items() if count >= _FIRST):
        hits = client.search(mixmatch.text(word), k=_FIRST, modalities=["series"], where=mixmatch.where(split=split))
        shares.append(sum(words[hit.item.item_id] == word for hit in hits) / _FIRST)
        chances.append(counts[word] / len(some))
    return {f"weather_{split}_word_to_week_p10": sum(shares) / len(shares),
            f"weather_{split}_word_to_week_chance": sum(chances) / len(chances)}
