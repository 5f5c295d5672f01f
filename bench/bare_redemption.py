"""The reference of the redemption benchmark: one Flask view with the statements of a redemption written by hand.

No component, no SQLAlchemy, no description of requests: what one writes for one kind of reward, one account of one's
own and one way to be answered. The token is checked and the codes are sealed by the house's own functions. It keeps
what a redemption promises: a key is used once, the login lives, the price is the one in force and the account among
those it is offered to, limits are counted under the lock that keeps others from adding to them, the soonest lots pay,
no balance falls below zero, and a code goes to one member.
"""

import hashlib
import json
import os
from threading import local
from typing import Any

import psycopg
from flask import Flask, Response, abort, request

from backend import clock, identity
from backend.ids import new_id
from backend.settings import Settings
from backend.vault import Vault

_ACTING = """
    SELECT k.wrapped_key, s.ended_at, s.expires_at, m.minor_until, e.account_kind, e.enrolled_at
    FROM person_keys k
    LEFT JOIN login_sessions s ON s.id = %(session)s AND s.holder_id = k.holder_id
    LEFT JOIN minors m ON m.holder_id = k.holder_id
    LEFT JOIN enrolments e ON e.holder_id = k.holder_id AND e.programme = %(programme)s
    WHERE k.holder_id = %(holder)s FOR NO KEY UPDATE OF k"""
_KEY = """
    INSERT INTO idempotency_keys (holder_id, key, fingerprint, subject, begun_at)
    VALUES (%(holder)s, %(key)s, %(fingerprint)s, %(id)s, %(now)s)
    ON CONFLICT (holder_id, key) DO NOTHING RETURNING subject"""
_OFFER = """
    SELECT r.kind, r.title_zh, r.title_en, t.version, t.price_points, t.last_day, t.per_person_count, t.per_person_days,
        t.per_device_count, t.per_device_days, t.least_code_days
    FROM rewards r
    JOIN reward_terms t ON t.reward = r.code AND t.in_force_from <= %(day)s
    JOIN reward_audiences a ON a.reward = r.code AND a.version = t.version
    WHERE r.code = %(reward)s AND r.retired_at IS NULL AND a.programme = %(programme)s AND a.account_kind = %(kind)s
    ORDER BY t.in_force_from DESC, t.version DESC LIMIT 1"""
_LIMITS = """
    SELECT points_per_day, person_count, person_minutes, device_count, device_minutes, review_count, review_minutes,
        new_days, new_points
    FROM redemption_limits WHERE programme = %(programme)s AND in_force_from <= %(day)s
    ORDER BY in_force_from DESC, version DESC LIMIT 1"""
_BEFORE = """
    SELECT
        coalesce(sum(points) FILTER (WHERE programme = %(programme)s AND created_at >= %(today)s), 0),
        count(*) FILTER (WHERE programme = %(programme)s
            AND created_at > %(now)s - %(person_minutes)s * interval '1 minute'),
        count(*) FILTER (WHERE programme = %(programme)s
            AND created_at > %(now)s - %(review_minutes)s * interval '1 minute'),
        count(*) FILTER (WHERE reward = %(reward)s AND created_at > %(now)s - %(per_person_days)s * interval '1 day')
    FROM redemptions
    WHERE holder_id = %(holder)s AND state IN ('review', 'reserved', 'requested', 'confirmed')"""
_DEVICE = """
    INSERT INTO redemption_devices (device_index, used_at) VALUES (%(device)s, %(now)s)
    ON CONFLICT (device_index) DO UPDATE SET used_at = excluded.used_at"""
_FROM_DEVICE = """
    SELECT count(*) FILTER (WHERE reward = %(reward)s
            AND created_at > %(now)s - %(per_device_days)s * interval '1 day'),
        count(*) FILTER (WHERE programme = %(programme)s
            AND created_at > %(now)s - %(device_minutes)s * interval '1 minute')
    FROM redemptions
    WHERE device_index = %(device)s AND state IN ('review', 'reserved', 'requested', 'confirmed')"""
_LOTS = """
    SELECT id, remaining FROM points_lots
    WHERE holder_id = %(holder)s AND programme = %(programme)s AND stage = 'available' AND stage <> 'closed'
        AND expires_at > %(now)s
    ORDER BY expires_at, id LIMIT 32 FOR UPDATE"""
_REDEMPTION = """
    INSERT INTO redemptions (holder_id, id, programme, reward, terms_version, points, state, person_id, device_index,
        created_at, changed_at)
    VALUES (%(holder)s, %(id)s, %(programme)s, %(reward)s, %(version)s, %(price)s, 'confirmed', %(holder)s, %(device)s,
        %(now)s, %(now)s)"""
