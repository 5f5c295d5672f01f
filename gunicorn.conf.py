"""What gunicorn is told beside its command line; it reads this file in the folder it is started in."""

import os
from typing import Any


def post_worker_init(worker: Any) -> None:
    """Let the streams of big screens see that the worker is to end: they end by themselves, and so can it."""
    streams = getattr(worker.app.callable, "extensions", {}).get("screens")
    if streams is not None:
        streams.stopping = lambda: not worker.alive or worker.ppid != os.getppid()
