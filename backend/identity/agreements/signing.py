"""An agreement begins and ends by two operators, because it stands in for the consents of everybody it is about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Text, or_, select
from sqlalchemy.orm import Session

from backend import clock, two_operators
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity.agreements.models import Agreement
from backend.identity.errors import AgreementsOverlap
from backend.identity.operators import ADMINISTRATOR, OperatorView
from backend.identity.persons import require_programme
from backend.lists import Columns, recordset
from backend.two_operators import Deed, Done

SIGN, END = "agreement.sign", "agreement.end"


@dataclass(frozen=True, slots=True)
class AgreementView:
    """An agreement as operators and members read it."""

    programme: str
    source: str
    in_force_from: date
    in_force_until: date | None
    document: str


def request(
    tx: Session,
    *,
    programme: str,
    source: str,
    in_force_from: date,
    in_force_until: date | None,
    document: str,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for an agreement to be entered; returns the request another administrator decides.

    Raises OperatorNotAllowed, UnknownProgramme, AgreementsOverlap.
    """
    operator.require(ADMINISTRATOR)
    require_programme(tx, programme)
    _require_free(tx, programme, source, in_force_from, in_force_until)
    facts = {"programme": programme, "source": source, "document": document}
    days = {"in_force_from": in_force_from.isoformat(), "in_force_until": _text(in_force_until)}
    return two_operators.ask(tx, SIGN, facts | days, operator, reason, now, about=_about(facts))


def request_end(
    tx: Session, *, programme: str, source: str, last_day: date, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for the open agreement to end with this day, today at the earliest; returns the request.

    Raises OperatorNotAllowed, NotFound.
    """
    operator.require(ADMINISTRATOR)
    if last_day < clock.day_of(now) or _on(tx, programme, source, last_day) is None:
        raise NotFound
    facts = {"programme": programme, "source": source, "last_day": last_day.isoformat()}
    return two_operators.ask(tx, END, facts, operator, reason, now, about=_about(facts))


def decide(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another administrator's decision about either; what is granted is done in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, AgreementsOverlap.
    """
    operator.require(ADMINISTRATOR)
    deeds: dict[str, Deed] = {SIGN: lambda asked: _sign(tx, asked, now), END: lambda asked: _end(tx, asked, now)}
    return two_operators.decide(tx, request_id, deeds, operator, granted, reason, now, about=_about)


def _about(facts: Mapping[str, Any]) -> str:
    return f"{facts['programme']} {facts['source']}"


def _sign(tx: Session, asked: Approval, now: datetime) -> Done:
    facts = asked.facts
    until = facts["in_force_until"]
    agreement = AgreementView(
        programme=str(facts["programme"]),
        source=str(facts["source"]),
        in_force_from=date.fromisoformat(str(facts["in_force_from"])),
        in_force_until=date.fromisoformat(str(until)) if until else None,
        document=str(facts["document"]),
    )
    sign(tx, agreement, approval_id=asked.id, now=now)
    return Done()


def sign(tx: Session, agreement: AgreementView, *, approval_id: UUID | None = None, now: datetime) -> None:
    """Enter an agreement. Raises AgreementsOverlap where another one with the source covers one of its days."""
    _require_free(tx, agreement.programme, agreement.source, agreement.in_force_from, agreement.in_force_until)
    tx.add(Agreement(**asdict(agreement), approval_id=approval_id, signed_at=now))
    tx.flush()


def _end(tx: Session, asked: Approval, now: datetime) -> Done:
    last_day = max(date.fromisoformat(str(asked.facts["last_day"])), clock.day_of(now))
    row = _on(tx, str(asked.facts["programme"]), str(asked.facts["source"]), last_day)
    if row is None:
        raise NotFound
    before = {"in_force_until": _text(row.in_force_until)}
    row.in_force_until = last_day
    tx.flush()
    return Done(before)


def agreements_of(tx: Session, programme: str | None = None) -> list[AgreementView]:
    """Every agreement, or those of a programme, by source and day."""
    query = select(Agreement).order_by(Agreement.programme, Agreement.source, Agreement.in_force_from)
    if programme is not None:
        query = query.where(Agreement.programme == programme)
    return [
        AgreementView(row.programme, row.source, row.in_force_from, row.in_force_until, row.document)
        for row in tx.scalars(query)
    ]


def hold_agreements(tx: Session, wanted: Collection[tuple[str, str, date]]) -> set[tuple[str, str, date]]:
    """Those of these (programme, source, day of the act) that an agreement covers.

    Held (shared) until commit: an end of the agreement waits, or has been seen.
    """
    if not wanted:
        return set()
    columns: Columns = {"programme": Text(), "source": Text(), "day": Date()}
    given = recordset(tx, "wanted", columns, sorted(set(wanted)))
    query = (
        select(given.c.programme, given.c.source, given.c.day)
        .join_from(given, Agreement, (Agreement.programme == given.c.programme) & (Agreement.source == given.c.source))
        .where(Agreement.in_force_from <= given.c.day)
        .where(or_(Agreement.in_force_until.is_(None), Agreement.in_force_until >= given.c.day))
        .order_by(Agreement.programme, Agreement.source, Agreement.in_force_from)
        .with_for_update(read=True, of=Agreement)
    )
    return {(row.programme, row.source, row.day) for row in tx.execute(query)}


def _on(tx: Session, programme: str, source: str, day: date) -> Agreement | None:
    """The agreement that covers a day, held."""
    query = select(Agreement).where(
        Agreement.programme == programme,
        Agreement.source == source,
        Agreement.in_force_from <= day,
        or_(Agreement.in_force_until.is_(None), Agreement.in_force_until >= day),
    )
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def _require_free(tx: Session, programme: str, source: str, first: date, last: date | None) -> None:
    for row in _standing(tx, programme, source):
        ends = row.in_force_until or date.max - timedelta(days=1)
        if row.in_force_from <= (last or date.max) and first <= ends:
            raise AgreementsOverlap(source=source, in_force_from=row.in_force_from.isoformat())


def _standing(tx: Session, programme: str, source: str) -> Sequence[Agreement]:
    mine = (Agreement.programme == programme, Agreement.source == source)
    return list(tx.scalars(select(Agreement).where(*mine).with_for_update()))


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
