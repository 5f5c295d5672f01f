"""A receiver on a local port: answers as it is told, keeps what it was sent, checks it with the public package."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # the standard five would make callers wait for the kernel


#: What to answer: a status, a status with headers, or a body.
Answer = int | tuple[int, dict[str, str]] | bytes


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.message["data"]
        return found

    def verify(self, secret: str) -> dict[str, Any]:
        """What the public package makes of it; raises when the signature or the time is wrong."""
        read: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return read


class Receiver:
    """`answer` is asked for every request, after it was kept."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda _: 204
        self.came = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Received({name.lower(): value for name, value in self.headers.items()}, body)
                with receiver.came:
                    receiver.received.append(got)
                    receiver.came.notify_all()
                said = receiver.answer(got)
                body = said if isinstance(said, bytes) else b""
                status, headers = said if isinstance(said, tuple) else (200 if body else said, {})
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # the caller went away
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}/notices?from=carbon"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def wait_for(self, count: int) -> None:
        """Return when so many requests have come; fails after half a minute."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= count, timeout=30)

    def sequences(self) -> list[int]:
        return [item.data["sequence"] for item in self.received]

    @contextmanager
    def open(self) -> Iterator["Receiver"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


__all__ = ["Received", "Receiver"]
