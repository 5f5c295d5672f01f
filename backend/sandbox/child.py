"""Runs a module as a child that does not outlive its parent: `python -m backend.sandbox.child gunicorn …`.

Standard input is a pipe whose other end only the parent holds. When the parent is gone, however it went, the pipe ends
and the child ends itself as if it had been told to. This works wherever there are pipes.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
