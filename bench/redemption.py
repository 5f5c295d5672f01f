"""Redeeming a voucher over HTTP, against a bare Flask view that does the same writes by hand-written SQL.

Both run under gunicorn beside the same PostgreSQL, each on a copy of one database, driven by the same load generator
over 16 keep-alive connections in alternating rounds; logged-in members redeem vouchers of a pool, each request under a
key of its own, with limits per person, per device and per day in force. The bare view (`bench.bare_redemption`) checks
the same token and gives the same guarantees: key, login, price, limits, soonest lots first, locks, a code to one member
alone. Afterwards both hold as many rows in every table, the same points on every account, and books that balance.
"""

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from backend import House, build_house, clock, database, identity, ledger, lists, points, rewards
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.points.models import Lot
from backend.rewards import Limit, Limits, Terms
from backend.settings import Settings
from bench.load import drive, request_bytes
from bench.report import Progress, Rounds
from bench.server import Databases
from bench.webhook import under_gunicorn

PER_ROUND, ROUNDS, MEMBERS = 1_000, 7, 500
PRICE, LOTS, LOT_POINTS = 40, 40, 30
PROGRAMME, REWARD = "members", "coffee"
TARGET = 0.5
#: Never reached, and always asked.
PLENTY = 1_000_000


def run(databases: Databases, rounds: int = ROUNDS, per_round: int = PER_ROUND) -> None:
    """Measure and report."""
    progress = Progress("redemption", rounds + 2)
    progress.step("members, points and codes")
    databases.make("redemption")
    logins = _populated(databases.url("redemption"), (rounds + 1) * per_round)
    databases.make("bare_redemption", like="redemption")
    measured = Rounds(per_round)
    with ExitStack() as servers:
        ports = [
            servers.enter_context(under_gunicorn(application, {variable: databases.url(name)}))
            for application, variable, name in (
                ("wsgi:app", "DATABASE_URL", "redemption"),
                ("bench.bare_redemption:app", "BENCH_DATABASE_URL", "bare_redemption"),
            )
        ]
        for number in range(rounds + 1):
            progress.step(f"round {number} of {rounds}" if number else "warming up")
            asked = _requests(logins, number * per_round, per_round)
            took = {port: drive(port, asked, status=201) for port in (ports if number % 2 else reversed(ports))}
            if number:
                measured.add(took[ports[0]], took[ports[1]])
    _require_alike(databases)
    measured.report("redemption", TARGET, unit="requests/s")


def _requests(logins: list[tuple[UUID, UUID]], first: int, count: int) -> list[bytes]:
    """What members ask for next, in turn, with access tokens made now."""
    (secret,) = Settings.for_tests(database_url="").token_keys
    now = clock.now()
    tokens = [identity.issue_access(secret, *login, now) for login in logins]
    asked = {"reward": REWARD, "programme": PROGRAMME, "expected_price_points": PRICE}
    made = []
    for number in range(first, first + count):
        member = number * 37 % len(logins)  # neighbours in time are no neighbours in the tables
        headers = {"Authorization": f"Bearer {tokens[member]}", "Idempotency-Key": f"redeem-{number}"}
        body = json.dumps({**asked, "device_id": f"phone-{member}"}).encode()
        made.append(request_bytes("/api/v1/redemptions", headers, body))
    return made


def _populated(url: str, codes: int) -> list[tuple[UUID, UUID]]:
    """Members with points, a pool of codes, limits; who is logged in, as (holder, login)."""
    database.migrate(url)
    house = build_house(Settings.for_tests(database_url=url))
    long_ago, today = datetime(2025, 1, 1, tzinfo=UTC), clock.today()
    limits = Limits(
        points_per_day=PLENTY,
        person_count=PLENTY,
        person_minutes=60,
        device_count=PLENTY,
        device_minutes=60,
        review_count=PLENTY,
        review_minutes=60,
        new_days=30,
        new_points=PLENTY,
    )
    with house.transaction() as tx:
        titles = {"zh": "会员计划", "en": "Members"}
        identity.save_programme(
            tx, code=PROGRAMME, kind="consumer", title_zh=titles["zh"], title_en=titles["en"], profile="CN-DEFAULT"
        )
        rewards.save_limits(tx, PROGRAMME, limits, in_force_from=today, announced_on=today)
        logins = [_member(house, tx, f"member-{number}", long_ago) for number in range(MEMBERS)]
    with house.transaction() as tx:
        _stock(house, tx, codes)
    for first in range(0, MEMBERS, 50):
        with house.transaction() as tx:
            _give_points(tx, [holder for holder, _ in logins[first : first + 50]])
    house.sessions.kw["bind"].dispose()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return logins


