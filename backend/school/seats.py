"""Seats: pupils by number, of whom nothing is known, and who may see a class because of one.

A seat moves by the day. Its code is shown once, to whoever made it, and claims it once. Up to the eighth grade, where
pupils may be under fourteen, a guardian claims it, in a login of their own, for themselves or for their ward as well.

Locks: the keys of the persons, then the class account, then the seat.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.errors import NotFound
from backend.holdings import Held, held_rows
from backend.ids import new_id
from backend.lists import insert_rows
from backend.school.classes import ClassView, class_today, classes_on, require_class
from backend.school.errors import InvalidSeatCode, SeatLimitReached
from backend.school.models import Seat, SeatClaim, SeatPlace
from backend.vault import Vault

MOST_SEATS = 100
#: Up to this grade pupils may be under fourteen.
LAST_GUARDED_GRADE = 8


@dataclass(frozen=True, slots=True)
class NewSeat:
    """A seat just made; the code is told this once."""

    number: int
    code: str


def add_seats(tx: Session, vault: Vault, holder_id: UUID, count: int, *, since: date) -> list[NewSeat]:
    """So many seats more from this day on, each with its code. Raises UnknownClass, SeatLimitReached."""
    require_class(tx, holder_id, hold=True)
    numbers = _free_numbers(tx, holder_id, count)
    made = [NewSeat(number, identity.new_typed_code() + identity.new_typed_code()) for number in numbers]
    ids = [new_id() for _ in made]
    rows = [{"id": id, "code_index": _index(vault, seat.code)} for id, seat in zip(ids, made, strict=True)]
    insert_rows(tx, Seat, rows)
    _place(tx, holder_id, list(zip(numbers, ids, strict=True)), since)
    return made


def _leave(tx: Session, holder_id: UUID, number: int, last_day: date) -> UUID:
    """The pupil of this number is in the class up to this day; returns the seat."""
    mine = (SeatPlace.holder_id == holder_id, SeatPlace.number == number, SeatPlace.since <= last_day)
    ends = update(SeatPlace).where(*mine, SeatPlace.until.is_(None)).values(until=last_day)
    seat_id = tx.scalar(ends.returning(SeatPlace.seat_id).execution_options(synchronize_session=False))
    if seat_id is None:
        raise SeatLimitReached(number=number, day=last_day.isoformat())
    return seat_id


def move_seat(tx: Session, holder_id: UUID, number: int, to: UUID | None, *, since: date) -> int | None:
    """From this day on the pupil of this number is in another class, or in none; returns their number there.

    Raises UnknownClass, SeatLimitReached.
    """
    for account in sorted({holder_id, to or holder_id}):
        require_class(tx, account, hold=True)
    seat_id = _leave(tx, holder_id, number, since - timedelta(days=1))
    if to is None:
        return None
    (there,) = _free_numbers(tx, to, 1)
    _place(tx, to, [(there, seat_id)], since)
    return there


def _free_numbers(tx: Session, holder_id: UUID, count: int) -> list[int]:
    """Numbers nobody in the class ever had, so that a number means one pupil."""
    query = select(SeatPlace.number, SeatPlace.until).where(SeatPlace.holder_id == holder_id)
    rows = tx.execute(query).all()
    if sum(row.until is None for row in rows) + count > MOST_SEATS:
        raise SeatLimitReached(most=MOST_SEATS)
    first = max((row.number for row in rows), default=0) + 1
    return list(range(first, first + count))


def _place(tx: Session, holder_id: UUID, seats: Sequence[tuple[int, UUID]], since: date) -> None:
    rows = [{"holder_id": holder_id, "number": n, "since": since, "until": None, "seat_id": id} for n, id in seats]
    insert_rows(tx, SeatPlace, rows)


def seats_on(tx: Session, holder_id: UUID, days: Collection[date]) -> dict[date, int]:
    """How many seats the class has on each of these days."""
    query = select(SeatPlace.since, SeatPlace.until).where(SeatPlace.holder_id == holder_id)
    places = tx.execute(query).all()
    return {day: sum(p.since <= day and (p.until is None or day <= p.until) for p in places) for day in days}


@dataclass(frozen=True, slots=True)
class ClassSeats:
    """What a class is called where others see it, and how many seats it has on each day that was asked for."""

    title: str
    seats: dict[date, int]


def class_seats(tx: Session, holder_ids: Collection[UUID], days: Collection[date]) -> dict[UUID, ClassSeats]:
    """The seats of these classes on these days; accounts that are no class then are left out."""
    if not holder_ids or not days:
        return {}
    query = select(SeatPlace.holder_id, SeatPlace.since, SeatPlace.until).where(SeatPlace.holder_id.in_(holder_ids))
    places = tx.execute(query).all()
    found = {
        item.id: ClassSeats(f"{item.school_title} {item.grade} 年级 {item.number} 班", dict.fromkeys(days, 0))
        for item in classes_on(tx, max(days), list(holder_ids))
    }
    for place in places:
        for day in days if place.holder_id in found else ():
            found[place.holder_id].seats[day] += place.since <= day and (place.until is None or day <= place.until)
    return found


# -- claims --------------------------------------------------------------------------------------------------------


def claim_seat(
    tx: Session,
    vault: Vault,
    person_id: UUID,
    code: str,
    *,
    as_guardian: bool,
    ward_id: UUID | None = None,
    now: datetime,
) -> ClassView:
    """The holder of a seat's code sees its class from now on, and with `ward_id` that ward in a login of their own.

    Raises InvalidSeatCode, GuardianNeeded (who is under fourteen claims nothing, and in grades with pupils under
    fourteen it takes their guardian), NotFound for somebody who is not the caller's ward.
    """
    seeing = [person_id] if ward_id is None else [person_id, ward_id]
    if identity.hold_living(tx, seeing) != set(seeing):
        raise NotFound
    if identity.minor_until(tx, person_id, now=now) is not None:
        raise identity.GuardianNeeded
    if ward_id is not None:
        identity.require_ward(tx, person_id, ward_id, now=now)
    seat = tx.scalar(select(Seat).where(Seat.code_index == _index(vault, code)).with_for_update())
    place = None if seat is None else _place_of(tx, seat.id, clock.day_of(now))
    if seat is None or place is None:
        raise InvalidSeatCode
    found = class_today(tx, place, now=now)
    if found.grade <= LAST_GUARDED_GRADE and not as_guardian:
        raise identity.GuardianNeeded
    seat.code_index = None
    tx.flush()
    rows = [{"holder_id": one, "seat_id": seat.id, "given_by": person_id, "claimed_at": now} for one in seeing]
    insert_rows(tx, SeatClaim, rows, on_conflict=("holder_id", "seat_id"))
    return found


def renew_code(tx: Session, vault: Vault, holder_id: UUID, number: int, *, now: datetime) -> NewSeat:
    """Another code for a seat: whoever claimed it before sees the class no more. Raises as `add_seats`."""
    require_class(tx, holder_id, hold=True)
    today = clock.day_of(now)
    mine = (SeatPlace.holder_id == holder_id, SeatPlace.number == number, SeatPlace.since <= today)
    standing = or_(SeatPlace.until.is_(None), SeatPlace.until >= today)
    seat = tx.scalar(
        select(Seat).join(SeatPlace, SeatPlace.seat_id == Seat.id).where(*mine, standing).with_for_update()
    )
    if seat is None:
        raise SeatLimitReached(number=number, day=today.isoformat())
    made = NewSeat(number, identity.new_typed_code() + identity.new_typed_code())
    seat.code_index = _index(vault, made.code)
    tx.flush()
    tx.execute(delete(SeatClaim).where(SeatClaim.seat_id == seat.id))
    return made


def give_up_seats(tx: Session, person_id: UUID, holder_id: UUID) -> None:
    """The person, and whoever saw the class by their consent, sees this class no more. NotFound where nobody did."""
    in_class = select(SeatPlace.seat_id).where(SeatPlace.holder_id == holder_id)
    mine = or_(SeatClaim.holder_id == person_id, SeatClaim.given_by == person_id)
    gone = delete(SeatClaim).where(mine, SeatClaim.seat_id.in_(in_class)).returning(SeatClaim.seat_id)
    if not tx.execute(gone.execution_options(synchronize_session=False)).all():
        raise NotFound


def classes_seen(tx: Session, person_id: UUID, *, now: datetime) -> list[ClassView]:
    """The classes this person sees by a seat today. What a guardian consented to ends with the guardianship."""
    today = clock.day_of(now)
    standing = and_(SeatPlace.since <= today, or_(SeatPlace.until.is_(None), SeatPlace.until >= today))
    query = (
        select(SeatPlace.holder_id, SeatClaim.given_by)
        .join(SeatClaim, SeatClaim.seat_id == SeatPlace.seat_id)
        .where(SeatClaim.holder_id == person_id, standing)
    )
    ward = identity.minor_until(tx, person_id, now=now) is not None
    guardian = identity.guardian_of(tx, person_id) if ward else None
    seen = {row.holder_id for row in tx.execute(query) if row.given_by in (person_id, guardian)}
    return classes_on(tx, today, sorted(seen)) if seen else []


def _place_of(tx: Session, seat_id: UUID, day: date) -> UUID | None:
    """In which class a seat is on a day, or will be first behind it."""
    ahead = or_(SeatPlace.until.is_(None), SeatPlace.until >= day)
    query = select(SeatPlace.holder_id).where(SeatPlace.seat_id == seat_id, ahead).order_by(SeatPlace.since).limit(1)
    return tx.scalar(query)


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("school seat", identity.as_made_code(code))


def count_claimed(tx: Session, holder_id: UUID) -> int:
    """How many seats of a class were claimed, for operators: never which."""
    query = select(func.count(SeatClaim.seat_id.distinct())).join(SeatPlace, SeatPlace.seat_id == SeatClaim.seat_id)
    return tx.scalar(query.where(SeatPlace.holder_id == holder_id)) or 0


def forget(tx: Session, person_id: UUID) -> None:
    """Who is forgotten sees no class, and neither does whom they consented for."""
    tx.execute(delete(SeatClaim).where(or_(SeatClaim.holder_id == person_id, SeatClaim.given_by == person_id)))


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this person, as they are handed out."""
    return {"school_seat_claims": held_rows(tx, SeatClaim, holder_id, without=("given_by",))}
