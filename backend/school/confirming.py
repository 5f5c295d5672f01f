"""What teachers confirm: how many pupils came on foot, by bicycle or by bus, and what the class handed in.

Of trips a number is kept per day, direction and mode, never who: their distance is the school's average. Of hand-ins
the bag or slip is named. Each is an order of its own whose later revisions correct or cancel it, so whatever was
credited goes back as one chain. Locks: as `identity.act_for`, then as settlement.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, calendar_days, clock, identity, settlement
from backend.activities import ActRefused, Contended, StandingLine
from backend.database import retried
from backend.errors import NotFound
from backend.identity import Acting, Receiver
from backend.ids import new_id
from backend.school.classes import MODES, distance_on, require_class, require_school, terms_of
from backend.school.errors import (
    DayNotOpen,
    MorePupilsThanSeats,
    NoDistanceSet,
    NoSchoolAgreement,
    NotASchoolDay,
)
from backend.school.models import SchoolClass
from backend.school.seats import seats_on
from backend.settlement import Draft, Outcome, ReversalIsFinal, Statement
from backend.vault import Vault

#: Where all of this comes from; a partner cannot be called so.
SOURCE = "house:class"
DIRECTIONS = ("to_school", "from_school")
#: Weighed by the teacher; what is counted are books.
STREAMS = ("cardboard", "paper", "plastic_bottle", "clothes")
#: How many days behind a day it can be confirmed.
OPEN_DAYS = 14
_NOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Teacher:
    """Who confirms: a login of a person who acts for the class."""

    person_id: UUID
    session_id: UUID
    class_id: UUID


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of a confirmation: issued, outdone (why: `reason`), duplicate or cancelled."""

    status: str
    reason: str | None
    reduction_g: int
    points: int
    revision: int


def confirm_trips(
    sessions: sessionmaker[Session], vault: Vault, teacher: Teacher, day: date, direction: str, mode: str, pupils: int
) -> Confirmed:
    """So many pupils of the class came (or went home) so; the same again changes nothing, another number corrects it.

    Raises NotFound (not theirs), DayNotOpen, NotASchoolDay, NoDistanceSet, MorePupilsThanSeats, NoSchoolAgreement,
    ActRefused.
    """

    def act(tx: Session, now: datetime) -> Confirmed:
        account, acting = _open(tx, teacher, now)
        _require_open(day, now)
        _require_school_day(tx, account, acting.programme, day)
        distance_m = distance_on(tx, account.school, mode, day)
        if distance_m is None:
            raise NoDistanceSet(mode=mode, day=day.isoformat())
        seats = seats_on(tx, account.holder_id, [day])[day]
        if _others(tx, teacher.class_id, day, direction, mode) + pupils > seats:
            raise MorePupilsThanSeats(seats=seats)
        data: dict[str, str | int] = {
            "mode": mode,
            "pupils": pupils,
            "distance_km": f"{distance_m // 1000}.{distance_m % 1000:03}",
        }
        order_no = _trip_order(teacher.class_id, day, direction, mode)
        named = {"partner": SOURCE, "order_no": order_no, "line": "1"}
        draft = Draft("class_trips", data, named, clock.start_of(day) + _NOON, "E2")
        return _state(tx, vault, acting, order_no, draft, now=now)

    return _settled(sessions, act)


def confirm_hand_in(
    sessions: sessionmaker[Session], vault: Vault, teacher: Teacher, bag_code: str, day: date, what: dict[str, Any]
) -> Confirmed:
    """The class handed in a bag: `stream` and `weight_kg`, or `books`. The same bag again corrects what was said of it.

    A bag counts once, whoever reports it: a scale's word is better evidence than a teacher's. Raises NotFound,
    DayNotOpen, NoSchoolAgreement, ActRefused.
    """

    def act(tx: Session, now: datetime) -> Confirmed:
        _, acting = _open(tx, teacher, now)
        _require_open(day, now)
        occurred_at = min(clock.start_of(day) + _NOON, now)
        if "books" in what:
            data: dict[str, str | int] = {"quantity": what["books"]}
            draft = Draft("book_donation", data, activities.bag_named(bag_code), occurred_at, "E2")
        else:
            data = {"stream": what["stream"], "weight_kg": what["weight_kg"]}
            draft = Draft("school_recycling", data, activities.bag_named(bag_code), occurred_at, "E2")
        return _state(tx, vault, acting, _bag_order(teacher.class_id, bag_code), draft, now=now)

    return _settled(sessions, act)


def undo_trips(
    sessions: sessionmaker[Session], vault: Vault, teacher: Teacher, day: date, direction: str, mode: str
) -> Confirmed:
    """Take back what was confirmed. Raises NotFound, also where nothing stands."""
    return _undo(sessions, vault, teacher, _trip_order(teacher.class_id, day, direction, mode))


def undo_hand_in(sessions: sessionmaker[Session], vault: Vault, teacher: Teacher, bag_code: str) -> Confirmed:
    """Take back what was confirmed. Raises NotFound, also where nothing stands."""
    return _undo(sessions, vault, teacher, _bag_order(teacher.class_id, bag_code))


