"""Classes: what a teacher confirms for a class, and what a class sees of itself. Nobody else sees anything of it."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import ValidationError

from backend import activities, clock, school
from backend.activities import ActRefused
from backend.errors import NotFound
from backend.identity import GuardianNeeded
from backend.school import (
    Confirmed,
    DayNotOpen,
    InvalidSeatCode,
    MorePupilsThanSeats,
    NoDistanceSet,
    NoSchoolAgreement,
    NotASchoolDay,
    Teacher,
    Totals,
)
from backend.settlement import ReversalIsFinal
from miniprogram_api.caller import house, member
from miniprogram_api.class_schemas import (
    ClassesSchema,
    ClassSchema,
    ClassTotalsSchema,
    ConfirmationsSchema,
    ConfirmedSchema,
    DaysQuery,
    FewDaysQuery,
    FigureSchema,
    HandInSchema,
    SeatCodeSchema,
    TermsSchema,
    TripsSchema,
)
from miniprogram_api.fields import CODE, Day, text
from miniprogram_api.parsing import InvalidRequest
from miniprogram_api.resource import Resource, nothing

resource = Resource("classes", __name__, description="班级 / Classes")

_CLASS = "/classes/<uuid:class_id>"
_TRIPS = _CLASS + "/trips/<day>/<direction>/<mode>"
_BAG = _CLASS + "/hand-ins/<bag_code>"
#: What confirming may be refused with.
_CONFIRMING = (NotFound, InvalidRequest, DayNotOpen, NoSchoolAgreement, ReversalIsFinal, ActRefused)


@resource.operation("GET", "/classes", answers=ClassesSchema)
def classes() -> dict[str, Any]:
    """The classes I teach, and those I see by a seat"""
    with house().transaction() as tx:
        found = school.my_classes(tx, member().holder_id, now=clock.now())
    return {"classes": [_told(view, role) for view, role in found]}


@resource.operation("GET", _CLASS + "/totals", answers=ClassTotalsSchema, refuses=(NotFound,))
@resource.query(DaysQuery)
def totals(query: dict[str, Any], class_id: UUID) -> dict[str, Any]:
    """What the class brought about, day by day added up"""
    with house().transaction() as tx:
        school.require_sight(tx, member().holder_id, class_id, now=clock.now())
        return _totals(school.totals(tx, class_id, query["first_day"], query["last_day"], now=clock.now()))


@resource.operation("GET", _CLASS + "/confirmations", answers=ConfirmationsSchema, refuses=(NotFound,))
@resource.query(FewDaysQuery)
def confirmations(query: dict[str, Any], class_id: UUID) -> dict[str, Any]:
    """What was confirmed for a class I teach, newest day first"""
    with house().transaction() as tx:
        school.require_sight(tx, member().holder_id, class_id, teaching=True, now=clock.now())
        found = school.confirmations(tx, class_id, query["first_day"], query["last_day"], now=clock.now())
    return {"confirmations": found}


@resource.operation("GET", _CLASS + "/terms", answers=TermsSchema, refuses=(NotFound,))
def terms(class_id: UUID) -> dict[str, Any]:
    """The terms of the class's school"""
    with house().transaction() as tx:
        view = school.require_sight(tx, member().holder_id, class_id, now=clock.now())
        return {"terms": school.terms_of(tx, view.school)}


@resource.operation("GET", _CLASS + "/terms/<code>/report", answers=ClassTotalsSchema, refuses=(NotFound,))
def term_report(class_id: UUID, code: str) -> dict[str, Any]:
    """The report of a term: by scenario, methodology version and evidence grade"""
    return _totals(_report(class_id, code))


