"""A twin of WeChat's server interfaces on a local port: access tokens, subscribe messages, and what can go wrong."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.member_messages import WeChatMessages
from backend.vault import Vault
from backend.wechat_api import WeChatApi

#: What to do with a message instead of what WeChat would: an errcode, a status, or nothing at all after taking it.
Mishap = int | str


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class WeChatTwin:
    """`permitted`: messages each openid still lets be sent; `sent`: those taken; `asked_tokens`: calls for a token.

    `texts` were checked; of a text, `suggested` tells what is said instead of `pass`; `seen`: who was there lately.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forget()
        twin = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                parts = urlsplit(self.path)
                with twin.lock:
                    answers = {
                        "/cgi-bin/stable_token": twin._token,
                        "/cgi-bin/message/subscribe/send": twin._send,
                        "/wxa/business/getuserphonenumber": twin._phone,
                        "/wxa/msg_sec_check": twin._check_text,
                    }
                    answer = answers[parts.path](body, parse_qs(parts.query))
                if answer is None:  # taken, and the answer is lost
                    self.close_connection = True
                    return
                status, said = answer if isinstance(answer, tuple) else (200, answer)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def forget(self) -> None:
        with self.lock:
            self.phones: dict[str, dict[str, Any]] = {}
            self.texts: list[dict[str, Any]] = []
            self.suggested: dict[str, Any] = {}
            self.seen: set[str] = set()
            self.permitted: Counter[str] = Counter()
            self.sent: list[dict[str, Any]] = []
            self.calls = 0
            self.asked_tokens: list[dict[str, Any]] = []
            self.mishaps: list[Mishap] = []
            self.token = "A" * 512
            self.expires_at = 0.0
            self.token_answer: dict[str, Any] | None = None
            self.before_token: Callable[[], None] = lambda: None

    def api(self, sessions: sessionmaker[Session], vault: Vault, **how: Any) -> WeChatApi:
        how = {"base_url": f"http://{self.host}", "allowed_hosts": {self.host}} | how
        return WeChatApi("sandbox", "s3cr3t", sessions, vault, **how)

    def channel(self, house: Any, **how: Any) -> WeChatMessages:
        return WeChatMessages(self.api(house.sessions, house.vault, **how))

    def _phone(self, body: dict[str, Any], query: dict[str, list[str]]) -> Any:
        """The number of a code (`phones`), once."""
        if query.get("access_token") != [self.token]:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return self.phones.pop(body["code"], {"errcode": 40029, "errmsg": "invalid code"})

    def _check_text(self, body: dict[str, Any], query: dict[str, list[str]]) -> Any:
        """What `suggested` says of a text (a suggestion, an errcode, a whole answer), of those `seen` lately."""
        if query.get("access_token") != [self.token]:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        self.texts.append(body)
        said = self.suggested.get(body["content"], "pass")
        if body["openid"] not in self.seen:
            return {"errcode": 61010, "errmsg": "code is expired"}
        if isinstance(said, dict) or said in ("5xx", "lost"):
            return said if isinstance(said, dict) else (502, {}) if said == "5xx" else None
        if isinstance(said, int):
            return {"errcode": said, "errmsg": "risky content"}
        result = {"suggest": said, "label": 100 if said == "pass" else 20006}
        detail = [{"strategy": "content_model", "errcode": 0, "prob": 90, **result}]
        return {"errcode": 0, "errmsg": "ok", "result": result, "detail": detail, "trace_id": "60ae120f-371d5872"}

    def _token(self, body: dict[str, Any], query: Any) -> Any:
        assert body["grant_type"] == "client_credential" and body["secret"] == "s3cr3t" and not query
        self.asked_tokens.append(body)
        self.before_token()
        if self.token_answer is not None:
            return self.token_answer
        left = self.expires_at - clock.now().timestamp()
        if body["force_refresh"] or left < 300:  # as WeChat does: the next one five minutes before the end
            self.token = f"{len(self.asked_tokens)}" + "A" * 600
            self.expires_at = clock.now().timestamp() + 7200
            left = 7200
        return {"access_token": self.token, "expires_in": int(left)}

    def _send(self, body: dict[str, Any], query: dict[str, list[str]]) -> Any:
        self.calls += 1
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if query["access_token"] != [self.token]:
            return {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"}
        if mishap == "5xx":
            return 502, {}
        if isinstance(mishap, int):
            return {"errcode": mishap, "errmsg": "said the twin rid: 1"}
        if self.permitted[body["touser"]] < 1:
            return {"errcode": 43101, "errmsg": "user refuse to accept the msg"}
        self.permitted[body["touser"]] -= 1
        self.sent.append(body)
        number = 2_794_188_253_209_100_289 + self.calls  # as large as WeChat's
        return None if mishap == "lost" else {"errcode": 0, "errmsg": "ok", "msgid": number}

    @contextmanager
    def open(self) -> Iterator["WeChatTwin"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
