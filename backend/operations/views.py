"""Operations: is it alive, is it ready, how is it doing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import redis
from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text

from backend import clock, member_messages, partners, points, rewards, sync
from backend.signed_statements import key_set

#: What every code of a problem document means; the `type` of a problem points here.
PROBLEMS = Path(__file__).resolve().parents[2] / "docs" / "problems.md"

blueprint = Blueprint("operations", __name__)


def _house() -> Any:
    return current_app.extensions["house"]


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The database answers; Redis is looked at where one is configured, but nothing depends on it."""
    checks = {"database": _database_answers(), "redis": _redis_answers()}
    ready = checks["database"] == "ok"
    return jsonify({"status": "ready" if ready else "unavailable", "checks": checks}), 200 if ready else 503


def _database_answers() -> str:
    try:
        with _house().transaction() as tx:
            tx.execute(text("SELECT 1"))
    except Exception:
        return "unavailable"
    return "ok"


def _redis_answers() -> str:
    url = _house().settings.redis_url
    if not url:
        return "not configured"
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except redis.RedisError:
        return "unavailable"
    return "ok"


@blueprint.get("/.well-known/jwks.json")
def statement_keys() -> Response:
    """The public key that signed statements are verified with, for everybody."""
    response = jsonify(key_set(_house().vault.statement_key.public))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/docs/problems")
def problem_codes() -> Response:
    """Every stable code and what to do about it."""
    return Response(PROBLEMS.read_text(encoding="utf-8"), content_type="text/markdown; charset=utf-8")


@blueprint.get("/metrics")
def metrics() -> Response:
    """The inbox and the notices for Prometheus, read from the database when asked: the same in every process."""
    registry = CollectorRegistry()
    events = Gauge("inbox_events", "Partner events by state", ["partner", "state"], registry=registry)
    oldest = Gauge("inbox_oldest_waiting_seconds", "Age of the oldest event that is due", registry=registry)
    notices = Gauge("sync_notices", "Notices to other platforms by state", ["destination", "state"], registry=registry)
    differing = Gauge("sync_differences", "Accounts that differ at a mirror", ["destination"], registry=registry)
    active = Gauge("sync_destination_active", "0 where a platform was stopped", ["destination"], registry=registry)
    unsettled = Gauge(
        "reconciliation_unsettled", "Open differences, and days without a list", ["partner", "kind"], registry=registry
    )
    with _house().transaction() as tx:
        _measure_budgets(registry, points.budgets_of(tx))
        _measure_rewards(registry, rewards.left_of_each(tx, clock.today()))
        _measure_messages(registry, member_messages.standing(tx, now=clock.now()))
        _measure_orders(registry, rewards.order_counts(tx, now=clock.now()))
        for named, count in partners.reconciliation.unsettled(tx).items():
            unsettled.labels(*named).set(count)
        state = partners.inbox_state(tx)
        told = sync.destination_states(tx)
    for (partner, name), count in state.counts.items():
        events.labels(partner, name).set(count)
    oldest.set(state.oldest_waiting_s)
    for item in (item for item in told if not item.retired):
        active.labels(item.code).set(item.active)
        differing.labels(item.code).set(item.differing)
        for name, count in item.counts.items():
            notices.labels(item.code, name).set(count)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _measure_orders(registry: CollectorRegistry, counts: Mapping[tuple[str, str], int]) -> None:
    orders = Gauge(
        "reward_orders_open",
        "Orders at providers that wait, are under way, or have been unknown for a day (stuck)",
        ["provider", "state"],
        registry=registry,
    )
    for named, count in counts.items():
        orders.labels(*named).set(count)


def _measure_budgets(registry: CollectorRegistry, budgets: Iterable[points.BudgetView]) -> None:
    names = ["budget", "programme", "scope", "scope_code"]
    total = Gauge("points_budget_total", "Points put into a budget", names, registry=registry)
    drawn = Gauge("points_budget_drawn", "Points drawn of a budget", names, registry=registry)
    for item in budgets:
        named = (str(item.number), item.programme, item.scope, item.scope_code)
        total.labels(*named).set(item.total)
        drawn.labels(*named).set(item.drawn)


def _measure_rewards(registry: CollectorRegistry, left: Mapping[str, int]) -> None:
    pieces = Gauge("reward_pieces_left", "Pieces or usable codes left, at most 1000", ["reward"], registry=registry)
    for code, count in left.items():
        pieces.labels(code).set(count)


def _measure_messages(registry: CollectorRegistry, standing: member_messages.Standing) -> None:
    waiting = Gauge("member_messages", "Messages to members by state", ["state"], registry=registry)
    overdue = Gauge("member_messages_overdue_seconds", "How long the oldest could have gone out", registry=registry)
    halted = Gauge("member_messages_halted", "1 for a template that rests", ["template"], registry=registry)
    for state, count in standing.counts.items():
        waiting.labels(state).set(count)
    overdue.set(standing.overdue_s)
    for template in standing.halted:
        halted.labels(template).set(1)
