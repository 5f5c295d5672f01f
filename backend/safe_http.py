"""Every outgoing HTTP call: to public addresses only, in bounded time, of bounded size, never redirected.

A URL may come from a partner's settings, so it is treated as an attack (server-side request forgery): the
host is resolved here, every address it has must be public, and the connection goes to an address that was
checked, not to a second look-up. TLS still proves the name. The environment (proxies, netrc, CA variables)
has no say.

Query strings and headers carry secrets: no error of this module repeats them.
"""

import contextlib
import functools
import logging
import re
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from backend import strict_json
from backend.errors import Refusal
from backend.public_addresses import AddressRefused, Alarm, open_socket

__all__ = [
    "AddressRefused",
    "Answer",
    "OutsideFailure",
    "OutsideRefused",
    "OutsideUnavailable",
    "call",
    "check_url",
    "download",
    "get_json",
]

DEADLINE_S = 5.0
MAX_BYTES = 65_536

_URL = re.compile(r"(https?)://([0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?([/?][!\x22$-\[\]-~]*)?")
_MAX_URL = 4096
_PORTS = {"http": 80, "https": 443}
_RETRY_LATER = {408, 425, 429}

# At DEBUG level it writes down whole paths with their queries, and with them secrets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class OutsideFailure(Refusal):
    """Another platform did not do its part. `reason` is for our logs; `answer` is what it said, if it did."""

    def __init__(self, reason: str = "", answer: "Answer | None" = None) -> None:
        super().__init__()
        self.reason = reason
        self.answer = answer


class OutsideUnavailable(OutsideFailure):
    """It cannot be reached, is too slow, too busy or makes no sense: asking again later may help.

    `unreached`: no connection was made, so the request was certainly not seen.
    """

    unreached = False

    code = "UPSTREAM_UNAVAILABLE"
    status = 503
    title = "外部服务暂时不可用 / An outside service is not available"


class OutsideRefused(OutsideFailure):
    """It answered and said no (3xx or 4xx): asking the same again will not help."""

    code = "UPSTREAM_REFUSED"
    status = 502
    title = "外部服务拒绝了请求 / An outside service refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` has lower-case names; `body` is raw."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self, *, wide_integers: bool = False) -> strict_json.JsonValue:
        """The body as strict JSON (see `strict_json.loads`). Raises OutsideUnavailable where it is not."""
        try:
            return strict_json.loads(self.body, max_bytes=len(self.body), wide_integers=wide_integers)
        except Refusal as refusal:
            reason = f"answered {self.status} with {refusal.code}"
        raise OutsideUnavailable(reason, self)


def get_json(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
    max_bytes: int = MAX_BYTES,
    allowed_hosts: Collection[str] = (),
) -> strict_json.JsonValue:
    """GET and read the JSON of a 2xx answer. Raises what `call` does, and OutsideRefused for 3xx and 4xx."""
    full = f"{url}?{urlencode(params)}" if params else url
    limits = _Limits(deadline_s, max_bytes, allowed_hosts)
    return _accepted(_call("GET", full, None, headers or {}, limits)).json()


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
    max_bytes: int = MAX_BYTES,
    allowed_hosts: Collection[str] = (),
) -> Answer:
    """Send exactly these bytes; every status is an answer, and what to do with it is the caller's matter.

    `deadline_s` covers everything from the look-up of the name to the last byte; an answer larger than
    `max_bytes` counts as none. `allowed_hosts` ("host" or "host:port", in small letters) may be plain http
    and private: for sandbox twins only. Raises OutsideUnavailable when no whole answer came, AddressRefused
    before anything is sent.
    """
    return _call(method, url, body, headers or {}, _Limits(deadline_s, max_bytes, allowed_hosts))


def download(
    url: str,
    file: BinaryIO,
    *,
    headers: Mapping[str, str],
    deadline_s: float,
    max_bytes: int,
    allowed_hosts: Collection[str] = (),
) -> None:
    """GET a 2xx answer into a file, piece by piece, within the limits of `call`. Raises what `get_json` does."""
    limits = _Limits(deadline_s, max_bytes, allowed_hosts, file)
    _accepted(_call("GET", url, None, {"Accept": "*/*", **headers}, limits))


def check_url(url: str, *, allowed_hosts: Collection[str] = ()) -> None:
    """Refuse (AddressRefused) a URL whose form alone rules it out; its addresses are looked at when it is called."""
    _refuse_url(url, _Limits(DEADLINE_S, MAX_BYTES, allowed_hosts))


@dataclass(frozen=True, slots=True)
class _Limits:
    deadline_s: float
    max_bytes: int
    allowed_hosts: Collection[str]
    file: BinaryIO | None = None  # where the body of a 2xx answer goes, if not into memory

    def allows(self, host: str, port: int) -> bool:
        return host in self.allowed_hosts or f"{host}:{port}" in self.allowed_hosts


