"""How far we are: one bar on a terminal, elsewhere a line at every quarter."""

import sys

WIDTH = 30


class Progress:
    """Counts one step of the run, from 0 to `total`."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._quarter = -1
        self._on_terminal = sys.stdout.isatty()
        self.show(0)

    def show(self, done: int) -> None:
        """`done` of `total` are done."""
        done = min(done, self._total)
        if self._on_terminal:
            filled = WIDTH * done // self._total if self._total else WIDTH
            bar = "█" * filled + "░" * (WIDTH - filled)
            print(f"\r\033[K{self._name} {bar} {done}/{self._total}", end="", flush=True)
            return
        quarter = 4 * done // self._total if self._total else 4
        if quarter > self._quarter:
            self._quarter = quarter
            print(f"{self._name} {done}/{self._total}", flush=True)

    def end(self) -> None:
        """Leave the bar; whatever is printed next begins on a line of its own."""
        if self._on_terminal:
            print(flush=True)
