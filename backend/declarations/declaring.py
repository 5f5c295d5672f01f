"""Declaring an act, withdrawing it, and appealing against its refusal: what members do, one thing after the other."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, idempotency, identity, problems
from backend.database import retried
from backend.declarations import keeping, odometer, settling, telling
from backend.declarations.errors import (
    AppealedBefore,
    AppealTooLate,
    DeclarationChanged,
    DeclarationRefused,
    TooManyDeclarations,
)
from backend.declarations.models import Declaration
from backend.declarations.policy import (
    APPEAL_DAYS,
    COUNTED,
    DECLARATIONS_PER_DAY,
    IN_APPEAL,
    IN_REVIEW,
    REFUSED,
    WITHDRAWN,
    Stated,
    Wish,
    state,
)
from backend.declarations.settling import Content
from backend.declarations.terms import terms_on
from backend.errors import NotFound
from backend.idempotency import Answer, RequestUnderWay
from backend.identity import Acting
from backend.ids import new_id
from backend.settlement import Outcome
from backend.vault import Vault

OPERATION = "POST /activities"


def declare(sessions: sessionmaker[Session], vault: Vault, wish: Wish, key: str) -> Answer:
    """Declare an act, or repeat what was answered under this key: the declaration, or why the act cannot count.

    Raises what leaves no trace: NotDeclarable, PhotoNeeded, InvalidActTime, OdometerUnproven, NotFound and PhotoUsed
    for its photos, TooManyDeclarations, and what `identity.act_for` and `idempotency.take` raise.
    """
    stated = state(activities.library(), wish)
    asked = idempotency.ask(vault, wish.person_id, key, OPERATION, wish.said())

    def attempt(tx: Session) -> Answer:
        now, declaration_id = clock.now(), new_id()
        acting = _acting(tx, wish, now)
        earlier = idempotency.take(tx, asked, declaration_id, now=now)
        if earlier is not None:
            if earlier.answer is None:
                raise RequestUnderWay
            return earlier.answer
        answer = _answer(tx, _declared(tx, vault, acting, wish, stated, declaration_id, now=now))
        idempotency.finish(tx, asked, answer)
        return answer

    return retried(sessions, attempt, also_after=(activities.Contended,))


def _declared(
    tx: Session, vault: Vault, acting: Acting, wish: Wish, stated: Stated, declaration_id: UUID, *, now: datetime
) -> Declaration:
    """The declaration as it stands once the house has looked at it: it waits for a reviewer, or is refused."""
    _require_few(tx, acting.holder_id, now)
    sealer, data = acting.sealer(vault), dict(stated.data)
    if wish.methodology == odometer.METHODOLOGY:
        received = keeping.received(tx, acting.holder_id, wish.photo_ids)
        data[odometer.PARKED] = odometer.parked_min(wish.odometer_km, received, stated.occurred_at)
    content = Content(data, dict(wish.identity), wish.words, list(wish.odometer_km))
    row = Declaration(
        holder_id=acting.holder_id,
        id=declaration_id,
        programme=wish.programme,
        methodology=wish.methodology,
        occurred_at=stated.occurred_at,
        day=stated.day,
        started_at=stated.started_at,
        ended_at=stated.ended_at,
        sealed=content.seal(sealer, declaration_id),
        grade=stated.grade,
        expected_g=0,
        expected_points=0,
        state=IN_REVIEW,
        declared_at=now,
    )
    outcome = _judged(tx, row, now) or settling.forecast(tx, vault, sealer, row, now=now)
    if outcome.status == "issued":
        row.expected_g, row.expected_points = outcome.reduction_g, outcome.points
    else:
        row.state, row.reason, row.decided_at = REFUSED, outcome.code, now
    tx.add(row)
    tx.flush()
    keeping.attach(tx, acting.holder_id, wish.photo_ids, declaration_id)
    if row.state == REFUSED:
        keeping.let_go(tx, acting.holder_id, declaration_id, after=keeping.decided(now))
    return row


def _require_few(tx: Session, holder_id: UUID, now: datetime) -> None:
    today = (Declaration.holder_id == holder_id, Declaration.declared_at >= clock.start_of(clock.day_of(now)))
    if (tx.scalar(select(func.count()).select_from(Declaration).where(*today)) or 0) >= DECLARATIONS_PER_DAY:
        raise TooManyDeclarations(allowed=DECLARATIONS_PER_DAY)


def _judged(tx: Session, row: Declaration, now: datetime) -> Outcome | None:
    """The refusal of an act by the programme's terms, or None."""
    terms = terms_on(tx, row.programme, clock.day_of(now))
    if (clock.day_of(now) - row.day).days > terms.window_days:
        return Outcome("refused", "DECLARED_TOO_LATE")
    same_day = (Declaration.holder_id == row.holder_id, Declaration.day == row.day, Declaration.state.in_(COUNTED))
    if (tx.scalar(select(func.count()).select_from(Declaration).where(*same_day)) or 0) >= terms.daily_acts:
        return Outcome("refused", "DAILY_DECLARATIONS")
    return None


