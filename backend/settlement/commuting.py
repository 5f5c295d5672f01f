"""On which days a commute counts: what a programme says, announced before it begins, by two operators.

The day of the act chooses the terms and is looked up in the calendar, which does not change any more once a day has
begun: when an act arrives makes no difference.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import calendar_days, clock, identity, two_operators
from backend.approvals import Approval
from backend.identity import FINANCE, OperatorView
from backend.lists import insert_rows
from backend.settlement.errors import CommuteTermsChangedMeanwhile, CommuteTermsTooLate
from backend.settlement.models import CommuteTerms
from backend.two_operators import Done

COMMUTE = "settlement.commute_terms"
SCENE = "commute"
EVERY_DAY, WORKING_DAYS = "every_day", "working_days"
NOT_A_WORKING_DAY = "NOT_A_WORKING_DAY"


@dataclass(frozen=True, slots=True)
class CommuteTermsView:
    """One version of a programme's terms, as operators read it."""

    programme: str
    version: int
    announced_on: date
    in_force_from: date
    commute_days: str


def not_working(tx: Session, asked: Collection[tuple[str, date]]) -> set[tuple[str, date]]:
    """Those of these (programme, day of a commute) that do not count: at most two statements, none for no commutes."""
    if not asked:
        return set()
    terms = commute_terms(tx, {programme for programme, _ in asked})
    limited = {(programme, day) for programme, day in asked if _on(terms, programme, day) == WORKING_DAYS}
    counts = calendar_days.counting(tx, limited) if limited else {}
    return {item for item in limited if not counts[item]}


def commute_terms(tx: Session, programmes: Collection[str] | None = None) -> list[CommuteTermsView]:
    """Every version, of these programmes only where they are told, oldest first."""
    query = select(CommuteTerms).order_by(CommuteTerms.programme, CommuteTerms.version)
    if programmes is not None:
        query = query.where(CommuteTerms.programme.in_(sorted(programmes)))
    return [
        CommuteTermsView(row.programme, row.version, row.announced_on, row.in_force_from, row.commute_days)
        for row in tx.scalars(query)
    ]


def _on(terms: Collection[CommuteTermsView], programme: str, day: date) -> str:
    """The newest terms that had begun on this day."""
    begun = [item for item in terms if item.programme == programme and item.in_force_from <= day]
    newest = max(begun, key=lambda item: (item.in_force_from, item.version), default=None)
    return newest.commute_days if newest else EVERY_DAY


def request_commute_terms(
    tx: Session,
    *,
    programme: str,
    commute_days: str,
    in_force_from: date,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for other terms from a day on; returns the request that another operator decides.

    They do not begin before the newest ones. Raises OperatorNotAllowed, UnknownProgramme, CommuteTermsTooLate.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, programme)
    newest = _newest(tx, programme)
    _require_later(in_force_from, newest, now)
    facts: dict[str, Any] = {
        "programme": programme,
        "commute_days": commute_days,
        "in_force_from": in_force_from.isoformat(),
    }
    facts |= {"follows": newest.version if newest else 0}
    return two_operators.ask(tx, COMMUTE, facts, operator, reason, now)


def decide_commute_terms(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is announced on this day, in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, CommuteTermsTooLate,
    CommuteTermsChangedMeanwhile.
    """

    def announce(asked: Approval) -> Done:
        facts = asked.facts
        begins, newest = date.fromisoformat(facts["in_force_from"]), _newest(tx, facts["programme"])
        if (newest.version if newest else 0) != facts["follows"]:
            raise CommuteTermsChangedMeanwhile
        _require_later(begins, newest, now)
        save_commute_terms(
            tx,
            programme=facts["programme"],
            version=facts["follows"] + 1,
            commute_days=facts["commute_days"],
            in_force_from=begins,
            announced_on=clock.day_of(now),
            approval_id=request_id,
        )
        return Done()

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {COMMUTE: announce}, operator, granted, reason, now)


def save_commute_terms(
    tx: Session,
    *,
    programme: str,
    version: int,
    commute_days: str,
    in_force_from: date,
    announced_on: date | None = None,
    approval_id: UUID | None = None,
) -> None:
    """Write a version of a programme's terms. Raises CommuteTermsChangedMeanwhile where there is one already.

    This sets a house up, announced the day before they begin; what changes terms that members live by is
    `request_commute_terms`.
    """
    row = {
        "programme": programme,
        "version": version,
        "announced_on": announced_on or in_force_from - timedelta(days=1),
        "in_force_from": in_force_from,
        "commute_days": commute_days,
        "approval_id": approval_id,
    }
    key = ("programme", "version")
    if not insert_rows(tx, CommuteTerms, [row], on_conflict=key, returning=("version",)):
        raise CommuteTermsChangedMeanwhile


def _newest(tx: Session, programme: str) -> CommuteTermsView | None:
    found = commute_terms(tx, {programme})
    return found[-1] if found else None


def _require_later(begins: date, newest: CommuteTermsView | None, now: datetime) -> None:
    earliest = max(clock.day_of(now) + timedelta(days=1), newest.in_force_from if newest else date.min)
    if begins < earliest:
        raise CommuteTermsTooLate(earliest=earliest)
