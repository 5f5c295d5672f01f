"""Halts: a template WeChat finds fault with, or a day whose calls are used up, is not tried message after message."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.lists import insert_rows
from backend.member_messages.models import MessageHalt

#: Stands for every template.
EVERYTHING = "*"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Halt:
    """What is not sent, until when, and why."""

    template_id: str
    until: datetime
    reason: str


def halt(tx: Session, template_id: str, reason: str, *, until: datetime) -> None:
    """Send nothing of this template until then; what rests longer already stays so."""
    row = {"template_id": template_id, "until": until, "reason": reason}
    if not insert_rows(tx, MessageHalt, [row], on_conflict=("template_id",), returning=("template_id",)):
        shorter = (MessageHalt.template_id == template_id, MessageHalt.until < until)
        statement = update(MessageHalt).where(*shorter).values(until=until, reason=reason)
        tx.execute(statement.execution_options(synchronize_session=False))
    log.error("messages_halted", template=template_id, reason=reason)


def halts(tx: Session, *, now: datetime) -> dict[str, Halt]:
    """What is halted now, by template."""
    rows = tx.scalars(select(MessageHalt).where(MessageHalt.until > now).order_by(MessageHalt.template_id))
    return {row.template_id: Halt(row.template_id, row.until, row.reason) for row in rows}


def lift(tx: Session, template_id: str) -> bool:
    """Send again at once; False when nothing was halted."""
    statement = delete(MessageHalt).where(MessageHalt.template_id == template_id).returning(MessageHalt.template_id)
    return tx.scalar(statement.execution_options(synchronize_session=False)) is not None
