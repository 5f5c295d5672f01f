"""Redeeming: points for one piece of a reward, once per key, however often and wherever the request arrives.

What the house delivers itself is done in one transaction: key, redemption, points, stock and code commit together or
not at all. What is delivered outside is reserved in a first one; then the provider is asked, outside any transaction,
and what it answers is written down in another. Whoever dies in between leaves an order that a worker finishes.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend import clock, idempotency, identity, points
from backend.database import transaction
from backend.errors import Refusal
from backend.idempotency import Answer, Asked, Earlier, IdempotencyKeyReused, RequestUnderWay
from backend.identity import Acting
from backend.ids import new_id
from backend.rewards.redemptions import telling
from backend.rewards.redemptions.desk import Desk
from backend.rewards.redemptions.policy import REQUESTED, RESERVED
from backend.rewards.redemptions.taking import Wish, carry_out, prepare

OPERATION = "POST /redemptions"
#: After so long a request that broke off is answered with its redemption as it stands.
_BROKEN_OFF = timedelta(seconds=60)
_TRIES = 5


def redeem(desk: Desk, wish: Wish, key: str) -> Answer:
    """Redeem, or repeat what was answered under this key. A refusal by the house is an answer too, and is kept.

    Raises what is not: SessionEnded, GuardianNeeded, NotEnrolled, NotFound, IdempotencyKeyReused, RequestUnderWay.
    """
    asked = idempotency.ask(desk.vault, wish.person_id, key, OPERATION, wish.said())
    for left in reversed(range(_TRIES)):
        try:
            return _attempt(desk, wish, asked, once=left == _TRIES - 1)
        except (OperationalError, points.Overtaken):  # a deadlock is no fault of the member's
            if not left:
                raise
    raise AssertionError("unreachable")


def _attempt(desk: Desk, wish: Wish, asked: Asked, *, once: bool) -> Answer:
    """`once`: lots that somebody else was quicker to take are let go of by trying again, and not by a savepoint."""
    redemption_id, may_act = new_id(), False
    try:
        with transaction(desk.sessions) as tx:
            now = clock.now()
            acting = _acting(tx, wish, now)
            may_act = True
            prepared = prepare(tx, desk.vault, wish, acting, redemption_id, now=now)
            waits = prepared.row["state"] == RESERVED
            # What the house delivers itself is answered by the row that takes the key: it is true once it commits.
            answer = None if waits else _answer(prepared.told)
            found = idempotency.take(tx, asked, redemption_id, now=now, answer=answer)
            if found is not None:
                return _repeated(tx, wish, asked, found, now)
            carry_out(tx, desk.vault, wish, prepared, now=now, once=once)
    except Refusal as refusal:
        if not may_act:
            raise
        return _refused(desk, wish, asked, refusal)
    return answer or _finished(desk, wish, asked, redemption_id)


def _refused(desk: Desk, wish: Wish, asked: Asked, refusal: Refusal) -> Answer:
    """Keep a refusal as the answer, now that what it refused is rolled back; an earlier answer stands before it.

    Raises what `_acting` does: the login may have ended since.
    """
    if isinstance(refusal, IdempotencyKeyReused | RequestUnderWay):
        raise refusal
    with transaction(desk.sessions) as tx:
        now, answer = clock.now(), idempotency.answer_of(refusal)
        _acting(tx, wish, now)  # held anew: for whom is forgotten meanwhile nothing is kept
        found = idempotency.take(tx, asked, wish.person_id, now=now, answer=answer)
        return answer if found is None else _repeated(tx, wish, asked, found, now)


def _acting(tx: Session, wish: Wish, now: datetime) -> Acting:
    who = {"person_id": wish.person_id, "session_id": wish.session_id}
    return identity.act_for(tx, **who, account_id=wish.account_id, programme=wish.programme, now=now)


def _finished(desk: Desk, wish: Wish, asked: Asked, redemption_id: UUID) -> Answer:
    """Ask the provider once, if not too many ask already; what is not known by then, a worker finds out."""
    desk.ask_provider(wish.account_id, redemption_id)
    with transaction(desk.sessions) as tx:
        return _as_it_stands(tx, wish, asked, redemption_id)


def _as_it_stands(tx: Session, wish: Wish, asked: Asked, redemption_id: UUID) -> Answer:
    said = telling.one(tx, wish.account_id, redemption_id)
    assert said is not None
    answer = _answer(said)
    idempotency.finish(tx, asked, answer)
    return answer


def _repeated(tx: Session, wish: Wish, asked: Asked, found: Earlier, now: datetime) -> Answer:
    """What was answered before; where the process died before it answered, the redemption as it stands once known."""
    if found.answer is not None:
        return found.answer
    said = telling.one(tx, wish.account_id, found.subject)
    if said is None or (said["state"] in (RESERVED, REQUESTED) and now < found.begun_at + _BROKEN_OFF):
        raise RequestUnderWay
    answer = _as_it_stands(tx, wish, asked, found.subject)
    return Answer(answer.status, answer.text, replayed=True)


def _answer(said: Mapping[str, Any]) -> Answer:
    return Answer(201, json.dumps(said, ensure_ascii=False))
