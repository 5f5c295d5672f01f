"""Outgoing calls: which addresses are public, and a twin of the outside that misbehaves in every way."""

import contextlib
import datetime
import gc
import gzip
import ipaddress
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend import safe_http
from backend.public_addresses import is_public
from backend.safe_http import AddressRefused, OutsideRefused, OutsideUnavailable

# -- addresses ---------------------------------------------------------------------------------------------

_NOT_PUBLIC_TEXT = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 168.63.129.16 169.254.0.23 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192
192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:100.100.100.200 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::100.100.100.200 64:ff9b:1::1 100::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1::1 2002:a00:1::1 2002:6464:64c8::1 3fff::1
5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fe80::1%25eth0 fec0::1 ff02::1 ff0e::1
2606:4700:4700::1111%eth0 2130706433 0x7f000001 0177.0.0.1 127.1 127.0.1 127.000.000.001 ①②⑦.⓪.⓪.①
127。0。0。1 localhost 8.8.8.8.8 8.8.8 8.8.8.8/32 [::1] 1e3
"""
NOT_PUBLIC = _NOT_PUBLIC_TEXT.split()

_PUBLIC_TEXT = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 172.15.255.255
172.32.0.0 192.167.255.255 192.169.0.0 223.255.255.255 223.5.5.5 119.29.29.29 2606:4700:4700::1111
2400:3200::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
"""
PUBLIC = _PUBLIC_TEXT.split()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_the_table_is_long_enough() -> None:
    assert len(NOT_PUBLIC) >= 45


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(sock: socket.socket, address: Any) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr("backend.public_addresses.socket.socket.connect", connect)


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize("address", [a for a in NOT_PUBLIC if a not in ("8.8.8", "8.8.8.8/32")])
def test_urls_that_lead_to_them(address: str) -> None:
    host = f"[{address}]" if ":" in address and "[" not in address else address
    with pytest.raises((AddressRefused, OutsideUnavailable)) as refused:
        safe_http.call("GET", f"https://{host}/", deadline_s=2)
    assert refused.value.status in (422, 503)
    if ipaddress_or_none(address):
        assert isinstance(refused.value, AddressRefused)


def ipaddress_or_none(text: str) -> object:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(text)
    return None


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "LOCALHOST"])
def test_odd_spellings_of_loopback(host: str) -> None:
    with pytest.raises(AddressRefused):
        safe_http.call("GET", f"https://{host}/")


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "https://",
            "https:///x",
            "//example.com",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
        ),
        *(
            "gopher://example.com/",
            "http://example.com/",
            "http://8.8.8.8/",
            "HTTPS://example.com/",
            "https:example.com",
        ),
        *("https://user@example.com/", "https://user:pw@example.com/", "https://example.com@127.0.0.1/"),
        *(
            "https://example.com#x",
            "https://example.com/#x",
            "https://example.com\\@127.0.0.1/",
            "https://exa mple.com/",
        ),
        *(
            "https://example.com/a b",
            "https://example.com/\n",
            "https://example.com/\r\nHost: x",
            "https://例子.com/",
        ),
        *(
            "https://example.com/路",
            "https://①②⑦.⓪.⓪.①/",
            "https://127。0。0。1/",
            "https://[::1/",
            "https://::1/",
        ),
        *(
            "https://[fe80::1%25eth0]/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://example.com:/",
        ),
        *(
            "https://example.com:443:80/",
            "https://example.com:-1/",
            "https://example.com/" + "x" * 5000,
            "https://*/",
        ),
    ],
)
def test_urls_of_bad_form(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        safe_http.call("GET", url)
    assert (refused.value.status, refused.value.code) == (422, "ADDRESS_REFUSED")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A resolver of our own: name → addresses; literals resolve to themselves, others to nothing."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            known.setdefault(host, [host])
        if host not in known:
            raise socket.gaierror("unknown name")
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in known[host]]
        pairs = zip(families, known[host], strict=True)
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in pairs]

    monkeypatch.setattr("backend.public_addresses.socket.getaddrinfo", getaddrinfo)
    return known


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:100.100.100.200"], ["ff0e::1"]])
def test_one_address_that_is_not_public_condemns_a_name(names: dict[str, list[str]], addresses: list[str]) -> None:
    names["partner.example"] = addresses
    with pytest.raises(AddressRefused):
        safe_http.call("GET", "https://partner.example/")


