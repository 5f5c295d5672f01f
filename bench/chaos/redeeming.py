"""Scenario: members redeem a voucher many times at once, with points for one; processes are killed meanwhile.

Each round has a member of its own. Every request is sent again under its key until it is answered, so that in the end
one of them was carried out and every other was told that the points do not suffice. Then the code is asked for, again
until there is an answer. No two members may hold one code, and none may be lost.
"""

import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text

from backend import House, clock, identity, ledger, rewards
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import insert_rows
from backend.points.models import Lot
from backend.rewards import Terms
from backend.sandbox.programme import PROGRAMME
from bench.chaos.ground import PATIENCE_S, Ground

ROUNDS, FEWEST = 100, 4
USUAL_S = 240.0
#: Requests whose last bytes leave together, and requests of as many threads, by turns.
IN_ONE_PACKET, IN_PARALLEL = 30, 100
REWARD, PRICE = "chaos-coffee", 100
ANSWER_S = 20.0
#: What a kill can make of a request: no answer, a database or a server that is away, an answer that is not there yet.
AGAIN = (None, 429, 500, 502, 503)


class Redeeming:
    name = "redeeming"

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._codes = {f"CHAOS-{number:06}" for number in range(rounds + 50)}
        self._shown: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._holders: list[UUID] = []
        self._faults: list[str] = []

    def environment(self) -> dict[str, str]:
        return {}

    def prepare(self, ground: Ground) -> None:
        """All the rounds in a run as long as usual, and fewer in a shorter one."""
        if ground.seconds < USUAL_S:
            self._rounds = max(FEWEST, int(self._rounds * ground.seconds / USUAL_S))
        stock(ground.house, sorted(self._codes))

    def play(self, ground: Ground) -> None:
        for number in range(self._rounds):
            self._round(ground, number)

    def _round(self, ground: Ground, number: int) -> None:
        client = Client(ground.house, ground.url, f"redeemer-{ground.seed}-{number}", PRICE)
        self._holders.append(client.holder)
        wish = {"reward": REWARD, "programme": PROGRAMME, "expected_price_points": PRICE}
        if number % 2:
            wishes = [client.request("POST", "/redemptions", wish) for _ in range(IN_PARALLEL)]
            with ThreadPoolExecutor(IN_PARALLEL) as pool:
                answers = list(pool.map(lambda asked: at_once(client, [asked])[0], wishes))
        else:
            wishes = [client.request("POST", "/redemptions", wish) for _ in range(IN_ONE_PACKET)]
            answers = at_once(client, wishes)
        answers = [until_answered(client, *pair) for pair in zip(wishes, answers, strict=True)]
        won = [said for status, said in answers if status == 201]
        self._told.update(str(said.get("code", status)) for status, said in answers)
        if len(won) != 1 or any(said.get("code") != "INSUFFICIENT_POINTS" for status, said in answers if status != 201):
            self._faults.append(f"round {number}: {Counter(str(said.get('code', status)) for status, said in answers)}")
        for said in won:
            asked = client.request("POST", f"/redemptions/{said['id']}/reveal")
            status, shown = until_answered(client, asked, at_once(client, [asked])[0])
            self._shown[str(shown.get("code", status))] += 1

    def faults(self, ground: Ground) -> list[str]:
        found = list(self._faults)
        found += [f"{code} was shown to {times} members" for code, times in self._shown.items() if times > 1]
        found += [f"{code} is none of ours" for code in self._shown if code not in self._codes]
        with ground.house.transaction() as tx:
            left = {str(holder): ledger.balances(tx, holder) for holder in self._holders}
            counted = tx.execute(
                text(
                    "SELECT count(*), count(DISTINCT v.code_id), count(DISTINCT v.holder_id) FROM redemptions r"
                    " LEFT JOIN reward_vouchers v ON v.holder_id = r.holder_id AND v.redemption_id = r.id"
                    " WHERE r.reward = :reward AND r.state = 'confirmed'"
                ),
                {"reward": REWARD},
            ).one()
        found += [f"{holder} has {held} left" for holder, held in left.items() if any(held.get(PROGRAMME, {}).values())]
        if set(counted) != {len(self._holders)}:
            found.append(f"{len(self._holders)} members redeemed; redemptions, codes, owners: {tuple(counted)}")
        return found

    def figures(self) -> dict[str, Any]:
        return {"rounds": len(self._holders), "codes shown": self._shown.total(), "told": dict(self._told)}


