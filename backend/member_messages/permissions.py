"""What members let be sent to them: one tap in WeChat is one message.

Whoever changes a member's permissions holds their open warnings first, and the permission after them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.lists import insert_rows
from backend.member_messages.errors import UnknownMessageTemplate
from backend.member_messages.models import (
    ACCEPT,
    BAN,
    IN_APP,
    MOST_PERMISSIONS,
    REJECT,
    WAITING,
    ExpiryWarning,
    MessagePermission,
)
from backend.member_messages.templates import templates

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PermissionView:
    """A template the member can be asked about, and how many messages of it they still let be sent.

    `answer`: what their WeChat said last, None where it was never asked.
    """

    template_id: str
    programmes: tuple[str, ...]
    kind: str
    remaining: int
    answer: str | None
    answered_at: datetime | None


def note_answers(tx: Session, holder_id: UUID, answers: Mapping[str, str], *, now: datetime) -> None:
    """Take down what a member's WeChat answered (template → answer), and let what waited for it go out.

    Raises UnknownMessageTemplate.
    """
    programmes: dict[str, list[str]] = {}
    for code, template in templates(tx).items():
        programmes.setdefault(template.template_id, []).append(code)
    for template_id in answers:
        if template_id not in programmes:
            raise UnknownMessageTemplate(template_id)
    _hold_open(tx, holder_id)
    for template_id, answer in sorted(answers.items()):
        row = _hold(tx, holder_id, template_id, answer, now)
        row.answer, row.answered_at = answer, now
        if answer == ACCEPT:
            row.remaining = min(row.remaining + 1, MOST_PERMISSIONS)
            _wake(tx, holder_id, programmes[template_id], now)
        if answer == BAN:
            log.error("message_template_banned", template=template_id)
    tx.flush()


def note_refusal(tx: Session, holder_id: UUID, template_id: str, *, before: datetime, now: datetime) -> bool:
    """The member turned a template's messages off in WeChat: whatever they tapped before that instant is void."""
    _hold_open(tx, holder_id)
    row = tx.get(MessagePermission, (holder_id, template_id), with_for_update=True, populate_existing=True)
    if row is None or row.answered_at >= before:
        return False
    row.remaining, row.answer, row.answered_at = 0, REJECT, now
    tx.flush()
    return True


def permissions_of(tx: Session, holder_id: UUID) -> list[PermissionView]:
    """Every template of the programmes this member takes part in."""
    enrolled = {row.programme for row in identity.enrolments(tx, holder_id)}
    query = select(MessagePermission).where(MessagePermission.holder_id == holder_id)
    mine = {row.template_id: row for row in tx.scalars(query)}
    found: dict[str, list[str]] = {}
    kinds = {}
    for code, template in templates(tx).items():
        if code in enrolled:
            found.setdefault(template.template_id, []).append(code)
            kinds[template.template_id] = template.kind
    views = []
    for template_id, codes in found.items():
        row = mine.get(template_id)
        said = (row.remaining, row.answer, row.answered_at) if row else (0, None, None)
        views.append(PermissionView(template_id, tuple(codes), kinds[template_id], *said))
    return views


def _hold_open(tx: Session, holder_id: UUID) -> None:
    """Let nobody decide about this member's open warnings meanwhile: a tap must not be overlooked by who does."""
    mine = (ExpiryWarning.holder_id == holder_id, ExpiryWarning.state.in_((WAITING, IN_APP)))
    tx.execute(select(ExpiryWarning.id).where(*mine).order_by(ExpiryWarning.id).with_for_update()).all()


def _hold(tx: Session, holder_id: UUID, template_id: str, answer: str, now: datetime) -> MessagePermission:
    key = {"holder_id": holder_id, "template_id": template_id}
    blank = key | {"remaining": 0, "answer": answer, "answered_at": now}
    insert_rows(tx, MessagePermission, [blank], on_conflict=("holder_id", "template_id"))
    return tx.get_one(MessagePermission, (holder_id, template_id), with_for_update=True, populate_existing=True)


def _wake(tx: Session, holder_id: UUID, programmes: list[str], now: datetime) -> None:
    """What is shown in the mini-program only may go out as well, while the points are still there."""
    mine = (ExpiryWarning.holder_id == holder_id, ExpiryWarning.programme.in_(programmes))
    open_ones = (ExpiryWarning.state == IN_APP, ExpiryWarning.lapses_on > clock.day_of(now))
    statement = update(ExpiryWarning).where(*mine, *open_ones).values(state=WAITING, next_attempt_at=now)
    tx.execute(statement.execution_options(synchronize_session=False))
