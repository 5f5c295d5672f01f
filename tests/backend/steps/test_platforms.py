"""A sports platform is asked over real HTTP; its counts rest on the agreement and on whose number it was that day."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backend import clock, identity, steps
from backend.identity.agreements import AgreementView
from backend.safe_http import OutsideUnavailable
from tests.backend.world import World


class Platform:
    """The twin of a sports platform: what it tells of a day, to whoever has the token."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                day = self.path.rpartition("=")[2]
                outer.asked.append(day)
                known = self.headers["Authorization"] == "Bearer secret-token"
                body = json.dumps({"day": day, "items": outer.items}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_counts_of_staff_are_pulled_once_and_only_under_an_agreement(world: World, platform: Platform) -> None:
    house, today = world.house, clock.today()
    day, alice, hosts = today - timedelta(days=1), world.person("alice"), (platform.host,)
    with house.transaction() as tx:
        how: dict[str, Any] = {"programme": "members", "url": f"http://{platform.host}/steps?day={{day}}"}
        steps.set_platform(tx, house.vault, "yundong", **how, token="secret-token", allowed_hosts=hosts)
        since = today - timedelta(days=30)
        identity.agreements.name_account(tx, house.vault, alice, "members", "1001", since=since, now=clock.now())
    platform.items = [
        {"staff_no": "1001", "steps": 8_214},
        {"staff_no": "1002", "steps": 5_000},
        {"staff_no": "1003", "steps": "many"},
        "nonsense",
    ]

    def pull() -> dict[str, int]:
        return steps.pull(house.sessions, house.vault, "yundong", day, allowed_hosts=hosts)

    assert pull() == {"nobody": 2, "counted": 0}  # nothing was signed
    with house.transaction() as tx:
        signed = AgreementView("members", steps.source_of("yundong"), since, None, "contract 7")
        identity.agreements.sign(tx, signed, now=clock.now())
    for _ in range(2):
        assert pull() == {"nobody": 1, "counted": 1}
        assert world.balances(alice) == {"steps.pending": 8_214}
    platform.items = [{"staff_no": "1001", "steps": 9_000, "by_hand": True}]
    assert pull() == {"nobody": 0, "counted": 0, "STEPS_BY_HAND": 1}

    platform.items, platform.asked = [], []
    for _ in range(2):
        steps.pull_due(house.sessions, house.vault, allowed_hosts=hosts)
    assert platform.asked == [(today - timedelta(days=back)).isoformat() for back in range(7, 0, -1)]
    with house.transaction() as tx:
        steps.set_platform(tx, house.vault, "yundong", **how, token="another", allowed_hosts=hosts)
    with pytest.raises(OutsideUnavailable):
        pull()
    world.check_books()
