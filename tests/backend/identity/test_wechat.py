"""WeChat login against a twin of `code2Session` that answers as WeChat does, and as it should not."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Refusal
from backend.identity.wechat import (
    LoginBlocked,
    LoginCodeInvalid,
    LoginRateLimited,
    SandboxWeChat,
    WeChatClient,
    WeChatProvider,
    WeChatSession,
    WeChatUnavailable,
)

OPENID = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
UNIONID = "o6_bmasdasdsad6_2sgVt7hMZOPfL"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
GOOD = {"openid": OPENID, "session_key": SESSION_KEY}


class Twin:
    """One server; `status` and `body` are what it answers next, `asked` the queries it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.asked: list[dict[str, list[str]]] = []
        twin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                assert parts.path == "/sns/jscode2session"
                twin.asked.append(parse_qs(parts.query))
                self.send_response(twin.status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(twin.body)))
                self.end_headers()
                self.wfile.write(twin.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def answers(self, value: object, status: int = 200) -> None:
        self.status = status
        self.body = value if isinstance(value, bytes) else json.dumps(value).encode()

    def client(self) -> WeChatClient:
        host = f"127.0.0.1:{self.server.server_port}"
        return WeChatClient("wx1", "s3cr3t", base_url=f"http://{host}", allowed_hosts={host})


@pytest.fixture(scope="module")
def running_twin() -> Iterator[Twin]:
    twin = Twin()
    thread = threading.Thread(target=twin.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield twin
    twin.server.shutdown()
    twin.server.server_close()
    thread.join()


@pytest.fixture
def twin(running_twin: Twin) -> Twin:
    running_twin.asked.clear()
    return running_twin


def test_success_carries_no_errcode(twin: Twin) -> None:
    twin.answers({**GOOD, "unionid": UNIONID})
    assert twin.client().exchange("033aBcDeF") == WeChatSession("wx1", OPENID, UNIONID, SESSION_KEY)
    assert twin.asked == [
        {"appid": ["wx1"], "secret": ["s3cr3t"], "js_code": ["033aBcDeF"], "grant_type": ["authorization_code"]}
    ]


@pytest.mark.parametrize(
    "more", [{"errcode": 0, "errmsg": "ok"}, {"unionid": None}, {"unionid": ""}, {"rid": "x", "new_field": [1]}]
)
def test_success_in_other_clothes(twin: Twin, more: dict[str, object]) -> None:
    twin.answers({**GOOD, **more})
    assert twin.client().exchange("c0de") == WeChatSession("wx1", OPENID, None, SESSION_KEY)


@pytest.mark.parametrize(
    ("errcode", "refusal", "status", "code"),
    [
        (40029, LoginCodeInvalid, 401, "LOGIN_CODE_INVALID"),
        (40163, LoginCodeInvalid, 401, "LOGIN_CODE_INVALID"),
        (40226, LoginBlocked, 403, "LOGIN_BLOCKED"),
        (45011, LoginRateLimited, 429, "LOGIN_RATE_LIMITED"),
        (-1, WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        (40013, WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        (40125, WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        ("40029", WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        (None, WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        ([], WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
        ({"a": "\ud83d\ude00" * 99}, WeChatUnavailable, 503, "WECHAT_UNAVAILABLE"),
    ],
)
def test_errors_by_name(twin: Twin, errcode: object, refusal: type[Refusal], status: int, code: str) -> None:
    twin.answers({"errcode": errcode, "errmsg": "invalid code, rid: 1"})
    with pytest.raises(refusal) as refused:
        twin.client().exchange("c0de")
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b'"ok"', b"{}", b"<html>502</html>", b"{", b"\xff", b'{"openid": NaN}', b"[" * 5000),
        *({"openid": OPENID}, {"session_key": SESSION_KEY}, {**GOOD, "openid": ""}, {**GOOD, "openid": 5}),
        *(
            {**GOOD, "openid": "a b"},
            {**GOOD, "openid": "o" * 65},
            {**GOOD, "openid": None},
            {**GOOD, "openid": [OPENID]},
        ),
        *(
            {**GOOD, "unionid": 5},
            {**GOOD, "unionid": "<x>"},
            {**GOOD, "session_key": "short"},
            {**GOOD, "session_key": 1},
        ),
        *(b'{"openid":"a","openid":"b","session_key":"x"}', b" " * 70_000, {**GOOD, "errcode": -1}),
    ],
)
def test_an_unexpected_body_is_not_our_failure(twin: Twin, body: object) -> None:
    twin.answers(body)
    with pytest.raises(WeChatUnavailable) as refused:
        twin.client().exchange("c0de")
    assert refused.value.status == 503
    assert "s3cr3t" not in f"{refused.value!r}{refused.value.reason}{refused.value.__cause__!r}"


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500, 502, 503])
def test_an_unexpected_status(twin: Twin, status: int) -> None:
    twin.answers(GOOD, status)
    with pytest.raises(WeChatUnavailable):
        twin.client().exchange("c0de")


def test_nobody_there() -> None:
    for base_url, allowed in (("http://127.0.0.1:1", {"127.0.0.1"}), ("https://127.0.0.1:1", ()), ("nonsense", ())):
        with pytest.raises(WeChatUnavailable):
            WeChatClient("wx1", "s3cr3t", base_url=base_url, allowed_hosts=allowed).exchange("c0de")


@pytest.mark.parametrize(
    "code",
    ["", " ", "a b", "a&secret=x", "a=b", "码", "c" * 129, "a\n", "a\0", "a/b", "a%20", "\ud800", "sandbox:ming"],
)
def test_what_is_no_code_is_not_sent(twin: Twin, code: str) -> None:
    twin.answers(GOOD)
    with pytest.raises(LoginCodeInvalid):
        twin.client().exchange(code)
    assert twin.asked == []


def test_a_session_does_not_show_its_key() -> None:
    assert SESSION_KEY not in repr(WeChatSession("wx1", OPENID, None, SESSION_KEY))


# -- the sandbox -------------------------------------------------------------------------------------------


def test_the_sandbox_knows_the_same_person_again() -> None:
    provider: WeChatProvider = SandboxWeChat()
    ming = provider.exchange("sandbox:ming")
    assert ming == provider.exchange("sandbox:ming")
    assert ming.openid != provider.exchange("sandbox:hong").openid
    assert ming.unionid != provider.exchange("sandbox:hong").unionid
    assert len(ming.openid) == 28


def test_one_person_in_two_apps_is_seen_by_unionid() -> None:
    here, there = SandboxWeChat("app-a").exchange("sandbox:ming"), SandboxWeChat("app-b").exchange("sandbox:ming")
    assert here.unionid == there.unionid
    assert here.openid != there.openid
    assert (here.appid, there.appid) == ("app-a", "app-b")


@given(st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True))
def test_every_name_logs_in(name: str) -> None:
    session = SandboxWeChat().exchange(f"sandbox:{name}")
    assert session.openid and session.unionid and session.session_key


@pytest.mark.parametrize(
    "code",
    [
        *("", "sandbox:", "sandbox", "ming", "sandbox:Ming", "sandbox:明", "sandbox:a b", "sandbox:" + "a" * 33),
        *(
            "sandbox:a\n",
            " sandbox:a",
            "sandbox:a ",
            "SANDBOX:a",
            "sandbox::a",
            "sandbox:a:b",
            "033aBcDeF",
            "sandbox:\ud800",
        ),
    ],
)
def test_nothing_else_does(code: str) -> None:
    with pytest.raises(LoginCodeInvalid):
        SandboxWeChat().exchange(code)
