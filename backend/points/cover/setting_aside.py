"""What an issuer states it set aside for a point, in money; and whether its cover page is shown to everybody."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock, identity, operator_log
from backend.identity import FINANCE, OperatorView
from backend.lists import insert_rows
from backend.points.cover.models import CoverSwitch, SetAside
from backend.points.errors import InvalidSetAside

#: A thousand yuan for a point; what is above it is a slip of the keyboard.
LARGEST_FEN = 100_000_000


def check_set_aside(tx: Session, programme: str, fen: int, from_day: date, *, now: datetime) -> None:
    """Raises UnknownProgramme, InvalidSetAside: nothing is stated about days that are past."""
    identity.require_programme(tx, programme)
    if not 0 <= fen <= LARGEST_FEN or from_day < clock.day_of(now):
        raise InvalidSetAside(today=clock.day_of(now).isoformat())


def set_aside(
    tx: Session, programme: str, fen: int, from_day: date, *, now: datetime, approval_id: UUID | None = None
) -> None:
    """State that `fen` are set aside for 1,000 points from this day on. Raises UnknownProgramme, InvalidSetAside."""
    check_set_aside(tx, programme, fen, from_day, now=now)
    row = {"programme": programme, "in_force_from": from_day, "fen_per_1000_points": fen}
    row |= {"approval_id": approval_id, "stated_at": now}
    last = select(func.max(SetAside.sequence)).where(SetAside.programme == programme)
    while not _add(tx, SetAside, (tx.scalar(last) or 0) + 1, row):
        pass


def set_aside_on(tx: Session, programme: str, day: date) -> int | None:
    """Fen per 1,000 points as stated for this day, or None: nothing was stated."""
    query = select(SetAside.fen_per_1000_points).where(SetAside.programme == programme, SetAside.in_force_from <= day)
    return tx.scalar(query.order_by(SetAside.in_force_from.desc(), SetAside.sequence.desc()).limit(1))


def cover_is_shown(tx: Session, programme: str) -> bool:
    """Whether everybody may read the cover page of this programme; not before somebody says so."""
    return _newest_switch(tx, programme)[1]


def _newest_switch(tx: Session, programme: str) -> tuple[int, bool]:
    """The number of the last switch, 0 before the first, and whether it shows the page."""
    query = select(CoverSwitch.sequence, CoverSwitch.shown).where(CoverSwitch.programme == programme)
    row = tx.execute(query.order_by(CoverSwitch.sequence.desc()).limit(1)).one_or_none()
    return (row.sequence, row.shown) if row else (0, False)


def show_cover(tx: Session, programme: str, shown: bool, *, operator: OperatorView, reason: str, now: datetime) -> None:
    """Show the cover page to everybody, or no longer. Raises OperatorNotAllowed, UnknownProgramme.

    One operator and a line in the log are enough: the page shows what the books say, moves no point and names nobody,
    and taking it down must not wait for a second person.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, programme)
    row = {"programme": programme, "shown": shown, "operator_id": operator.id, "switched_at": now}
    while True:
        last, before = _newest_switch(tx, programme)
        if before == shown:
            return
        if _add(tx, CoverSwitch, last + 1, row):
            break
    action, subject = f"points.cover_{'shown' if shown else 'hidden'}", f"programme {programme}"
    told = {"before": {"shown": before}, "after": {"shown": shown}}
    operator_log.write(tx, operator_id=operator.id, action=action, subject=subject, reason=reason, now=now, **told)


def _add(tx: Session, table: type[SetAside | CoverSwitch], sequence: int, row: Mapping[str, Any]) -> bool:
    """Add a row under this number; False when another one was added under it meanwhile, for whom this one waited."""
    rows = [{**row, "sequence": sequence}]
    return bool(insert_rows(tx, table, rows, on_conflict=("programme", "sequence"), returning=("sequence",)))
