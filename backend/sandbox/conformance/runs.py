"""Conformance runs in the database: several web processes play one receiver."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock, signing
from backend.errors import NotFound
from backend.ids import new_id
from backend.sandbox.conformance.checks import CHECKS, FAILED, PASSED
from backend.sandbox.conformance.judging import Seen
from backend.sandbox.conformance.models import ConformanceAttempt, ConformanceRun
from backend.sandbox.conformance.observing import Facts
from backend.sandbox.conformance.script import ANSWERS, FULL, REFUSED, REUSED, Answer, next_answer
from backend.signing import Key
from backend.vault import Vault

LIFE = timedelta(days=1)
#: Open runs of one partner (the oldest give way), and attempts of one run.
MAX_RUNS, MAX_ATTEMPTS = 20, 500
_CONTEXT = b"conformance secret"


def open_run(tx: Session, vault: Vault, partner: str, *, now: datetime) -> tuple[UUID, str, datetime]:
    """Begin a run; its id, its second secret (shown once) and when it ends."""
    kept = select(ConformanceRun.id).where(ConformanceRun.partner == partner, ConformanceRun.expires_at > now)
    oldest = list(tx.scalars(kept.order_by(ConformanceRun.id.desc()).offset(MAX_RUNS - 1)))
    tx.execute(delete(ConformanceRun).where(ConformanceRun.id.in_(oldest) | (ConformanceRun.expires_at <= now)))
    secret = signing.new_secret()
    run = ConformanceRun(
        id=new_id(),
        partner=partner,
        sealed_secret=vault.house.seal(secret.encode(), _CONTEXT),
        difficult_event=None,
        opened_at=now,
        expires_at=now + LIFE,
    )
    tx.add(run)
    tx.flush()
    return run.id, secret, run.expires_at


def second_key(tx: Session, vault: Vault, partner: str, run_id: UUID, *, now: datetime) -> Key:
    """The run's second secret. Raises NotFound when there is no such run any more."""
    sealed = _run(tx, partner, run_id, now).sealed_secret
    return signing.parse_key(vault.house.open(sealed, _CONTEXT).decode())


def take(tx: Session, partner: str, run_id: UUID, facts: Facts, *, now: datetime) -> Answer:
    """Write down what an attempt showed and say what it meets. Attempts of one run are taken one after another.

    Raises NotFound when there is no such run any more.
    """
    run = _run(tx, partner, run_id, now, for_update=True)
    seen = _seen(tx, run_id)
    if len(seen) >= MAX_ATTEMPTS:
        return FULL
    answer = REFUSED if facts.refused else _answer(run, seen, facts)
    tx.add(
        ConformanceAttempt(
            run_id=run_id,
            number=len(seen) + 1,
            received_at=now,
            answered_at=clock.now() + timedelta(seconds=answer.delay_s),
            answer=answer.name,
            facts=json.dumps(asdict(facts), ensure_ascii=False),
        )
    )
    tx.flush()
    return answer


def _answer(run: ConformanceRun, seen: Sequence[Seen], facts: Facts) -> Answer:
    """What a sound attempt meets. The first event of a run is the one that is treated badly."""
    run.difficult_event = run.difficult_event or facts.event_id
    before = [one for one in seen if one.facts.event_id == facts.event_id and one.facts.refused is None]
    if any(one.answer.taken and one.facts.body != facts.body for one in before):
        return REUSED
    return next_answer(len(before), difficult=facts.event_id == run.difficult_event)


def report(tx: Session, partner: str, run_id: UUID, *, now: datetime) -> dict[str, Any]:
    """What a run has seen so far and the verdict of every check. Raises NotFound."""
    run = _run(tx, partner, run_id, now)
    seen = _seen(tx, run_id)
    verdicts = [check.judge(seen) for check in CHECKS]
    results = {verdict["result"] for verdict in verdicts}
    return {
        "run": str(run.id),
        "partner": run.partner,
        "opened_at": clock.iso(run.opened_at),
        "expires_at": clock.iso(run.expires_at),
        "result": FAILED if FAILED in results else PASSED if results == {PASSED} else "unfinished",
        "checks": verdicts,
        "attempts": [
            {
                "attempt": one.number,
                "received_at": clock.iso(one.received_at),
                "event_id": one.facts.event_id,
                "answer": one.facts.refused or one.answer.name,
            }
            for one in seen
        ],
    }


def _run(tx: Session, partner: str, run_id: UUID, now: datetime, *, for_update: bool = False) -> ConformanceRun:
    run = tx.get(ConformanceRun, run_id, with_for_update=for_update)
    if run is None or run.partner != partner or run.expires_at <= now:
        raise NotFound
    return run


def _seen(tx: Session, run_id: UUID) -> list[Seen]:
    rows = tx.scalars(
        select(ConformanceAttempt).where(ConformanceAttempt.run_id == run_id).order_by(ConformanceAttempt.number)
    )
    return [
        Seen(row.number, row.received_at, row.answered_at, ANSWERS[row.answer], Facts(**json.loads(row.facts)))
        for row in rows
    ]
