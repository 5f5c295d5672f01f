"""Sending what is due: one message at a time, each judged again right before, none of them twice.

A message is claimed in one transaction (its permission is taken there), sent outside any, and what came of it written
in a second one. A worker that dies in between leaves a claim that runs out: then nobody knows whether WeChat took the
message, and it is not sent again, since it could arrive twice and use up another permission.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Text, Uuid, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, identity, points
from backend.database import transaction
from backend.lists import recordset
from backend.member_messages import policy, resting
from backend.member_messages.errors import UnusableMessageTemplate
from backend.member_messages.interfaces import Channel, Message
from backend.member_messages.models import (
    FAILED,
    IN_APP,
    OUTDATED,
    SENDING,
    UNKNOWN,
    WAITING,
    WITHDRAWN,
    ExpiryWarning,
    MessagePermission,
    MessageTemplate,
)
from backend.member_messages.outcomes import TEMPLATE_HALT, note_answer
from backend.member_messages.templates import Expiry, render, templates
from backend.vault import Vault

BATCH = 500
#: No message is begun later than this in a round, so that a worker that is to stop need not wait long.
ROUND_S = 8.0

_Key = tuple[UUID, UUID]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message that is ours to send, and the claim under which it is."""

    key: _Key
    until: datetime
    message: Message


