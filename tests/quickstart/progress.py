"""A progress bar for people; one line every tenth where the output is no terminal."""

import sys
import time

_WIDTH = 28


class Progress:
    """`with Progress("ingest", total) as step: step(1)`. Not for several threads at once."""

    def __init__(self, title: str, total: int, stream=sys.stderr):
        self._title, self._total, self._stream = title, max(1, total), stream
        self._done, self._shown, self._start = 0, -1, time.monotonic()
        self._terminal = stream.isatty()

    def __enter__(self):
        self._show()
        return self.advance

    def __exit__(self, *_):
        self._show(end=True)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        self._show()

    def _show(self, end: bool = False) -> None:
        ticks = self._done * (200 if self._terminal else 10) // self._total
        if ticks == self._shown and not end:
            return
        self._shown = ticks
        seconds = time.monotonic() - self._start
        rate = self._done / seconds if seconds > 0 else 0.0
        share = min(1.0, self._done / self._total)
        bar = "█" * round(share * _WIDTH) + "░" * (_WIDTH - round(share * _WIDTH))
        line = f"  {self._title:<26}{bar} {self._done}/{self._total}  {rate:.0f}/s  {seconds:.0f} s"
        if self._terminal:
            self._stream.write("\r" + line + ("\n" if end else "\033[K"))
        elif end or ticks:
            self._stream.write(line + "\n")
        self._stream.flush()
