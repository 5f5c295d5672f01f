"""Children that end when told to, and when nobody is left to tell them."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.sandbox.processes import ProcessEnded, Processes


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_for(condition) -> None:  # type: ignore[no-untyped-def]
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_child_that_ends_is_noticed() -> None:
    with Processes(os.environ) as processes:
        processes.start("worker", "json.tool", "no-such-file.json")

        def noticed() -> bool:
            try:
                processes.look_after()
            except ProcessEnded as error:
                assert re.fullmatch(r"worker ended by itself \(exit code \d\)", str(error))
                return True
            return False

        wait_for(noticed)


def test_leaving_stops_every_child() -> None:
    with Processes(os.environ) as processes:
        for name in ("web", "worker"):
            processes.start(name, "timeit", "-n1", "-r1", "import time; time.sleep(60)")
        processes.look_after()
        pids = [child.pid for child in processes._children.values()]
    assert all(gone(pid) for pid in pids)


@pytest.mark.skipif(not os.path.exists("/proc"), reason="reads /proc")
def test_a_child_does_not_outlive_a_parent_that_was_killed() -> None:
    parent = """
import os, time
from backend.sandbox.processes import Processes
processes = Processes(os.environ)
processes.start("worker", "timeit", "-n1", "-r1", "import time; print('up', flush=True); time.sleep(60)")
print(processes._children["worker"].pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == "up\n"
        process.kill()
    # Nobody of ours may be there to reap it: a zombie has ended too.
    wait_for(lambda: gone(pid) or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