def send_due(
    sessions: sessionmaker[Session],
    vault: Vault,
    channel: Channel,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """One round: send what is due by day, Shanghai time; returns how many messages were handed over."""
    with transaction(sessions) as tx:
        _give_up_lost_claims(tx, now=clock.now())
    ends = time.monotonic() + ROUND_S
    sent = 0
    while time.monotonic() < ends:
        with transaction(sessions) as tx:
            looked_at, keys = _sift(tx, now=clock.now())
        for key in keys:
            if stopping() or time.monotonic() > ends or not policy.may_disturb(clock.now()):
                return sent
            claimed = _claim_or_set_aside(sessions, vault, channel.appid, key)
            if claimed is None:
                continue
            answer = channel.send(claimed.message)
            sent += 1
            with transaction(sessions) as tx:
                if note_answer(tx, claimed.key, claimed.until, answer, now=clock.now()):
                    break  # something is halted: look again at what may go out
        if not looked_at:
            break
    return sent


def _sift(tx: Session, *, now: datetime) -> tuple[int, list[_Key]]:
    """A batch of what is due: how much was looked at, and what seems to be for sending; the rest is decided here."""
    halted = resting.halts(tx, now=now)
    if resting.EVERYTHING in halted or not policy.may_disturb(now):
        return 0, []
    known = templates(tx)
    silent = [code for code, template in known.items() if template.template_id in halted]
    due = (ExpiryWarning.state == WAITING, ExpiryWarning.next_attempt_at <= now)
    query = (
        select(ExpiryWarning)
        .where(*due, ExpiryWarning.programme.not_in(silent))
        .order_by(ExpiryWarning.next_attempt_at, ExpiryWarning.lapses_on, ExpiryWarning.holder_id, ExpiryWarning.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = list(tx.scalars(query))
    permitted = _permitted(tx, rows, known)
    today = clock.day_of(now)
    keys: list[_Key] = []
    decided: dict[str, list[_Key]] = {OUTDATED: [], IN_APP: []}
    for row in rows:
        template = known.get(row.programme)
        if policy.outdated(row.lapses_on, row.days_ahead, today):
            decided[OUTDATED].append((row.holder_id, row.id))
        elif template is None or (row.holder_id, template.template_id) not in permitted:
            decided[IN_APP].append((row.holder_id, row.id))
        else:
            keys.append((row.holder_id, row.id))
        tx.expunge(row)
    for state, ones in decided.items():
        _set_state(tx, ones, state)
    return len(rows), keys


def _permitted(tx: Session, rows: list[ExpiryWarning], known: dict[str, MessageTemplate]) -> set[tuple[UUID, str]]:
    """The (member, template) of these with a permission left. The warnings are held, so no tap can be overlooked."""
    wanted = {(row.holder_id, known[row.programme].template_id) for row in rows if row.programme in known}
    if not wanted:
        return set()
    given = recordset(tx, "given", {"holder_id": Uuid(), "template_id": Text()}, sorted(wanted))
    query = select(MessagePermission.holder_id, MessagePermission.template_id).join(
        given,
        (MessagePermission.holder_id == given.c.holder_id) & (MessagePermission.template_id == given.c.template_id),
    )
    return {(row[0], row[1]) for row in tx.execute(query.where(MessagePermission.remaining > 0))}


def _set_state(tx: Session, keys: list[_Key], state: str) -> None:
    if not keys:
        return
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(keys))
    mine = (ExpiryWarning.holder_id == given.c.holder_id, ExpiryWarning.id == given.c.id)
    tx.execute(update(ExpiryWarning).where(*mine).values(state=state).execution_options(synchronize_session=False))


def _claim_or_set_aside(sessions: sessionmaker[Session], vault: Vault, appid: str, key: _Key) -> _Claimed | None:
    """As `_claim`; what cannot be claimed by a mistake of ours has failed, so that it holds up no other message."""
    try:
        with transaction(sessions) as tx:
            return _claim(tx, vault, appid, key, now=clock.now())
    except OperationalError:  # a database in trouble: the message is still waiting
        raise
    except Exception as error:
        log.error("message_failed", message=str(key[1]), exc_info=error)
        with transaction(sessions) as tx:
            mine = (ExpiryWarning.holder_id == key[0], ExpiryWarning.id == key[1], ExpiryWarning.state == WAITING)
            failed = update(ExpiryWarning).where(*mine).values(state=FAILED, error=type(error).__name__)
            tx.execute(failed.execution_options(synchronize_session=False))
        return None


def _claim(tx: Session, vault: Vault, appid: str, key: _Key, *, now: datetime) -> _Claimed | None:
    """Take a message and the permission it uses, if there is still something to say; None where there is not."""
    query = select(ExpiryWarning).where(ExpiryWarning.holder_id == key[0], ExpiryWarning.id == key[1])
    query = query.where(ExpiryWarning.state == WAITING, ExpiryWarning.next_attempt_at <= now)
    row = tx.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    template = templates(tx).get(row.programme) if row is not None else None
    halted = resting.halts(tx, now=now)
    if row is None or template is None or {template.template_id, resting.EVERYTHING} & halted.keys():
        return None  # somebody else's, or looked at again when it may go out
    lapse = (row.holder_id, row.programme, row.lapses_on)
    amount = points.points_lapsing(tx, [lapse]).get(lapse, 0)
    persons = identity.living_persons(tx, [row.holder_id])
    if policy.outdated(row.lapses_on, row.days_ahead, clock.day_of(now)):
        row.state = OUTDATED
    elif not amount or not persons:
        row.state = WITHDRAWN
    else:
        row.points = amount
        return _take(tx, vault, appid, row, template, now)
    return None


def _take(
    tx: Session, vault: Vault, appid: str, row: ExpiryWarning, template: MessageTemplate, now: datetime
) -> _Claimed | None:
    title = identity.require_programme(tx, row.programme).title_zh
    openid = identity.wechat_openid(tx, vault, row.holder_id, appid)
    try:
        data = render(template, Expiry(title, row.points, policy.last_day(row.lapses_on)))
    except UnusableMessageTemplate as fault:
        resting.halt(tx, template.template_id, fault.detail, until=now + TEMPLATE_HALT)
        return None
    key = (row.holder_id, template.template_id)
    permission = tx.get(MessagePermission, key, with_for_update=True, populate_existing=True)
    if openid is None or permission is None or permission.remaining == 0:
        row.state = IN_APP
        return None
    permission.remaining -= 1
    row.state, row.claimed_until, row.template_id = SENDING, now + policy.CLAIM, template.template_id
    row.attempts += 1
    message = Message(openid, template.template_id, template.page, data)
    return _Claimed((row.holder_id, row.id), now + policy.CLAIM, message)


def _give_up_lost_claims(tx: Session, *, now: datetime) -> None:
    """What somebody was sending when they died: whether it went out, nobody knows."""
    lost = (ExpiryWarning.state == SENDING, ExpiryWarning.claimed_until <= now)
    statement = update(ExpiryWarning).where(*lost)
    statement = statement.values(state=UNKNOWN, claimed_until=None, error="the worker was lost while sending")
    for id in tx.scalars(statement.returning(ExpiryWarning.id).execution_options(synchronize_session=False)):
        log.error("message_unknown", message=str(id), reason="the worker was lost while sending")
