"""The terms of declaring in a programme, dated: of those that have begun, the last one counts."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, identity, operator_log
from backend.declarations.errors import DeclarationTermsTooEarly
from backend.declarations.models import DeclarationTerms
from backend.declarations.policy import Terms
from backend.identity import ADMINISTRATOR, OperatorView
from backend.lists import insert_rows


def terms_on(tx: Session, programme: str, day: date) -> Terms:
    """A programme's terms on a day; those of the house where it has announced none."""
    begun = (DeclarationTerms.programme == programme, DeclarationTerms.in_force_from <= day)
    row = tx.scalar(select(DeclarationTerms).where(*begun).order_by(DeclarationTerms.in_force_from.desc()).limit(1))
    return Terms() if row is None else Terms(row.window_days, row.daily_acts)


def announce_terms(
    tx: Session,
    programme: str,
    terms: Terms,
    in_force_from: date,
    *,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> None:
    """Announce other terms, for days to come, and log it. Raises UnknownProgramme, DeclarationTermsTooEarly."""
    operator.require(ADMINISTRATOR)
    identity.require_programme(tx, programme)
    today = clock.day_of(now)
    row = {"programme": programme, "in_force_from": in_force_from, "announced_at": now}
    row |= {"window_days": terms.window_days, "daily_acts": terms.daily_acts}
    key = ("programme", "in_force_from")
    before = terms_on(tx, programme, in_force_from)
    if in_force_from <= today or not insert_rows(tx, DeclarationTerms, [row], on_conflict=key, returning=key):
        raise DeclarationTermsTooEarly(today=today.isoformat())
    said = [{"window_days": one.window_days, "daily_acts": one.daily_acts} for one in (before, terms)]
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="declaration.terms_announced",
        subject=f"programme {programme} from {in_force_from}",
        reason=reason,
        before=said[0],
        after=said[1],
        now=now,
    )
