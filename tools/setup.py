"""Make the virtual environment hold exactly what the locks say: `python3 tools/setup.py requirements.txt …`.

Standard library only, because it runs before anything is installed. Quick when nothing changed: stamps in the
environment name the locks it was made from. A terminal gets a bar; anything else gets a few plain lines.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

ENVIRONMENT = Path(".venv")
PYTHON = ENVIRONMENT / "bin" / "python"
NEEDED = (3, 11)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("locks", nargs="+", type=Path)
    locks = parser.parse_args().locks
    if sys.version_info < NEEDED:
        sys.exit(
            f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed, this is {sys.version.split()[0]}.\n"
            "Name another interpreter: make PYTHON=/path/to/python3 …"
        )
    if not made_by_this_interpreter():
        make_environment()
    for lock in locks:
        stamp = ENVIRONMENT / f".installed-{lock.stem}"
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text() != digest:
            install(lock)
            stamp.write_text(digest)


def interpreter() -> str:
    """What the environment depends on outside itself."""
    return f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} {sys.base_prefix}"


def made_by_this_interpreter() -> bool:
    stamp = ENVIRONMENT / ".interpreter"
    return PYTHON.exists() and stamp.exists() and stamp.read_text() == interpreter()


def make_environment() -> None:
    """An empty environment with pip in it; says what to install where the system's Python comes without."""
    print(f"set-up: virtual environment, Python {sys.version.split()[0]}", flush=True)
    try:
        import ensurepip  # noqa: F401 - Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            f"This Python ({sys.executable}) cannot make virtual environments.\n"
            "On Debian and Ubuntu: apt-get install python3-venv\n"
            "Or name another interpreter: make PYTHON=/path/to/python3 …"
        )
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    base = getattr(sys, "_base_executable", sys.executable)  # also when run by the environment being replaced
    subprocess.run([base, "-m", "venv", str(ENVIRONMENT)], check=True)
    (ENVIRONMENT / ".interpreter").write_text(interpreter())


def install(lock: Path) -> None:
    """Let pip install a lock and turn what it says into progress. On failure, its last words are shown."""
    total = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
    progress = Progress(lock.name, total)
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--requirement", str(lock)]
    command += ["--no-input", "--progress-bar", "off", "--disable-pip-version-check"]
    said: deque[str] = deque(maxlen=20)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout
        for line in pip.stdout:
            if not line.startswith("WARNING"):
                said.append(line)
            progress.hear(line)
    if pip.returncode:
        progress.end()
        sys.exit(f"pip could not install {lock}. Its last words:\n\n{''.join(said)}")
    progress.done()


class Progress:
    """One bar on a terminal; elsewhere a line at every quarter."""

    WIDTH = 30

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._seen, self._quarter = name, total, 0, 0
        self._say: Callable[[str], None] = self._draw if sys.stdout.isatty() else self._tell
        self._say("")

    def hear(self, line: str) -> None:
        """Count the packages pip speaks of; it names each one once before it installs them all."""
        if found := re.match(
            r"(?:Collecting|Processing|Requirement already satisfied:|Ignoring) (\S+)", line
        ):
            self._seen = min(self._seen + 1, self._total)
            self._say(re.split(r"[=-]", Path(found[1]).name)[0])
        elif line.startswith("Installing collected packages"):
            self._say("unpacking …")

    def done(self) -> None:
        self._seen = self._total
        self._say("done")
        self.end()

    def end(self) -> None:
        if sys.stdout.isatty():
            print()

    def _draw(self, now: str) -> None:
        filled = self.WIDTH * self._seen // self._total
        bar = "█" * filled + "░" * (self.WIDTH - filled)
        print(f"\r\033[Kset-up: {self._name} {bar} {self._seen}/{self._total} {now}", end="", flush=True)

    def _tell(self, now: str) -> None:
        quarter = 4 * self._seen // self._total
        if quarter > self._quarter or now in ("unpacking …", "done"):
            self._quarter = quarter
            print(f"set-up: {self._name} {self._seen}/{self._total} {now}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nset-up interrupted; run it again to go on")