_STEP = """
    INSERT INTO redemption_steps (holder_id, redemption_id, position, state, actor, at)
    VALUES (%(holder)s, %(id)s, 1, 'confirmed', 'member', %(now)s)"""
_USE = """
    INSERT INTO points_uses (holder_id, id, programme, points, state, begun_at, changed_at)
    VALUES (%(holder)s, %(id)s, %(programme)s, %(price)s, 'spent', %(now)s, %(now)s)"""
_PARTS = """
    INSERT INTO points_use_parts (holder_id, use_id, lot_id, points)
    SELECT %(holder)s, %(id)s, * FROM unnest(%(lots)s::uuid[], %(parts)s::bigint[])"""
_LOTS_AFTER = """
    UPDATE points_lots l
    SET remaining = remaining - part, stage = CASE WHEN remaining = part THEN 'closed' ELSE stage END
    FROM unnest(%(lots)s::uuid[], %(parts)s::bigint[]) taken (id, part)
    WHERE l.holder_id = %(holder)s AND l.id = taken.id"""
_TRANSACTION = """
    INSERT INTO ledger_transactions (holder_id, id, programme, kind, idempotency_key, input_hash, posted_at)
    VALUES (%(holder)s, %(transaction)s, %(programme)s, 'spend', %(posting_key)s, %(input_hash)s, %(now)s)"""
_TRANSFERS = """
    INSERT INTO ledger_transfers (holder_id, transaction_id, position, asset, debit, credit, amount, lot_id)
    SELECT %(holder)s, %(transaction)s, number - 1, 'points', 'points.available', 'spent.points', part, lot
    FROM unnest(%(lots)s::uuid[], %(parts)s::bigint[]) WITH ORDINALITY taken (lot, part, number)"""
_BALANCE = """
    UPDATE balances SET amount = amount - %(price)s
    WHERE holder_id = %(holder)s AND programme = %(programme)s AND account = 'points.available'"""
_NEWS = """
    INSERT INTO outbox (id, topic, holder_id, payload, announced_at)
    VALUES (%(news)s, 'points.spent', %(holder)s, %(payload)s, %(now)s)"""
_CODE = """
    SELECT id, sealed_code, expires_on FROM reward_codes
    WHERE reward = %(reward)s AND state = 'free' AND expires_on >= %(day)s + %(least_code_days)s
    ORDER BY expires_on, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
_CODE_TAKEN = """
    UPDATE reward_codes SET sealed_code = NULL, state = 'taken', redemption_id = %(id)s WHERE id = %(code)s"""
_VOUCHER = """
    INSERT INTO reward_vouchers (holder_id, redemption_id, code_id, sealed_code, expires_on, showings, showings_allowed)
    VALUES (%(holder)s, %(id)s, %(code)s, %(sealed)s, %(expires_on)s, 0, 1)"""
_ANSWERED = """
    UPDATE idempotency_keys SET status = 201, answer = %(answer)s WHERE holder_id = %(holder)s AND key = %(key)s"""

app = Flask(__name__)
settings = Settings.for_tests(database_url=os.environ["BENCH_DATABASE_URL"])
vault = Vault(settings.vault_key, settings.fingerprint_key)
mine = local()


@app.post("/api/v1/redemptions")
def redeem() -> Response:
    now = clock.now()
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = identity.read_access(settings.token_keys, token, now)
    body = json.loads(request.get_data())
    facts: dict[str, Any] = {
        "holder": claims.holder_id,
        "session": claims.session_id,
        "programme": body["programme"],
        "reward": body["reward"],
        "device": vault.index("device", body["device_id"]),
        "key": request.headers["Idempotency-Key"],
        "fingerprint": vault.index("idempotent request", json.dumps(body, sort_keys=True)),
        "id": new_id(),
        "now": now,
        "day": clock.day_of(now),
        "today": clock.start_of(clock.day_of(now)),
    }
    if not hasattr(mine, "connection"):
        mine.connection = psycopg.connect(settings.database_url.replace("+psycopg", ""), autocommit=True)
    with mine.connection.transaction():
        answer = _redeem(mine.connection, facts, body["expected_price_points"])
    return Response(answer, status=201, content_type="application/json")


def _redeem(connection: psycopg.Connection[Any], facts: dict[str, Any], expected: int) -> str:
    """Everything in the caller's transaction; whatever is refused undoes it."""
    one = connection.execute
    acting = one(_ACTING, facts).fetchone()
    if acting is None or acting[0] is None or acting[1] is not None or acting[2] is None or acting[2] <= facts["now"]:
        abort(401)
    if acting[3] is not None or acting[4] is None:
        abort(403)
    if one(_KEY, facts).fetchone() is None:
        abort(409)
    offer = one(_OFFER, facts | {"kind": acting[4]}).fetchone()
    if offer is None or offer[4] != expected or (offer[5] is not None and offer[5] < facts["day"]):
        abort(409)
    names = ("version", "price", "last_day", "per_person", "per_person_days", "per_device", "per_device_days")
    facts |= dict(zip((*names, "least_code_days"), offer[3:], strict=True))
    _check_person(connection, facts, acting[5])
    one(_REDEMPTION, facts)
    one(_STEP, facts)
    _spend(connection, facts)
    _check_device(connection, facts)
    _give_code(connection, facts, acting[0])
    at = clock.iso(facts["now"])
    told = {"id": str(facts["id"]), "account_id": str(facts["holder"]), "programme": facts["programme"]}
    told |= {"reward": facts["reward"], "kind": offer[0], "title": {"zh": offer[1], "en": offer[2]}}
    told |= {"points": facts["price"], "state": "confirmed", "sentence": {"zh": "兑换成功", "en": "Redeemed"}}
    told |= {"why": None, "created_at": at, "changed_at": at, "ends_at": None, "may_cancel": False, "withdrawal": None}
    facts["answer"] = json.dumps(told, ensure_ascii=False)
    one(_ANSWERED, facts)
    return str(facts["answer"])


