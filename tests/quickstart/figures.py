"""Measures of retrieval, and the form in which every benchmark of the project writes its figures."""

import dataclasses
import json
import math
import os
import pathlib
import platform
import subprocess
from typing import Any, Dict, List, Optional, Sequence, Set


def hit_rate(answers: Sequence[Sequence[str]], positives: Sequence[Set[str]], k: int) -> float:
    """Share of queries with at least one right answer among their first k."""
    if not answers:
        return math.nan
    return sum(any(hit in right for hit in hits[:k]) for hits, right in zip(answers, positives)) / len(answers)


def chance(candidates: int, right: int, k: int) -> float:
    """Probability that k of the candidates, drawn blindly without replacement, hold at least one right one."""
    if right <= 0:
        return 0.0
    if candidates - right < k:
        return 1.0
    return 1.0 - math.comb(candidates - right, k) / math.comb(candidates, k)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclasses.dataclass
class Figures:
    """Named values in the order in which they were added."""

    rows: List[Dict[str, Any]] = dataclasses.field(default_factory=list)

    def add(self, name: str, value: Optional[float], unit: str) -> None:
        """A value that could not be measured is null."""
        measured = value is not None and math.isfinite(value)
        self.rows.append({"name": name, "value": round(value, 4) if measured else None, "unit": unit})

    def get(self, name: str) -> Optional[float]:
        return next((row["value"] for row in self.rows if row["name"] == name), None)

    def write(self, path: pathlib.Path, seed: int, version: str) -> None:
        document = {"figures": self.rows, "machine": machine(), "seed": seed, "version": version}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n")


def machine() -> Dict[str, Any]:
    model = ""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory, 1),
            "system": platform.platform(), "load_at_end": round(os.getloadavg()[0], 2)}


def source_version(root: pathlib.Path) -> str:
    result = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return result.stdout.strip() or "unknown"