def _answer(tx: Session, row: Declaration) -> Answer:
    """What the member is told at once."""
    told = telling.view(row, keeping.photos_of(tx, row.holder_id, [row.id])[row.id])
    if row.state == IN_REVIEW:
        return Answer(201, json.dumps(told, ensure_ascii=False))
    names = ("id", "reason", "appeal_until")
    refusal = DeclarationRefused(**{name: told[name] for name in names})
    return Answer(refusal.status, json.dumps(problems.of_refusal(refusal), ensure_ascii=False))


def withdraw(tx: Session, wish_by: tuple[UUID, UUID], declaration_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Take a declaration back before it was reviewed; its photos may prove another act. Twice is the same as once.

    `wish_by`: the person and their login. Raises NotFound, DeclarationChanged.
    """
    row = _own(tx, wish_by, declaration_id, now)
    if row.state not in (IN_REVIEW, WITHDRAWN):
        raise DeclarationChanged(state=row.state)
    if row.state == IN_REVIEW:
        row.state = WITHDRAWN
        tx.flush()
        keeping.detach(tx, row.holder_id, row.id, now=now)
    return telling.view(row, [])


def appeal(
    tx: Session,
    vault: Vault,
    wish_by: tuple[UUID, UUID],
    activity_id: UUID,
    words: str,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Ask for a refusal to be looked at by somebody else, once. `activity_id`: of the declaration.

    Raises NotFound, DeclarationChanged for what was not refused, AppealedBefore, AppealTooLate.
    """
    row = _own(tx, wish_by, activity_id, now)
    if row.appealed_at is not None:
        raise AppealedBefore(state=row.state)
    if row.state != REFUSED or row.decided_at is None or row.sealed is None:
        raise DeclarationChanged(state=row.state)
    if now > row.decided_at + timedelta(days=APPEAL_DAYS):
        raise AppealTooLate(days=APPEAL_DAYS)
    sealer = identity.person_sealer(tx, vault, row.holder_id)
    row.sealed_appeal = sealer.seal(words.encode(), telling.appeal_context(row.id))
    row.state, row.appealed_at = IN_APPEAL, now
    tx.flush()
    keeping.let_go(tx, row.holder_id, row.id, after=None)
    return telling.view(row, keeping.photos_of(tx, row.holder_id, [row.id])[row.id])


def _own(tx: Session, who: tuple[UUID, UUID], declaration_id: UUID, now: datetime) -> Declaration:
    """One of the person's own declarations, held until commit behind the key of the person."""
    person_id, session_id = who
    identity.require_live_session(tx, session_id, person_id, now=now)
    if not identity.hold_living(tx, {person_id}):
        raise NotFound
    mine = (Declaration.holder_id == person_id, Declaration.id == declaration_id)
    query = select(Declaration).where(*mine).with_for_update().execution_options(populate_existing=True)
    row = tx.scalar(query)
    if row is None:
        raise NotFound
    return row


def _acting(tx: Session, wish: Wish, now: datetime) -> Acting:
    who = {"person_id": wish.person_id, "session_id": wish.session_id, "account_id": wish.person_id}
    return identity.act_for(tx, **who, programme=wish.programme, now=now)