def _undo(sessions: sessionmaker[Session], vault: Vault, teacher: Teacher, order_no: str) -> Confirmed:
    def act(tx: Session, now: datetime) -> Confirmed:
        _, acting = _open(tx, teacher, now)
        return _state(tx, vault, acting, order_no, None, now=now)

    return _settled(sessions, act)


def _settled(sessions: sessionmaker[Session], act: Callable[[Session, datetime], Confirmed]) -> Confirmed:
    """What `act` says, in a transaction of its own; begun again when another batch was in its way."""
    return retried(sessions, lambda tx: act(tx, clock.now()), also_after=(Contended,))


def _open(tx: Session, teacher: Teacher, now: datetime) -> tuple[SchoolClass, Acting]:
    """The class with whoever acts for it, held: what one class confirms comes one after the other."""
    if teacher.class_id == teacher.person_id:
        raise NotFound
    account = require_class(tx, teacher.class_id)
    programme = require_school(tx, account.school).programme
    who = {"person_id": teacher.person_id, "session_id": teacher.session_id, "account_id": teacher.class_id}
    return account, identity.act_for(tx, **who, programme=programme, now=now)


def _require_open(day: date, now: datetime) -> None:
    today = clock.day_of(now)
    if not today - timedelta(days=OPEN_DAYS) <= day <= today:
        raise DayNotOpen(day=day.isoformat())


def _require_school_day(tx: Session, account: SchoolClass, programme: str, day: date) -> None:
    in_term = any(term.first_day <= day <= term.last_day for term in terms_of(tx, account.school))
    if not in_term or not calendar_days.counting(tx, [(programme, day)])[programme, day]:
        raise NotASchoolDay(day=day.isoformat())


def _others(tx: Session, class_id: UUID, day: date, direction: str, mode: str) -> int:
    """How many pupils went by other modes, as it stands."""
    orders = [_trip_order(class_id, day, direction, other) for other in MODES if other != mode]
    found = activities.standing_lines(tx, SOURCE, orders).values()
    return sum(int(line.data["pupils"]) for lines in found for line in lines if line.status in activities.STANDING)


def _trip_order(class_id: UUID, day: date, direction: str, mode: str) -> str:
    return f"trip:{class_id}:{day.isoformat()}:{direction}:{mode}"


def _bag_order(class_id: UUID, bag_code: str) -> str:
    return f"bag:{class_id}:{bag_code.strip().upper()}"


def _state(
    tx: Session, vault: Vault, acting: Acting, order_no: str, draft: Draft | None, *, now: datetime
) -> Confirmed:
    """Settle the next revision of an order of one line; None cancels it."""
    lines = activities.standing_lines(tx, SOURCE, [order_no]).get(order_no, [])
    before = lines[0] if lines else None
    if draft is None and (before is None or before.status not in activities.STANDING):
        raise NotFound
    if before is not None and before.status == activities.TAKEN_BACK:
        raise ReversalIsFinal
    statement = _statement(vault, acting, order_no, draft, now)
    if before is not None:
        if draft is not None and _same(tx, before, draft):
            return Confirmed("duplicate", "DUPLICATE_LINE", before.credits.reduction_g, 0, before.revision)
        rank = activities.CANCELLED if draft is None else activities.CORRECTED
        statement = replace(statement, revision=before.revision + 1, rank=rank, order_type=None)
    (outcome,) = settlement.settle(tx, vault, [statement], now=now)
    _refuse(outcome)
    return Confirmed(outcome.status, outcome.code, outcome.reduction_g, outcome.points, statement.revision)


def _same(tx: Session, before: StandingLine, draft: Draft) -> bool:
    """Whether what stands says the same already."""
    if before.status not in activities.STANDING or before.activity is None:
        return False
    act = activities.load(tx, [before.activity])[before.activity]
    said = (act.methodology, act.data, act.day)
    return said == (draft.methodology, activities.canonical_data(draft.data), clock.day_of(draft.occurred_at))


def _refuse(outcome: Outcome) -> None:
    if outcome.status == "parked":
        raise NoSchoolAgreement
    if outcome.status == "refused":
        raise ActRefused(outcome.code or "REFUSED")


def _statement(vault: Vault, acting: Acting, order_no: str, draft: Draft | None, now: datetime) -> Statement:
    evidence = {"source": "teacher", "confirmed_by": str(acting.person_id), "received_at": clock.iso(now)}
    said = [order_no, None if draft is None else [draft.methodology, dict(draft.data), draft.occurred_at.isoformat()]]
    return Statement(
        source_id=new_id(),
        partner=SOURCE,
        order_no=order_no,
        line="1",
        revision=1,
        rank=activities.ORIGINAL,
        order_type="class.confirmed",
        receiver=Receiver(acting.holder_id, acting.programme, acting.wrapped_key),
        content_hash=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest(),
        evidence=json.dumps(evidence, sort_keys=True),
        translate=None if draft is None else (lambda _: draft),
        rests_on=activities.AGREEMENT,
    )
