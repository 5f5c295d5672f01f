"""How far we are: one bar on a terminal, elsewhere a line at every quarter."""

import sys
from typing import TextIO

WIDTH = 30


class Progress:
    """Counts one step of the run, from 0 to `total`, on standard output or the stream given."""

    def __init__(self, name: str, total: int, stream: TextIO | None = None) -> None:
        self._name, self._total, self._stream = name, total, stream or sys.stdout
        self._quarter = -1
        self._on_terminal = self._stream.isatty()
        self.show(0)

    def show(self, done: int) -> None:
        """`done` of `total` are done."""
        done = min(done, self._total)
        if self._on_terminal:
            filled = WIDTH * done // self._total if self._total else WIDTH
            bar = "█" * filled + "░" * (WIDTH - filled)
            self._print(f"\r\033[K{self._name} {bar} {done}/{self._total}", end="")
            return
        quarter = 4 * done // self._total if self._total else 4
        if quarter > self._quarter:
            self._quarter = quarter
            self._print(f"{self._name} {done}/{self._total}")

    def end(self) -> None:
        """Leave the bar; whatever is printed next begins on a line of its own."""
        if self._on_terminal:
            self._print("")

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._stream, flush=True)
