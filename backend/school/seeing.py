"""Who sees a class: whoever acts for it, and who claimed a seat in it. To everybody else there is none."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.errors import NotFound
from backend.school.classes import ClassView, classes_on
from backend.school.seats import classes_seen

TEACHER, PUPIL = "teacher", "pupil"


def my_classes(tx: Session, person_id: UUID, *, now: datetime) -> list[tuple[ClassView, str]]:
    """The classes this person sees, and as what: `teacher`, or `pupil` for who claimed a seat, guardians as well."""
    accounts = identity.stewarded_accounts(tx, person_id, now=now)
    taught = classes_on(tx, clock.day_of(now), accounts) if accounts else []
    known = {view.id for view in taught}
    seen = [view for view in classes_seen(tx, person_id, now=now) if view.id not in known]
    return [(view, TEACHER) for view in taught] + [(view, PUPIL) for view in seen]


def require_sight(tx: Session, person_id: UUID, class_id: UUID, *, teaching: bool = False, now: datetime) -> ClassView:
    """The class, as somebody who sees it; with `teaching` as somebody who acts for it. NotFound otherwise."""
    for view, role in my_classes(tx, person_id, now=now):
        if view.id == class_id and (role == TEACHER or not teaching):
            return view
    raise NotFound
