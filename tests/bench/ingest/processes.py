"""What a process and its children use, read from /proc."""

import os
import pathlib
import threading
from typing import List


def children(pid: int) -> List[int]:
    """Of all its threads, and theirs."""
    found: List[int] = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in direct:
            found += [child] + children(child)
    return found


def descriptors(pid: int, but_in: pathlib.Path = pathlib.Path("/nowhere")) -> int:
    """Open ones, without files below a folder: a database opens and closes those as it likes."""
    count = 0
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += but_in not in pathlib.Path(os.readlink(link)).parents
        except OSError:
            continue  # Closed meanwhile.
    return count


def resident_bytes(pid: int) -> int:
    """0 if it has ended."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class PeakMemory:
    """The most that a process and its children had resident together, sampled while the `with` block runs."""

    def __init__(self, pid: int, every_seconds: float = 0.05):
        self._pid, self._every = pid, every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.before = 0
        self.peak = 0

    def __enter__(self) -> "PeakMemory":
        self.before = self.peak = self._now()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()

    def _now(self) -> int:
        return sum(resident_bytes(pid) for pid in [self._pid] + children(self._pid))

    def _sample(self) -> None:
        while not self._ended.wait(self._every):
            self.peak = max(self.peak, self._now())
