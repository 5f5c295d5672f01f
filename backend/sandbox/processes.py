"""Web and worker as children of one command: started together, stopped together, none left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType

#: How long children get to end by themselves, in seconds.
GRACE_S = 8.0


class ProcessEnded(Exception):
    """A child ended that should have gone on."""


class Processes:
    """Children by name. Leaving the `with` block stops all of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Run `python -m …` in the background. In its own process group, so that Ctrl-C reaches only us."""
        self._children[name] = subprocess.Popen(
            [sys.executable, "-m", "backend.sandbox.child", *arguments],
            stdin=subprocess.PIPE,
            env=self._environment,
            process_group=0,
        )

    def look_after(self) -> None:
        """Raises ProcessEnded when a child is gone."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
                raise ProcessEnded(f"{name} ended by itself ({how})")

    def stop(self) -> None:
        """Ask every child to end, wait, and end by force what did not."""
        for child in self._children.values():
            child.terminate()
        ends = time.monotonic() + GRACE_S
        for child in self._children.values():
            assert child.stdin is not None
            child.stdin.close()
            try:
                child.wait(max(0.0, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)  # with all it started: gunicorn's own children are in its group
                child.wait()
        self._children.clear()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
