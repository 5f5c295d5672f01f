"""The reward platform over real HTTP, on a port of its own, with its ledger in a file."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import make_server

from backend.rewards.providers.sandbox import Shop
from backend.sandbox import reward_platform


@dataclass(frozen=True)
class Platform:
    """A platform that is up: its ledger, and where it is."""

    shop: Shop
    host: str

    @property
    def url(self) -> str:
        return f"http://{self.host}{reward_platform.PATH}"


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    path = str(folder / "platform.sqlite")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, reward_platform.standalone(path), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Platform(Shop(path), f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