def test_the_connection_goes_to_the_address_that_was_checked(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time gains nothing: there is no second time."""
    names["partner.example"] = ["93.184.215.14"]
    connected: list[Any] = []

    def connect(sock: socket.socket, address: Any) -> None:
        connected.append(address)
        names["partner.example"] = ["127.0.0.1"]
        raise ConnectionRefusedError

    monkeypatch.setattr("backend.public_addresses.socket.socket.connect", connect)
    with pytest.raises(OutsideUnavailable):
        safe_http.call("GET", "https://partner.example/")
    assert connected == [("93.184.215.14", 443)]


def test_a_name_nobody_knows(names: dict[str, list[str]]) -> None:
    with pytest.raises(OutsideUnavailable):
        safe_http.call("GET", "https://nobody.example/")
    with pytest.raises(OutsideUnavailable):
        safe_http.call("GET", "https://" + "a" * 250 + "/")


def test_a_resolver_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr("backend.public_addresses.socket.getaddrinfo", lambda *_, **__: never.wait() and [])
    with pytest.raises(OutsideUnavailable):
        safe_http.call("GET", "https://slow.example/", deadline_s=0.05)
    never.set()


# -- a twin of the outside ---------------------------------------------------------------------------------


class Twin(BaseHTTPRequestHandler):
    """Answers by path; what it was asked is kept in `asked`."""

    asked: ClassVar[list[Any]]
    over: ClassVar[threading.Event]

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, start: bytes, piece: bytes) -> None:
        """Never finishes: ends only when the caller goes."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            while not self.over.is_set():
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.01)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, dict(self.headers.items()), body))
        ways: dict[str, Callable[[], None]] = {
            "/json": lambda: self.answer(200, b'{"weight_kg": 0.240}', Content_Type="text/plain"),
            "/echo": lambda: self.answer(200, body),
            "/redirect": lambda: self.answer(302, b"x" * 100_000, Location="https://127.0.0.1/json"),
            "/large": lambda: self.answer(200, b"[" + b"1," * 50_000 + b"1]"),
            "/endless": lambda: self.drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096),
            "/drip": lambda: self.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n[", b" "),
            "/drip-to-the-end": lambda: self.drip(b"HTTP/1.1 200 OK\r\n\r\n[1]", b" "),
            "/drip-headers": lambda: self.drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
            "/drip-status": lambda: self.drip(b"HTTP/1.1 200 O", b"K"),
            "/silent": lambda: self.drip(b"", b""),
            "/nan": lambda: self.answer(200, b"NaN"),
            "/html": lambda: self.answer(200, b"<html>"),
            "/gzip": lambda: self.answer(200, gzip.compress(b" " * 10_000_000 + b"1"), Content_Encoding="gzip"),
            "/short": lambda: self.answer(200, b"[1]", Content_Length="100"),
            "/nonsense": lambda: self.drip(b"SSH-2.0-OpenSSH_9.2\r\n", b"x"),
        }
        if self.path.startswith("/status/"):
            self.answer(int(self.path.removeprefix("/status/")), b'{"ok": true}', Retry_After="7")
        else:
            ways[self.path.partition("?")[0]]()

    do_POST = do_GET
    do_DELETE = do_GET