@resource.operation("GET", _CLASS + "/terms/<code>/report.html", answers=None, refuses=(NotFound,))
def printed_report(class_id: UUID, code: str) -> Response:
    """The report of a term as a page to print"""
    response = Response(school.report_page(code, _report(class_id, code)), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


@resource.operation(
    "PUT",
    _TRIPS,
    answers=ConfirmedSchema,
    refuses=(*_CONFIRMING, NotASchoolDay, MorePupilsThanSeats, NoDistanceSet),
)
@resource.body(TripsSchema)
def confirm_trips(body: dict[str, Any], class_id: UUID, day: str, direction: str, mode: str) -> Confirmed:
    """Confirm how many pupils came to school, or went home, by a mode

    The same number again changes nothing, another one corrects it, and what it earned with it.
    """
    told = _day(day)
    _known(direction, mode)
    return school.confirm_trips(
        house().sessions, house().vault, _teacher(class_id), told, direction, mode, body["pupils"]
    )


@resource.operation("DELETE", _TRIPS, answers=ConfirmedSchema, refuses=_CONFIRMING)
def undo_trips(class_id: UUID, day: str, direction: str, mode: str) -> Confirmed:
    """Take back what was confirmed of a mode on a day"""
    told = _day(day)
    _known(direction, mode)
    return school.undo_trips(house().sessions, house().vault, _teacher(class_id), told, direction, mode)


@resource.operation("PUT", _BAG, answers=ConfirmedSchema, refuses=_CONFIRMING)
@resource.body(HandInSchema)
def confirm_hand_in(body: dict[str, Any], class_id: UUID, bag_code: str) -> Confirmed:
    """Confirm a bag the class handed in, under the code on it

    A bag counts once, also where a scale reports it too; the same bag again corrects what was said of it.
    """
    bag, day = _bag(bag_code), body.pop("day")
    return school.confirm_hand_in(house().sessions, house().vault, _teacher(class_id), bag, day, body)


@resource.operation("DELETE", _BAG, answers=ConfirmedSchema, refuses=_CONFIRMING)
def undo_hand_in(class_id: UUID, bag_code: str) -> Confirmed:
    """Take back what was confirmed of a bag"""
    return school.undo_hand_in(house().sessions, house().vault, _teacher(class_id), _bag(bag_code))


@resource.operation(
    "POST", "/me/class-seats", answers=ClassSchema, status=201, refuses=(InvalidSeatCode, GuardianNeeded, NotFound)
)
@resource.body(SeatCodeSchema)
def claim_seat(body: dict[str, Any]) -> dict[str, Any]:
    """See the class of a seat, by the code the school handed out

    Up to the eighth grade a guardian does so. Nothing is kept of the pupil.
    """
    code, how = body.pop("code"), body
    with house().transaction() as tx:
        view = school.claim_seat(tx, house().vault, member().holder_id, code, **how, now=clock.now())
    return _told(view, "pupil")


@resource.operation("DELETE", "/me/class-seats/<uuid:class_id>", answers=None, status=204, refuses=(NotFound,))
def give_up_seat(class_id: UUID) -> Response:
    """See a class no more; nor does whom I let see it"""
    with house().transaction() as tx:
        school.give_up_seats(tx, member().holder_id, class_id)
    return nothing()


def _teacher(class_id: UUID) -> Teacher:
    return Teacher(member().holder_id, member().session_id, class_id)


def _report(class_id: UUID, code: str) -> Totals:
    with house().transaction() as tx:
        school.require_sight(tx, member().holder_id, class_id, now=clock.now())
        return school.report(tx, class_id, code, now=clock.now())


def _told(view: Any, role: str) -> dict[str, Any]:
    names = ("id", "programme", "school", "school_title", "school_year", "grade", "number")
    return {name: getattr(view, name) for name in names} | {"role": role}


def _totals(found: Totals) -> dict[str, Any]:
    names = ("first_day", "last_day", "seats", "average_g", "acts", "reduction_g")
    told: dict[str, Any] = {name: getattr(found, name) for name in names}
    figures = [
        {name: getattr(figure, name) for name in FigureSchema().fields if name != "title"}
        | {"title": activities.methodology_title(figure.methodology)}
        for figure in found.figures
    ]
    return told | {"smallest_class": found.about.smallest_class, "figures": figures}


def _day(value: str) -> date:
    try:
        day: date = Day().deserialize(value)
    except ValidationError as error:
        raise InvalidRequest(errors={"day": error.messages}) from None
    return day


def _known(direction: str, mode: str) -> None:
    if direction not in school.DIRECTIONS or mode not in school.MODES:
        raise NotFound


def _bag(bag_code: str) -> str:
    try:
        bag: str = text(64, CODE).deserialize(bag_code)
    except ValidationError as error:
        raise InvalidRequest(errors={"bag_code": error.messages}) from None
    return bag
