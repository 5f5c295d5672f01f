"""Requests that come when they come, however long answers take: as phones and partners send them.

One thread waits for all sockets. Each request has a connection of its own, as that of a phone that asks every ten
seconds; how long it took counts from the moment it was due, so a server that falls behind cannot hide it. Who is told
to come again later (429) does so, and the time until then counts as well.
"""

import re
import selectors
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from time import perf_counter

#: A connection that has not answered by then has failed.
PATIENCE_S = 20.0


@dataclass(slots=True)
class Request:
    """What is sent `at` so many seconds from the beginning. `make` gives its bytes then; `heard` is told the answer."""

    at: float
    kind: str
    make: Callable[[], bytes]
    heard: Callable[[bytes], None] | None = None


@dataclass(slots=True)
class Played:
    """What became of the requests of one kind: seconds from due to answered, how often by status, and how many were
    sent `again` because they were told so; why others failed."""

    took: list[float] = field(default_factory=list)
    again: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class _Line:
    """One request on its connection."""

    def __init__(self, port: int, request: Request) -> None:
        self.request, self.answer = request, b""
        self.rest = request.make()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", port))

    def send(self) -> bool:
        """Send what can be sent; True when all is."""
        self.rest = self.rest[self.socket.send(self.rest) :]
        return not self.rest

    def receive(self) -> bool:
        """Read what has come; True when the server hung up, as it is asked to."""
        more = self.socket.recv(262_144)
        self.answer += more
        return not more


def play(port: int, requests: Iterable[Request]) -> dict[str, Played]:
    """Send each request when it is due, in the order given, and hear every answer."""
    playing = _Playing()
    waiting = iter(requests)
    upcoming = next(waiting, None)
    with selectors.DefaultSelector() as selector:
        while upcoming is not None or playing.later or selector.get_map():
            now = playing.now()
            while upcoming is not None and upcoming.at <= now:
                _begin(selector, port, upcoming)
                upcoming = next(waiting, None)
            while playing.later and playing.later[0][0] <= now:
                _begin(selector, port, heappop(playing.later)[2])
            for key, _ in selector.select(min(0.05, max(0.0, upcoming.at - now)) if upcoming else 0.05):
                _go_on(selector, key, playing)
            _give_up(selector, playing)
    return playing.played


class _Playing:
    """What became of what was sent, and what is to be sent again: when, and which."""

    def __init__(self) -> None:
        self.played: dict[str, Played] = {}
        self.later: list[tuple[float, int, Request]] = []
        self._begun, self._number = perf_counter(), count()

    def now(self) -> float:
        """Seconds since the beginning."""
        return perf_counter() - self._begun

    def put_off(self, request: Request, seconds: float) -> None:
        heappush(self.later, (self.now() + seconds, next(self._number), request))


def _begin(selector: selectors.BaseSelector, port: int, request: Request) -> None:
    line = _Line(port, request)
    selector.register(line.socket, selectors.EVENT_WRITE, line)


def _go_on(selector: selectors.BaseSelector, key: selectors.SelectorKey, playing: _Playing) -> None:
    line: _Line = key.data
    try:
        if key.events & selectors.EVENT_WRITE:
            if line.send():
                selector.modify(line.socket, selectors.EVENT_READ, line)
            return
        if not line.receive():
            return
    except BlockingIOError:
        return
    except OSError as error:
        _end(selector, line, playing, repr(error))
        return
    _end(selector, line, playing, None if line.answer.startswith(b"HTTP/1.1 ") else "hung up without an answer")


def _give_up(selector: selectors.BaseSelector, playing: _Playing) -> None:
    now = playing.now()
    late = [key.data for key in selector.get_map().values() if now - key.data.request.at > PATIENCE_S]
    for line in late:
        _end(selector, line, playing, "no answer in time")


def _end(selector: selectors.BaseSelector, line: _Line, playing: _Playing, error: str | None) -> None:
    selector.unregister(line.socket)
    line.socket.close()
    result = playing.played.setdefault(line.request.kind, Played())
    if error is not None:
        result.errors.append(error)
        return
    status = int(line.answer[9:12])
    if status == 429:
        told = re.search(rb"\r\nRetry-After: (\d+)\r\n", line.answer)
        result.again += 1
        playing.put_off(line.request, float(told[1]) if told else 1.0)
        return
    result.statuses[status] = result.statuses.get(status, 0) + 1
    result.took.append(playing.now() - line.request.at)
    if line.request.heard is not None:
        line.request.heard(line.answer)