def _call(method: str, url: str, body: bytes | None, headers: Mapping[str, str], limits: _Limits) -> Answer:
    host = _refuse_url(url, limits)
    own = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "carbon-inclusion"}
    with Alarm(limits.deadline_s) as alarm, contextlib.closing(_GuardedAdapter(limits, alarm)) as adapter:
        try:
            # Without a Session nothing comes from the environment, no cookie is kept, no redirect looked at.
            request = requests.Request(method, url, headers={**own, **headers}, data=body).prepare()
            answer = _exchange(adapter, request, limits)
            failure = "the deadline passed" if alarm.rung else ""
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = "the deadline passed" if alarm.rung else type(error).__name__
    # Raised out here so that the cause, whose text holds the URL and its secrets, does not hang on to it.
    if failure:
        unavailable = OutsideUnavailable(f"{host}: {failure}")
        unavailable.unreached = not adapter.connected
        raise unavailable
    return answer


def _exchange(adapter: "_GuardedAdapter", request: requests.PreparedRequest, limits: _Limits) -> Answer:
    timeouts = (limits.deadline_s, limits.deadline_s)
    with contextlib.closing(adapter.send(request, stream=True, timeout=timeouts, verify=True)) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if headers.get("content-encoding", "identity") != "identity":
            raise OutsideUnavailable("answered compressed although that was not asked for")
        said, left = BytesIO(), limits.max_bytes + 1
        into = limits.file if limits.file is not None and 200 <= response.status_code < 300 else said
        while left and (piece := response.raw.read(min(left, MAX_BYTES), decode_content=False)):
            left -= into.write(piece)
    if not left:
        raise OutsideUnavailable(f"answered with more than {limits.max_bytes} bytes")
    return Answer(response.status_code, headers, said.getvalue())


def _accepted(answer: Answer) -> Answer:
    if answer.ok:
        return answer
    reason = f"answered {answer.status}"
    if answer.status >= 500 or answer.status in _RETRY_LATER:
        raise OutsideUnavailable(reason, answer)
    raise OutsideRefused(reason, answer)


def _refuse_url(url: str, limits: _Limits) -> str:
    """The host of a URL of good form, without user or fragment, and https unless the host is allowed."""
    match = _URL.fullmatch(url) if len(url) <= _MAX_URL else None
    if not match:
        raise AddressRefused("the URL is not of the form https://host[:port]/path")
    scheme, host, port_text, _ = match.groups()
    host = host.strip("[]").lower()
    port = int(port_text or _PORTS[scheme])
    if not 1 <= port <= 65_535:
        raise AddressRefused("the URL names no possible port")
    if scheme != "https" and not limits.allows(host, port):
        raise AddressRefused("only https is called")
    return host


class _GuardedAdapter(HTTPAdapter):
    """requests' transport, on connections that open through `open_socket`; good for one call."""

    def __init__(self, limits: _Limits, alarm: Alarm) -> None:
        super().__init__(max_retries=0)
        self._limits = limits
        self._alarm = alarm
        self._pools = contextlib.ExitStack()
        self.connected = False

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> urllib3.HTTPConnectionPool:
        target, _ = self.build_connection_pool_key_attributes(request, True)
        # urllib3 takes the last group of an IPv6 address for the port where none is given.
        port = target["port"] or _PORTS[target["scheme"]]
        own: dict[str, Any] = {"host": target["host"], "port": port, "open_socket": self._open_socket}
        tls = target["scheme"] == "https"
        pool = _TlsPool(ssl_context=_tls_context(), **own) if tls else _PlainPool(**own)
        return self._pools.enter_context(contextlib.closing(pool))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to set: the pool's own TLS context verifies, and is not built anew for each call."""

    def close(self) -> None:
        self._pools.close()
        super().close()

    def _open_socket(self, host: str, port: int) -> socket.socket:
        host = host.strip("[]").lower()
        any_address = self._limits.allows(host, port)
        opened = open_socket(host, port, self._alarm, timeout_s=self._limits.deadline_s, any_address=any_address)
        self.connected = True
        return opened


class _PlainConnection(urllib3.connection.HTTPConnection):
    def __init__(self, *args: Any, open_socket: Callable[[str, int], socket.socket], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open_socket = open_socket

    def _new_conn(self) -> socket.socket:
        return self._open_socket(self.host, self.port or self.default_port)


class _TlsConnection(_PlainConnection, urllib3.connection.HTTPSConnection):
    """The name in the URL, not the address, is what the certificate must prove."""


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Checks certificates and names with the authorities `requests` ships; reading them takes some 20 ms."""
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