@contextlib.contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Any]]]:
    class OneTwin(Twin):
        asked: ClassVar[list[Any]] = []
        over: ClassVar[threading.Event] = threading.Event()

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneTwin)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port, OneTwin.asked
    finally:
        OneTwin.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def twin() -> Iterator[tuple[int, list[Any]]]:
    with running() as (port, asked):
        yield port, asked


class Outside:
    """The twin as a caller sees it: `get`, `post` and `call` with its host allowed."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.limits: dict[str, Any] = {"allowed_hosts": {f"127.0.0.1:{port}"}}

    def get(self, path: str, **more: Any) -> Any:
        return safe_http.get_json(self.base + path, **{**self.limits, **more})

    def call(self, method: str, path: str, **more: Any) -> safe_http.Answer:
        return safe_http.call(method, self.base + path, **{**self.limits, **more})


@pytest.fixture
def outside(twin: tuple[int, list[Any]]) -> Outside:
    return Outside(twin[0])


def test_get_reads_exact_json(outside: Outside) -> None:
    read = outside.get("/json")
    assert read == {"weight_kg": Decimal("0.240")}
    assert str(read["weight_kg"]) == "0.240"


def test_parameters_are_encoded(outside: Outside, twin: tuple[int, list[Any]]) -> None:
    outside.get("/json", params={"a": "1&b=2", "名": "值 #"})
    assert twin[1][-1][1] == "/json?a=1%26b%3D2&%E5%90%8D=%E5%80%BC+%23"


def test_call_sends_exactly_these_bytes_and_headers(outside: Outside, twin: tuple[int, list[Any]]) -> None:
    answer = outside.call("POST", "/echo", body=b'{ "raw" : 1 }', headers={"webhook-id": "msg_1"})
    assert (answer.status, answer.ok, answer.body) == (200, True, b'{ "raw" : 1 }')
    assert twin[1][-1][2]["webhook-id"] == "msg_1"
    assert twin[1][-1][2]["Accept-Encoding"] == "identity"
    assert answer.headers["content-length"] == "13"


def test_the_environment_has_no_say(
    outside: Outside, twin: tuple[int, list[Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    outside.get("/json")
    assert "Authorization" not in twin[1][-1][2]


@pytest.mark.parametrize("path", ["/drip", "/drip-to-the-end", "/drip-headers", "/drip-status", "/silent", "/nonsense"])
def test_the_deadline_holds_against_a_server_that_drips(outside: Outside, path: str) -> None:
    """Without a total deadline this test would never end: the twin drips for as long as anybody listens."""
    with pytest.raises(OutsideUnavailable) as refused:
        outside.get(path, deadline_s=0.2)
    assert (refused.value.status, refused.value.code) == (503, "UPSTREAM_UNAVAILABLE")


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_an_answer_too_large(outside: Outside, path: str) -> None:
    with pytest.raises(OutsideUnavailable) as refused:
        outside.get(path)
    assert "65536 bytes" in refused.value.reason
    assert len(outside.get("/large", max_bytes=200_000)) == 50_001


@pytest.mark.parametrize("path", ["/nan", "/html", "/gzip", "/short"])
def test_an_answer_that_makes_no_sense(outside: Outside, path: str) -> None:
    with pytest.raises(OutsideUnavailable):
        outside.get(path)


def test_redirects_are_not_followed(outside: Outside, twin: tuple[int, list[Any]]) -> None:
    before = len(twin[1])
    with pytest.raises(OutsideUnavailable):
        outside.get("/redirect")  # its body is too large to be an answer at all
    with pytest.raises(OutsideRefused) as refused:
        outside.get("/redirect", max_bytes=200_000)
    assert refused.value.answer and refused.value.answer.status == 302
    assert outside.call("GET", "/redirect", max_bytes=200_000).status == 302
    assert len(twin[1]) == before + 3


@pytest.mark.parametrize("status", [300, 301, 307, 400, 401, 403, 404, 409, 410, 422, 451])
def test_a_plain_no(outside: Outside, status: int) -> None:
    with pytest.raises(OutsideRefused) as refused:
        outside.get(f"/status/{status}")
    assert (refused.value.status, refused.value.code) == (502, "UPSTREAM_REFUSED")
    assert refused.value.answer and refused.value.answer.json() == {"ok": True}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_come_back_later(outside: Outside, status: int) -> None:
    with pytest.raises(OutsideUnavailable) as refused:
        outside.get(f"/status/{status}")
    assert refused.value.answer and refused.value.answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("status", [201, 202, 302, 404, 410, 503])
def test_call_leaves_the_status_to_the_caller(outside: Outside, status: int) -> None:
    answer = outside.call("DELETE", f"/status/{status}")
    assert (answer.status, answer.ok) == (status, status < 300)


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outside = Outside(unused.getsockname()[1])
        with pytest.raises(OutsideUnavailable):
            outside.get("/json")


def test_only_what_is_allowed_is_allowed(twin: tuple[int, list[Any]]) -> None:
    url = f"http://127.0.0.1:{twin[0]}/json"
    for allowed in ((), {"127.0.0.1:1"}, {"localhost"}, {"127.0.0.2"}, {f"localhost:{twin[0]}"}):
        with pytest.raises(AddressRefused):
            safe_http.get_json(url, allowed_hosts=allowed)
    for allowed in ({"127.0.0.1"}, {f"127.0.0.1:{twin[0]}"}):
        assert safe_http.get_json(url, allowed_hosts=allowed)


def test_secrets_in_a_query_are_nowhere(
    outside: Outside, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/json", "/short", "/status/500", "/drip-headers"):
        try:
            outside.get(path, params={"secret": "s3cr3t"}, deadline_s=0.2)
        except OutsideUnavailable as refused:
            assert "s3cr3t" not in f"{refused!r} {refused.reason} {refused.facts} {refused.detail}"
            assert refused.__cause__ is None and refused.__context__ is None
    assert "s3cr3t" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_nothing_is_left_open(outside: Outside) -> None:
    outside.get("/json")
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for path in ("/json", "/large", "/status/500", "/short", "/redirect") * 3:
        with contextlib.suppress(OutsideUnavailable, OutsideRefused):
            outside.get(path)
    # The twin lives in this process too and closes its ends when it gets to it.
    for _ in range(500):
        if len(os.listdir("/proc/self/fd")) <= before:
            break
        time.sleep(0.01)
    else:
        pytest.fail("sockets were left open")


# -- TLS ---------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for one DNS name, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_tls_proves_the_name_not_the_address(
    names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "partner.example")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    told: list[str | None] = []
    server.sni_callback = lambda _, name, __: told.append(name)
    names.update({"partner.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    hosts = {"partner.example", "other.example", "127.0.0.1"}

    with running(server) as (port, _):

        def get(host: str) -> Any:
            return safe_http.get_json(f"https://{host}:{port}/json", allowed_hosts=hosts)

        with pytest.raises(OutsideUnavailable) as refused:
            get("partner.example")  # nobody vouches for this certificate
        assert "SSLError" in refused.value.reason

        trusting = ssl.create_default_context(cafile=str(pem))
        monkeypatch.setattr(safe_http, "_tls_context", lambda: trusting)
        assert get("partner.example")
        assert told[-1] == "partner.example"
        for host in ("other.example", "127.0.0.1"):
            with pytest.raises(OutsideUnavailable) as refused:
                get(host)
            assert "SSLError" in refused.value.reason
        with pytest.raises(AddressRefused):
            safe_http.get_json(f"https://partner.example:{port}/json")


def test_a_tls_handshake_that_never_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OutsideUnavailable):
        port = silent.getsockname()[1]
        safe_http.call("GET", f"https://127.0.0.1:{port}/", deadline_s=0.2, allowed_hosts={"127.0.0.1"})


def test_the_tls_context_checks_everything() -> None:
    context = safe_http._tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
