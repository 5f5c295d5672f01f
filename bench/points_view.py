"""How long a member waits for `GET /me/points`: ten million lots in the table, against ten thousand.

Two databases under two servers (gunicorn, as for the webhook), asked in alternating rounds by random members over a few
connections; the 99th percentile of all answers of each. Every member has a hundred lots of four hundred days: half
used, the newest pending, the others lapsing on fifty different days. They lie in the table in the order of their days,
as they would have come, so the lots of one member lie on as many pages. Balances are the sums of the lots; the
transactions behind them are not made, because nobody reads them here.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from backend import House, build_house, clock, database, identity, points
from backend.settings import Settings
from bench.load import drive, request_bytes
from bench.report import Progress, middle, tell
from bench.server import Databases
from bench.webhook import under_gunicorn

FEW, MANY = 10_000, 10_000_000
LOTS_EACH, DAYS = 100, 400
ROUNDS, PER_ROUND, CONNECTIONS, ASKED = 10, 500, 4, 2_000
TARGET = 1.5
_PERCENTILE = 0.99

_HOLDERS = """
    INSERT INTO holders (id, kind, created_at)
    SELECT md5('holder ' || number)::uuid, 'person', now() FROM generate_series(0, %(members)s - 1) number"""
_ENROLMENTS = """
    INSERT INTO enrolments (holder_id, programme, account_kind, enrolled_at)
    SELECT id, 'members', 'personal', now() FROM holders"""
#: Lot `number` is the (number / members)th of its member; the oldest half is used up, those of the last week pend.
_LOTS = """
    INSERT INTO points_lots (holder_id, id, programme, activity_id, partner, methodology, day, rule_version, amount,
        remaining, reserved, expired, stage, available_at, expires_at)
    SELECT md5('holder ' || number %% %(members)s)::uuid,
        (lpad(to_hex(1700000000000 + number), 12, '0') || '7000a' || lpad(to_hex(number), 15, '0'))::uuid,
        'members', md5('act ' || number)::uuid, '', 'metro_ride', begin::date, 1, amount,
        CASE stage WHEN 'closed' THEN 0 ELSE amount END, 0, 0, stage, begin + interval '7 days',
        begin + interval '737 days'
    FROM (
        SELECT number, 20 + number %% 981 AS amount,
            %(today)s::timestamptz - %(step)s * interval '1 day' * (%(each)s - 1 - number / %(members)s) AS begin,
            CASE WHEN number / %(members)s < %(each)s / 2 THEN 'closed'
                WHEN %(step)s * (%(each)s - 1 - number / %(members)s) < 7 THEN 'pending' ELSE 'available' END AS stage
        FROM generate_series(0, %(lots)s - 1) number
    ) made"""
_BALANCES = """
    INSERT INTO balances (holder_id, programme, account, amount)
    SELECT holder_id, programme, 'points.' || stage, sum(remaining) FROM points_lots WHERE stage <> 'closed'
    GROUP BY holder_id, programme, stage"""
_SESSIONS = """
    INSERT INTO login_sessions (id, holder_id, refresh_digest, started_at, expires_at)
    SELECT md5('session ' || number)::uuid, md5('holder ' || number)::uuid, sha256(number::text::bytea), now(),
        now() + interval '30 days'
    FROM unnest(%(asked)s::int[]) number"""
_OPEN_LOTS = "SELECT count(*) FROM points_lots WHERE holder_id = %s AND stage <> 'closed'"


def run(databases: Databases, many: int = MANY) -> None:
    """Measure and report. `many`: lots in the large table."""
    progress = Progress("points view", 2 * ROUNDS + 5)
    chance = random.Random(20261121)
    names, asked = {"few_lots": FEW, "many_lots": many}, {}
    for name, lots in names.items():
        progress.step(f"{lots:,} lots")
        asked[name] = _filled(databases, name, lots, chance)
    took: dict[str, list[list[float]]] = {name: [] for name in names}
    with ExitStack() as servers:
        ports = {
            name: servers.enter_context(under_gunicorn("wsgi:app", {"DATABASE_URL": databases.url(name)}))
            for name in names
        }
        for number in range(ROUNDS + 1):
            for name in names if number % 2 else reversed(names):
                progress.step(f"round {number} of {ROUNDS}, {name}" if number else f"warming up {name}")
                # Before anything counts, every member asked is asked about once.
                chosen = chance.choices(asked[name], k=PER_ROUND) if number else asked[name]
                heard: list[float] = []
                drive(ports[name], list(_requests(chosen)), CONNECTIONS, status=200, took=heard)
                took[name].append(heard)
    few, large = (took[name][1:] for name in names)
    ratios = [percentile(ours) / percentile(theirs) for ours, theirs in zip(large, few, strict=True)]
    ours, reference = (percentile([each for heard in rounds for each in heard]) * 1_000 for rounds in (large, few))
    medians = [round(middle([each for heard in rounds for each in heard]) * 1_000, 2) for rounds in (large, few)]
    facts = {"unit": "ms, 99th percentile", "lots": [many, FEW], "median_ms": medians}
    tell("points view", ours, reference, ours / reference, TARGET, better="lower", rounds=ratios, **facts)


def percentile(values: list[float]) -> float:
    """What 99 of 100 do not exceed."""
    return sorted(values)[int(_PERCENTILE * (len(values) - 1))]


def _filled(databases: Databases, name: str, lots: int, chance: random.Random) -> list[int]:
    """A database with so many lots; the numbers of the members who ask."""
    databases.make(name)
    database.migrate(databases.url(name))
    house = build_house(Settings.for_tests(database_url=databases.url(name)))
    _programme(house)
    house.sessions.kw["bind"].dispose()
    members = lots // LOTS_EACH
    asked = chance.sample(range(members), k=min(members, ASKED))
    today = clock.start_of(clock.today())
    facts: dict[str, Any] = {"lots": lots, "members": members, "each": LOTS_EACH, "step": DAYS // LOTS_EACH}
    with psycopg.connect(databases.conninfo(name), autocommit=True) as connection:
        for statement in (_HOLDERS, _ENROLMENTS):
            connection.execute(statement, {"members": members})
        _without_indexes(connection, "points_lots", _LOTS, facts | {"today": today})
        connection.execute(_BALANCES)
        connection.execute(_SESSIONS, {"asked": asked})
        connection.execute("VACUUM ANALYZE")
        open_lots = connection.execute(_OPEN_LOTS, [_holder(asked[0])]).fetchone()
    assert open_lots == (LOTS_EACH // 2,), open_lots
    return asked


def _programme(house: House) -> None:
    with house.transaction() as tx:
        identity.save_programme(
            tx, code="members", kind="consumer", title_zh="会员计划", title_en="Members", profile="CN-DEFAULT"
        )
        points.save_rule(tx, programme="members", version=1, in_force_from=clock.today() - timedelta(days=DAYS + 1))


def _without_indexes(connection: psycopg.Connection[Any], table: str, statement: str, facts: dict[str, Any]) -> None:
    """Fill a table while it has neither keys nor indexes, and make them again: so each row costs a tenth."""
    constraints = connection.execute(
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE contype IN ('p', 'f') AND %(table)s::regclass IN (conrelid, confrelid) ORDER BY contype""",
        {"table": table},
    ).fetchall()  # foreign keys first
    for owner, constraint, _ in constraints:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*_names(owner, constraint)))
    indexes = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [table]).fetchall()
    for index, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
    connection.execute(statement, facts)
    connection.execute("SET maintenance_work_mem = '512MB'")
    for owner, constraint, definition in reversed(constraints):
        command = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(*_names(owner, constraint))
        connection.execute(command + sql.SQL(definition))
    for _, definition in indexes:
        connection.execute(definition)


def _names(*names: str) -> Iterator[sql.Identifier]:
    return (sql.Identifier(name) for name in names)


def _requests(chosen: list[int]) -> Iterator[bytes]:
    """What members ask, with access tokens made now."""
    (secret,) = Settings.for_tests(database_url="").token_keys
    now = clock.now()
    for number in chosen:
        token = identity.issue_access(secret, _holder(number), _md5(f"session {number}"), now)
        yield request_bytes("/api/v1/me/points", {"Authorization": f"Bearer {token}"}, b"", method="GET")


def _holder(number: int) -> UUID:
    return _md5(f"holder {number}")


def _md5(text: str) -> UUID:
    """As PostgreSQL's `md5(…)::uuid`: names for benchmarks, not secrets."""
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
