"""A declaration in the pipeline: what it would bring, tried and undone; and its act, once a reviewer approved it."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import activities, clock, settlement, strict_json
from backend.declarations.models import Declaration
from backend.declarations.policy import IN_APPEAL, IN_REVIEW, ORDER_TYPE, SOURCE
from backend.identity import Receiver
from backend.settlement import Draft, Outcome, Statement
from backend.vault import Sealer, Vault


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a declaration: formula inputs, what names the physical act, the member's words, and the
    readings of an odometer."""

    data: dict[str, str | int]
    identity: dict[str, str]
    words: str
    odometer_km: list[int] = field(default_factory=list)

    def seal(self, sealer: Sealer, declaration_id: UUID) -> bytes:
        said: dict[str, Any] = {"data": self.data, "identity": self.identity, "words": self.words}
        if self.odometer_km:
            said["odometer_km"] = self.odometer_km
        return sealer.seal(strict_json.canonical(said).encode(), _context(declaration_id))


def content_of(sealer: Sealer, declaration: Declaration) -> Content:
    """What the declaration says, in clear."""
    assert declaration.sealed is not None
    return Content(**json.loads(sealer.open(declaration.sealed, _context(declaration.id))))


def forecast(tx: Session, vault: Vault, sealer: Sealer, declaration: Declaration, *, now: datetime) -> Outcome:
    """What approving it would bring now, beside everything else of its days that still waits for a reviewer.

    It is settled as it would be, and undone. Raises `activities.Contended`.
    """
    near = (Declaration.day >= declaration.day - timedelta(days=1), Declaration.day <= declaration.day + _DAY)
    waiting = (Declaration.holder_id == declaration.holder_id, Declaration.state.in_((IN_REVIEW, IN_APPEAL)))
    others = tx.scalars(select(Declaration).where(*waiting, *near, Declaration.id != declaration.id))
    statements = [_statement(vault, sealer, item, now) for item in (*others, declaration)]
    trial = tx.begin_nested()
    try:
        return settlement.settle(tx, vault, statements, now=now)[-1]
    finally:
        trial.rollback()


def credit(tx: Session, vault: Vault, sealer: Sealer, declaration: Declaration, *, now: datetime) -> Outcome:
    """Settle the act of an approved declaration; where it does not count, nothing of it is left behind."""
    trial = tx.begin_nested()
    (outcome,) = settlement.settle(tx, vault, [_statement(vault, sealer, declaration, now)], now=now)
    if outcome.status == "issued":
        trial.commit()
    else:
        trial.rollback()
    return outcome


_DAY = timedelta(days=1)


def _statement(vault: Vault, sealer: Sealer, declaration: Declaration, now: datetime) -> Statement:
    content = content_of(sealer, declaration)
    named = {"partner": SOURCE, "line": "1"} | content.identity
    draft = Draft(
        declaration.methodology,
        content.data,
        named,
        declaration.occurred_at,
        declaration.grade,
        0,
        declaration.started_at,
        declaration.ended_at,
    )
    evidence = {
        "source": "declaration",
        "declaration_id": str(declaration.id),
        "declared_at": clock.iso(declaration.declared_at),
        "reviewed_at": clock.iso(now),
    }
    return Statement(
        source_id=declaration.id,
        partner=SOURCE,
        order_no=str(declaration.id),
        line="1",
        revision=1,
        rank=activities.ORIGINAL,
        order_type=ORDER_TYPE,
        receiver=Receiver(declaration.holder_id, declaration.programme, b""),
        content_hash=vault.index("declaration", str(declaration.id)),
        evidence=json.dumps(evidence, sort_keys=True),
        translate=partial(_drafted, draft),
        rests_on=activities.OWN_ACT,
    )


def _drafted(draft: Draft, _order_type: str) -> Draft:
    return draft


def _context(declaration_id: UUID) -> bytes:
    return b"declaration:" + declaration_id.bytes
