"""Certificates 认领证书: what a member has, what everybody with a number is told, and what is forgotten."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import NotFound
from backend.forest.models import (
    ForestAdopter,
    ForestDonation,
    ForestProject,
    ForestTeam,
    ForestTeamMember,
    ForestTree,
    ForestTreePart,
)
from backend.forest.naming import CERTIFICATE, DONOR, TEAM, UNNAMED, donor
from backend.forest.planting import ADOPTED
from backend.forest.projects import latest_surveys, told_project
from backend.holdings import Held, held_rows
from backend.identity import public_names

_NUMBER = re.compile(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}")


def certificate(tx: Session, number: str) -> dict[str, Any]:
    """What everybody with the number is told. Raises NotFound.

    The name is the one the donor chose to be shown, or the team's; nothing else about who gave what.
    """
    tree = _tree(tx, number)
    project = tx.get_one(ForestProject, tree.project, populate_existing=True)
    adopter = tx.get_one(ForestAdopter, (tree.adopter_id, tree.project))
    survey = latest_surveys(tx, [project.code]).get(project.code)
    return _told(tree) | {"is_team": adopter.is_team, "project": told_project(project, survey)}


def trees_of(tx: Session, holder_id: UUID, *, before: UUID | None, limit: int) -> list[dict[str, Any]]:
    """The trees of a member and of the teams they are in, newest first."""
    teams = select(ForestTeamMember.team_id).where(
        ForestTeamMember.holder_id == holder_id, ForestTeamMember.until.is_(None)
    )
    query = select(ForestTree).where(or_(ForestTree.adopter_id == holder_id, ForestTree.adopter_id.in_(teams)))
    if before is not None:
        query = query.where(ForestTree.id < before)
    found = tx.scalars(query.order_by(ForestTree.id.desc()).limit(limit))
    return [
        {"id": tree.id, "project": tree.project, "of_team": tree.adopter_id != holder_id, **_told(tree)}
        for tree in found
    ]


def sign(
    tx: Session, holder_id: UUID, number: str, name: public_names.Checked | None, *, now: datetime
) -> dict[str, Any]:
    """Let a certificate of one's own show another name, or none; one that nobody could check yet, when it passed.

    Raises NotFound.
    """
    tree = _tree(tx, number)
    if tree.adopter_id != holder_id:
        raise NotFound
    public_names.keep(tx, holder_id, DONOR, donor(holder_id, tree.project), None, now=now)
    public_names.keep(tx, holder_id, CERTIFICATE, tree.number, name, now=now)
    chosen = name.name if name is not None and name.passed else None
    adopter = tx.get_one(ForestAdopter, (holder_id, tree.project), with_for_update=True, populate_existing=True)
    adopter.signed_as = tree.signed_as = chosen
    tx.flush()
    return {"id": tree.id, "project": tree.project, "of_team": False, **_told(tree)}


def hide_name(tx: Session, number: str) -> dict[str, object]:
    """Take the name off a certificate and off those its adopter will get in the project. Returns whether it had one."""
    tree = _tree(tx, number)
    public_names.drop(tx, CERTIFICATE, tree.number)
    public_names.drop(tx, DONOR, donor(tree.adopter_id, tree.project))
    adopter = tx.get_one(ForestAdopter, (tree.adopter_id, tree.project), with_for_update=True)
    before: dict[str, object] = {"named": tree.signed_as is not None}
    adopter.signed_as = tree.signed_as = None
    if adopter.is_team:
        team = tx.get_one(ForestTeam, adopter.adopter_id)
        team.name = UNNAMED
        public_names.drop(tx, TEAM, str(team.id))
    tx.flush()
    return before


def donations_of(tx: Session, holder_id: UUID, *, before: UUID | None, limit: int) -> list[dict[str, Any]]:
    """A member's donations, newest first."""
    query = select(ForestDonation).where(ForestDonation.holder_id == holder_id)
    if before is not None:
        query = query.where(ForestDonation.id < before)
    found = tx.scalars(query.order_by(ForestDonation.id.desc()).limit(limit))
    return [
        {
            "id": row.id,
            "project": row.project,
            "team_id": None if row.adopter_id == holder_id else row.adopter_id,
            "steps": row.steps,
            "planted": row.planted,
            "state": row.state,
            "activity_id": row.activity_id,
            "donated_at": row.donated_at,
            "withdrawn_at": row.withdrawn_at,
        }
        for row in found
    ]


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this member."""
    held = {model.__tablename__: held_rows(tx, model, holder_id) for model in (ForestDonation, ForestTeamMember)}
    return held | {"forest_tree_parts": _parts(tx, holder_id)}


def forget(tx: Session, holder_id: UUID) -> None:
    """Take a forgotten member's name off their certificates, and them out of their teams; trees stay adopted."""
    for model in (ForestTree, ForestAdopter):
        mine = update(model).where(model.adopter_id == holder_id)
        tx.execute(mine.values(signed_as=None).execution_options(synchronize_session=False))
    tx.execute(delete(ForestTeamMember).where(ForestTeamMember.holder_id == holder_id))


def _tree(tx: Session, number: str) -> ForestTree:
    """The tree of a certificate, however its number was typed. Raises NotFound."""
    typed = number.strip().upper()
    query = select(ForestTree).where(ForestTree.number == typed).execution_options(populate_existing=True)
    found = tx.scalar(query) if _NUMBER.fullmatch(typed) else None
    if found is None:
        raise NotFound
    return found


def _told(tree: ForestTree) -> dict[str, Any]:
    return {
        "number": tree.number,
        "state": tree.state,
        "valid": tree.state == ADOPTED,
        "signed_as": tree.signed_as,
        "adopted_on": clock.day_of(tree.adopted_at),
        "withdrawn_on": None if tree.withdrawn_at is None else clock.day_of(tree.withdrawn_at),
    }


def _parts(tx: Session, holder_id: UUID) -> Held:
    """What a member's steps are or were in, with the certificate."""
    query = select(ForestTreePart, ForestTree).join(ForestTree, ForestTree.id == ForestTreePart.tree_id)
    query = query.where(ForestTreePart.holder_id == holder_id).order_by(ForestTreePart.donation_id, ForestTree.id)
    for part, tree in tx.execute(query):
        given = {"donation_id": str(part.donation_id), "steps": part.steps, "project": tree.project}
        yield given | {"number": tree.number, "state": tree.state, "signed_as": tree.signed_as}
