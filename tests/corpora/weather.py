"""Daily weather of Seattle and New York, 2012 to 2015, with a label a day (npm package vega-datasets; BSD-3-Clause, the data
from NOAA's daily summaries). Weeks with the label that most of their days have.
"""

import csv
import dataclasses
import io
import pathlib
import subprocess
from typing import Dict, List

PACKAGE = "vega-datasets@3.2.1"
CHANNELS = {"precipitation": "mm", "temp_max": "C", "temp_min": "C", "wind": "m/s"}
DAYS = 7


@dataclasses.dataclass(frozen=True)
class Week:
    city: str
    first_day: str  # 2012-01-01.
    label: str      # Of most days: rain, sun, fog, drizzle or snow; the earliest in the alphabet of those with as many.
    csv: bytes      # date, precipitation [mm], temp_max [C], ...

    @property
    def split(self) -> str:
        """Seattle until 2014 is learned from; its last year, and another city, are asked about."""
        if self.city != "Seattle":
            return "test_city"
        return "test" if self.first_day >= "2015" else "train"


def fetch(folder: pathlib.Path) -> pathlib.Path:
    """The package's folder of data; npm fetches it once. FileNotFoundError if npm is missing, RuntimeError if it fails."""
    data = folder / "node_modules/vega-datasets/data"
    if not data.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, PACKAGE],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"npm install {PACKAGE} failed: {done.stderr.strip()[-300:]}")
    return data


def weeks(data: pathlib.Path) -> List[Week]:
    """Whole weeks, one after the other, none over a change of year; by city and day."""
    rows: Dict[str, List[dict]] = {}
    for row in csv.DictReader(io.StringIO((data / "weather.csv").read_text())):
        day = row["date"].replace("/", "-")[:10]
        rows.setdefault(f"{row['location']}\t{day[:4]}", []).append({**row, "date": day})
    found = []
    for key in sorted(rows):
        days = sorted(rows[key], key=lambda row: row["date"])
        for first in range(0, len(days) - DAYS + 1, DAYS):
            found.append(_week(key.split("\t")[0], days[first:first + DAYS]))
    return found


def _week(city: str, days: List[dict]) -> Week:
    labels = [day["weather"] for day in days]
    label = min(sorted(set(labels)), key=lambda one: -labels.count(one))
    lines = ["date," + ",".join(f"{name} [{unit}]" for name, unit in CHANNELS.items())]
    lines += [",".join([day["date"], *(day[name] for name in CHANNELS)]) for day in days]
    return Week(city, days[0]["date"], label, ("\n".join(lines) + "\n").encode())