def _check_person(connection: psycopg.Connection[Any], facts: dict[str, Any], enrolled_at: Any) -> None:
    """The person's key is held, so nothing is added meanwhile."""
    limits = connection.execute(_LIMITS, facts).fetchone()
    assert limits is not None
    names = ("points_per_day", "person_count", "person_minutes", "device_count", "device_minutes")
    facts |= dict(zip((*names, "review_count", "review_minutes", "new_days", "new_points"), limits, strict=True))
    before = connection.execute(_BEFORE, facts).fetchone()
    assert before is not None
    spent, within, lately, pieces = before
    young = (facts["now"] - enrolled_at).days < facts["new_days"] and facts["price"] > facts["new_points"]
    if spent + facts["price"] > facts["points_per_day"] or within >= facts["person_count"]:
        abort(409)
    if lately >= facts["review_count"] or young or pieces >= facts["per_person"]:
        abort(409)


def _check_device(connection: psycopg.Connection[Any], facts: dict[str, Any]) -> None:
    connection.execute(_DEVICE, facts)
    counted = connection.execute(_FROM_DEVICE, facts).fetchone()
    assert counted is not None
    if counted[0] > facts["per_device"] or counted[1] > facts["device_count"]:
        abort(409)


def _spend(connection: psycopg.Connection[Any], facts: dict[str, Any]) -> None:
    left, lots, parts = facts["price"], [], []
    for lot, remaining in connection.execute(_LOTS, facts):
        if not left:
            break
        part = min(left, remaining)
        lots.append(lot)
        parts.append(part)
        left -= part
    if left:
        abort(409)
    said = [facts["programme"], "spend", "None", "None", "None"]
    said += [f"points.available>spent.points:{part}:{lot}" for lot, part in zip(lots, parts, strict=True)]
    facts |= {"lots": lots, "parts": parts, "transaction": new_id(), "posting_key": f"spend:{facts['id']}"}
    facts |= {"input_hash": hashlib.sha256("\n".join(said).encode()).digest(), "news": new_id()}
    news = {"activity_id": None, "changes": {"points.available": -facts["price"]}, "programme": facts["programme"]}
    facts["payload"] = json.dumps(news, separators=(",", ":"))
    for statement in (_USE, _PARTS, _LOTS_AFTER, _TRANSACTION, _TRANSFERS, _BALANCE, _NEWS):
        connection.execute(statement, facts)


def _give_code(connection: psycopg.Connection[Any], facts: dict[str, Any], wrapped_key: bytes) -> None:
    found = connection.execute(_CODE, facts).fetchone()
    if found is None:
        abort(409)
    context = b"voucher code:"
    plain = vault.house.open(found[1], context + facts["reward"].encode())
    sealer = vault.person(wrapped_key, facts["holder"].bytes)
    facts |= {"code": found[0], "expires_on": found[2], "sealed": sealer.seal(plain, context + facts["id"].bytes)}
    connection.execute(_CODE_TAKEN, facts)
    connection.execute(_VOUCHER, facts)