def _member(house: House, tx: database.Session, name: str, enrolled_at: datetime) -> tuple[UUID, UUID]:
    holder = identity.recognise_person(tx, house.vault, [("wechat_openid", name)], now=enrolled_at)
    identity.enrol_in_consumer_programmes(tx, holder, now=enrolled_at)
    return holder, identity.start_session(tx, holder, now=clock.now()).session_id


def _stock(house: House, tx: database.Session, codes: int) -> None:
    now, today = clock.now(), clock.today()
    titles = {"zh": "咖啡券", "en": "A coffee"}
    rewards.save_reward(
        tx, code=REWARD, kind="voucher", titles=titles, provider_kind="voucher_pool", stock_kind="pool", now=now
    )
    limit = Limit(PLENTY, 30)
    terms = Terms(today, PRICE, ((PROGRAMME, "personal"),), per_person=limit, per_device=limit, least_code_days=7)
    rewards.save_terms(tx, REWARD, terms, announced_on=today)
    file = rewards.CodeFile("\n".join(f"COFFEE-{number:08}" for number in range(codes)).encode(), is_csv=False)
    until = today + timedelta(days=365)
    rewards.import_codes(tx, house.vault, REWARD, file, expires_on=until, operator_id=None, now=now)


def _give_points(tx: database.Session, holders: list[UUID]) -> None:
    """Forty lots each, of forty days, as if so many acts had earned them."""
    now = clock.now()
    rows, given = [], []
    for holder in holders:
        for number in range(LOTS):
            begin = now - timedelta(days=LOTS - number)
            lot = {"holder_id": holder, "id": new_id(), "programme": PROGRAMME, "activity_id": new_id()}
            lot |= {"partner": "", "methodology": "metro_ride", "day": clock.day_of(begin), "rule_version": 1}
            lot |= {"amount": LOT_POINTS, "remaining": LOT_POINTS, "expired": 0, "reserved": 0}
            rows.append(lot | {"stage": "available", "available_at": begin, "expires_at": begin + timedelta(days=730)})
            transfer = Transfer("issuer.points", "points.available", LOT_POINTS, UUID(str(lot["id"])))
            given.append(Transaction(new_id(), holder, PROGRAMME, "issue", f"given:{lot['id']}", (transfer,)))
    lists.insert_rows(tx, Lot, rows)
    ledger.post(tx, given, now=now)


def _require_alike(databases: Databases) -> None:
    """Both did the same, and the books of both balance."""
    found = [_contents(databases, name) for name in ("redemption", "bare_redemption")]
    different = {key: (ours, found[1].get(key)) for key, ours in found[0].items() if ours != found[1].get(key)}
    assert not different and found[0].keys() == found[1].keys(), f"ours and the bare view's differ: {different}"
    for name in ("redemption", "bare_redemption"):
        house = build_house(Settings.for_tests(database_url=databases.url(name)))
        with house.transaction() as tx:
            wrong = [*ledger.differences(tx), *points.differences(tx)]
        house.sessions.kw["bind"].dispose()
        if wrong:
            sys.exit(f"the books of {name} do not balance: {wrong[:3]}")


def _contents(databases: Databases, name: str) -> dict[str, Any]:
    """How many rows each table holds, and what the members have."""
    with psycopg.connect(databases.conninfo(name)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        counts = {table: _only(connection, f'SELECT count(*) FROM "{table}"') for (table,) in tables}
        held = "SELECT md5(string_agg(b::text, ' ' ORDER BY b::text)) FROM balances b"
        lots = "SELECT md5(string_agg(l::text, ' ' ORDER BY l::text)) FROM points_lots l"
        codes = "SELECT array_agg(n) FROM (SELECT count(*) n FROM reward_codes GROUP BY state ORDER BY state) s"
        return counts | {what: _only(connection, query) for what, query in (("=", held), ("lots", lots), ("c", codes))}


def _only(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return row and row[0]