class Client:
    """A member made for one round, with points that pay for so much, and the bytes of their requests."""

    def __init__(self, house: House, url: str, name: str, points: int) -> None:
        self.address = urlsplit(url)
        now = clock.now()
        with house.transaction() as tx:
            known_by = [("wechat_openid", f"{house.settings.wechat_appid}|{name}")]
            self.holder = identity.recognise_person(tx, house.vault, known_by, now=now)
            identity.enrol_in_consumer_programmes(tx, self.holder, now=now)
            session = identity.start_session(tx, self.holder, now=now).session_id
            give(tx, self.holder, points)
        self._token = identity.issue_access(house.settings.token_keys[0], self.holder, session, now)

    def request(self, method: str, path: str, said: dict[str, Any] | None = None) -> bytes:
        """A request under a key of its own."""
        body = b"" if said is None else json.dumps(said).encode()
        lines = [
            f"{method} /api/v1{path} HTTP/1.1",
            f"Host: {self.address.netloc}",
            f"Authorization: Bearer {self._token}",
            f"Idempotency-Key: {new_id()}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def give(tx: Any, holder: UUID, points: int) -> None:
    """So many available points, in one lot."""
    lot_id, now = new_id(), clock.now()
    lot = {"holder_id": holder, "id": lot_id, "programme": PROGRAMME, "activity_id": new_id(), "rule_version": 1}
    lot |= {"partner": "transit", "methodology": "metro_ride", "day": clock.day_of(now)}
    lot |= {"amount": points, "remaining": points, "reserved": 0, "expired": 0, "stage": "available"}
    insert_rows(tx, Lot, [lot | {"available_at": now, "expires_at": now + timedelta(days=365)}])
    transfer = Transfer("issuer.points", "points.available", points, lot_id)
    ledger.post(tx, [Transaction(new_id(), holder, PROGRAMME, "given", f"given:{lot_id}", (transfer,))], now=now)


def stock(house: House, codes: list[str]) -> None:
    """A voucher for so many points, with these codes."""
    now, today = clock.now(), clock.today()
    with house.transaction() as tx:
        rewards.save_reward(
            tx,
            code=REWARD,
            kind="voucher",
            titles={"zh": "咖啡券", "en": "Coffee"},
            provider_kind="voucher_pool",
            stock_kind="pool",
            now=now,
        )
        rewards.save_terms(tx, REWARD, Terms(today, PRICE, ((PROGRAMME, "personal"),)), announced_on=today)
        file = rewards.CodeFile("\n".join(codes).encode(), is_csv=False)
        given = {"expires_on": today + timedelta(days=300), "operator_id": None, "now": now}
        rewards.import_codes(tx, house.vault, REWARD, file, **given)


def at_once(client: Client, requests: list[bytes]) -> list[tuple[int | None, dict[str, Any]]]:
    """Send all but the last byte of each request, then all the last bytes together; None for who got no answer."""
    sockets: list[socket.socket | None] = []
    for asked in requests:
        try:
            opened = socket.create_connection((client.address.hostname, client.address.port), ANSWER_S)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.sendall(asked[:-1])
            sockets.append(opened)
        except OSError:
            sockets.append(None)
    for opened, asked in zip(sockets, requests, strict=True):
        if opened is not None:
            try:
                opened.sendall(asked[-1:])
            except OSError:
                continue
    return [_answer(opened) for opened in sockets]


def _answer(opened: socket.socket | None) -> tuple[int | None, dict[str, Any]]:
    if opened is None:
        return None, {}
    parts = []
    try:
        with opened:
            while part := opened.recv(65_536):
                parts.append(part)
        head, _, body = b"".join(parts).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), json.loads(body)
    except (OSError, ValueError, IndexError):
        return None, {}


def until_answered(
    client: Client, asked: bytes, answer: tuple[int | None, dict[str, Any]]
) -> tuple[int | None, dict[str, Any]]:
    """The same request again and again, until it has its answer."""
    ends = time.monotonic() + PATIENCE_S
    while answer[0] in AGAIN or answer[1].get("code") == "REQUEST_UNDER_WAY":
        if time.monotonic() > ends:
            return answer
        time.sleep(0.2)
        answer = at_once(client, [asked])[0]
    return answer
