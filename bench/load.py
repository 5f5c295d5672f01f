"""A load generator that costs little: requests made beforehand, over keep-alive connections, one at a time on each.

One thread waits for all sockets. It shares the processors with the servers it drives, as in the measurements of any
small machine, so it must be cheap: about 20 µs a request.
"""

import selectors
import socket
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter

CONNECTIONS = 16


def request_bytes(path: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> bytes:
    """A request, with a body of JSON if it has one, as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(
    port: int,
    requests: Sequence[bytes],
    connections: int = CONNECTIONS,
    *,
    status: int = 202,
    took: list[float] | None = None,
) -> float:
    """Send every request and read every answer; returns the seconds. RuntimeError for an answer of another status.

    `took`: how long each answer took, in seconds, is added here.
    """
    waiting = iter(requests)
    latencies: list[float] = [] if took is None else took
    with selectors.DefaultSelector() as selector:
        lines = [_Line(port, waiting, b"HTTP/1.1 %d" % status, latencies) for _ in range(connections)]
        begun = perf_counter()
        for line in lines:
            if line.send():
                selector.register(line.socket, selectors.EVENT_READ, line)
        while selector.get_map():
            for key, _ in selector.select():
                if key.data.receive() and not key.data.send():
                    selector.unregister(key.fileobj)
        seconds = perf_counter() - begun
        for line in lines:
            line.socket.close()
    return seconds


class _Line:
    """One connection: a request at a time."""

    def __init__(self, port: int, waiting: Iterator[bytes], status: bytes, took: list[float]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting = waiting
        self._status, self._took, self._sent_at = status, took, 0.0
        self._heard = b""

    def send(self) -> bool:
        """Send the next request; False when none is left."""
        request = next(self._waiting, None)
        if request is None:
            return False
        self._sent_at = perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Read what has come; True when the answer is complete."""
        heard = self.socket.recv(65536)
        self._heard += heard
        head, complete, body = self._heard.partition(b"\r\n\r\n")
        if not heard or (complete and not head.startswith(self._status)):
            raise RuntimeError(f"not answered with {self._status!r}: {self._heard[:500]!r}")
        if not complete or len(body) < _content_length(head):
            return False
        self._took.append(perf_counter() - self._sent_at)
        self._heard = b""
        return True


def _content_length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.partition(b"\r\n")[0])
