"""Forest projects: setting them up, offering more trees, closing, and what their surveys found."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import bilingual, clock, identity
from backend.forest.errors import ForestNotFound, InvalidForestProject, InvalidSurvey
from backend.forest.models import ForestAdopter, ForestProject, ForestSurvey
from backend.lists import insert_rows

#: How many projects of a programme are listed.
MOST_LISTED = 100


def save_project(
    tx: Session,
    *,
    code: str,
    programme: str,
    title: str,
    place: str,
    species: str,
    organisation: str,
    steps_per_tree: int,
    trees_offered: int,
    smallest_donation: int = 1_000,
    opens_on: date,
    closes_on: date | None = None,
) -> bool:
    """Set a project up; one that is there already is left as it is, and False. Texts are `中文 / English`.

    Raises UnknownProgramme, InvalidForestProject.
    """
    identity.require_programme(tx, programme)
    for field, text in {"title": title, "place": place, "species": species, "organisation": organisation}.items():
        if " / " not in text:
            raise InvalidForestProject(field=field, problem="中文 / English")
    numbers = {"steps_per_tree": steps_per_tree, "trees_offered": trees_offered, "smallest_donation": smallest_donation}
    for field, number in numbers.items():
        if not 0 < number <= 1_000_000_000:
            raise InvalidForestProject(field=field, problem="a positive whole number")
    if smallest_donation > steps_per_tree or (closes_on is not None and closes_on < opens_on):
        raise InvalidForestProject(field="smallest_donation, closes_on", problem="above the price, before opens_on")
    texts = {"title": title, "place": place, "species": species, "organisation": organisation}
    days = {"opens_on": opens_on, "closes_on": closes_on}
    row = {"code": code, "programme": programme, **texts, **numbers, "trees_adopted": 0, **days}
    return bool(insert_rows(tx, ForestProject, [row], on_conflict=("code",), returning=("code",)))


def require_project(tx: Session, code: str) -> ForestProject:
    """The project, or ForestNotFound."""
    found = None if "\0" in code else tx.get(ForestProject, code, populate_existing=True)
    if found is None:
        raise ForestNotFound
    return found


def takes_steps(project: ForestProject, day: date) -> bool:
    """Whether steps can be donated on a day."""
    return project.opens_on <= day and (project.closes_on is None or day <= project.closes_on)


def change_project(
    tx: Session, code: str, *, trees_offered: int | None, closes_on: date | None
) -> tuple[dict[str, object], dict[str, object]]:
    """Offer more trees, or close with a day. Returns how it stood and stands. InvalidForestProject for fewer trees."""
    project = tx.get(ForestProject, code, with_for_update=True, populate_existing=True)
    if project is None:
        raise ForestNotFound
    before: dict[str, object] = {"trees_offered": project.trees_offered, "closes_on": project.closes_on}
    if trees_offered is not None:
        if not project.trees_offered <= trees_offered <= 1_000_000_000:
            raise InvalidForestProject(field="trees_offered", problem="what was offered stays offered")
        project.trees_offered = trees_offered
    project.closes_on = closes_on or project.closes_on
    tx.flush()
    return before, {"trees_offered": project.trees_offered, "closes_on": project.closes_on}


def report_survival(
    tx: Session, code: str, *, surveyed_on: date, alive: int, counted: int, note: str, now: datetime
) -> None:
    """Enter what a survey found. Raises ForestNotFound; InvalidSurvey for one of the future, or told before."""
    require_project(tx, code)
    if not 0 <= alive <= counted or counted < 1 or surveyed_on > clock.day_of(now):
        raise InvalidSurvey(alive=alive, counted=counted, surveyed_on=surveyed_on)
    row = {"project": code, "surveyed_on": surveyed_on, "alive": alive, "counted": counted, "note": note}
    key = ("project", "surveyed_on")
    added = insert_rows(tx, ForestSurvey, [row | {"reported_at": now}], on_conflict=key, returning=("project",))
    if not added:
        raise InvalidSurvey(surveyed_on=surveyed_on, problem="this day was reported before")


def projects_of(tx: Session, programme: str, holder_id: Any, *, today: date) -> list[dict[str, Any]]:
    """The projects of a programme as a member sees them, newest first."""
    query = select(ForestProject).where(ForestProject.programme == programme)
    query = query.order_by(ForestProject.opens_on.desc(), ForestProject.code).limit(MOST_LISTED)
    found = list(tx.scalars(query.execution_options(populate_existing=True)))
    mine = select(ForestAdopter).where(ForestAdopter.adopter_id == holder_id)
    gathered = {row.project: row.gathered for row in tx.scalars(mine)}
    surveys = latest_surveys(tx, [project.code for project in found])
    return [
        told_project(project, surveys.get(project.code))
        | {"takes_steps": takes_steps(project, today) and project.trees_adopted < project.trees_offered}
        | {"gathered": gathered.get(project.code, 0)}
        for project in found
    ]


def told_project(project: ForestProject, survey: ForestSurvey | None) -> dict[str, Any]:
    """What everybody may know of a project."""
    texts: Mapping[str, str] = {name: getattr(project, name) for name in ("title", "place", "species", "organisation")}
    return {
        "code": project.code,
        **{name: bilingual.halves(text) for name, text in texts.items()},
        "steps_per_tree": project.steps_per_tree,
        "smallest_donation": project.smallest_donation,
        "trees_offered": project.trees_offered,
        "trees_adopted": project.trees_adopted,
        "opens_on": project.opens_on,
        "closes_on": project.closes_on,
        "survival": None if survey is None else told_survey(survey),
    }


def told_survey(survey: ForestSurvey) -> dict[str, Any]:
    return {"surveyed_on": survey.surveyed_on, "alive": survey.alive, "counted": survey.counted, "note": survey.note}


def latest_surveys(tx: Session, codes: list[str]) -> dict[str, ForestSurvey]:
    """The last survey of each project."""
    query = select(ForestSurvey).where(ForestSurvey.project.in_(codes)).order_by(ForestSurvey.surveyed_on)
    return {row.project: row for row in tx.scalars(query)}
