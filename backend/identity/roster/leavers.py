"""What becomes of a leaver's points: they may be redeemed for a while behind the last day, and then they lapse.

How long is the programme's to say, in dated terms; those of the last day hold for a leaver, so nobody who has left
loses by terms that come later. Once somebody has left, their lots lapse with that time, and the warnings that points
lapse tell them so before. Who is employed again may redeem again.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.identity.persons import require_programme
from backend.identity.roster.errors import StaffTermEnded, TermsBackdated
from backend.identity.roster.models import StaffMember, StaffTerms
from backend.lists import upsert_rows

#: Where a programme has said nothing.
LEAVER_KEEPS_DAYS = 90
#: How long behind its end a leaver's time is looked after: points that come back late lapse with the others.
LOOKED_AFTER = timedelta(days=400)


def set_terms(tx: Session, programme: str, *, in_force_from: date, leaver_keeps_days: int, now: datetime) -> None:
    """How long those who leave on this day or later keep their points. Raises UnknownProgramme, TermsBackdated."""
    require_programme(tx, programme)
    if in_force_from <= clock.day_of(now):
        raise TermsBackdated(in_force_from=in_force_from.isoformat())
    row = {"programme": programme, "in_force_from": in_force_from, "leaver_keeps_days": leaver_keeps_days}
    upsert_rows(tx, StaffTerms, [row | {"announced_at": now}], key=("programme", "in_force_from"))


def require_term(tx: Session, programme: str, holder_id: UUID, *, now: datetime) -> None:
    """StaffTermEnded when the holder has left, and the time to redeem is over; nothing for who is on no roster."""
    last = _left(tx, programme, [holder_id], clock.day_of(now)).get(holder_id)
    if last is not None and clock.day_of(now) > (until := _until(last, _terms(tx, programme))):
        raise StaffTermEnded(until=until.isoformat())


def leavers(tx: Session, *, now: datetime) -> list[tuple[UUID, str, date]]:
    """Whose account in which programme may redeem up to which day, of those who have left."""
    today = clock.day_of(now)
    found = []
    for programme in tx.scalars(select(StaffMember.programme).distinct().order_by(StaffMember.programme)):
        terms = _terms(tx, programme)
        untils = {holder_id: _until(last, terms) for holder_id, last in _left(tx, programme, None, today).items()}
        found += [(holder, programme, until) for holder, until in untils.items() if until + LOOKED_AFTER >= today]
    return sorted(found)


def _left(tx: Session, programme: str, holder_ids: Sequence[UUID] | None, today: date) -> dict[UUID, date]:
    """The last day of everybody who is not employed any more."""
    member = StaffMember
    employed = func.count().filter(or_(member.last_day.is_(None), member.last_day >= today))
    query = (
        select(member.holder_id, func.max(member.last_day))
        .where(member.programme == programme, member.holder_id.is_not(None))
        .group_by(member.holder_id)
        .having(employed == 0)
    )
    if holder_ids is not None:
        query = query.where(member.holder_id.in_(holder_ids))
    return {holder_id: last for holder_id, last in tx.execute(query) if holder_id is not None and last is not None}


def _terms(tx: Session, programme: str) -> list[tuple[date, int]]:
    query = select(StaffTerms.in_force_from, StaffTerms.leaver_keeps_days).where(StaffTerms.programme == programme)
    return [(row.in_force_from, row.leaver_keeps_days) for row in tx.execute(query.order_by(StaffTerms.in_force_from))]


def _until(last: date, terms: Sequence[tuple[date, int]]) -> date:
    keeps = [days for since, days in terms if since <= last]
    return last + timedelta(days=keeps[-1] if keeps else LEAVER_KEEPS_DAYS)
