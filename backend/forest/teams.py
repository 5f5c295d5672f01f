"""Teams 小队: members who gather steps for trees together, in the team's name."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.forest.errors import TeamFull, TeamNotFound
from backend.forest.models import ForestTeam, ForestTeamMember
from backend.forest.naming import TEAM, UNNAMED
from backend.identity import public_names
from backend.ids import new_id
from backend.lists import upsert_rows
from backend.vault import Vault

MOST_MEMBERS, MOST_TEAMS = 500, 20
#: Capital letters and digits that nobody mixes up: 60 random bits in twelve of them.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def make_team(
    tx: Session, vault: Vault, holder_id: UUID, programme: str, name: public_names.Checked, *, now: datetime
) -> dict[str, Any]:
    """A new team with its first member; the code by which others join is told once.

    A name that nobody could check yet is shown when it passed. Raises TeamFull.
    """
    code = "".join(secrets.choice(_LETTERS) for _ in range(12))
    shown = name.name if name.passed else UNNAMED
    made = {"programme": programme, "name": shown, "code_index": _index(vault, code), "made_at": now}
    team = ForestTeam(id=new_id(), **made)
    tx.add(team)
    public_names.keep(tx, holder_id, TEAM, str(team.id), name, now=now)
    tx.flush()
    _add(tx, holder_id, team, now)
    return {"id": str(team.id), "name": team.name, "programme": team.programme, "join_code": code}


def join_team(tx: Session, vault: Vault, holder_id: UUID, code: str, *, now: datetime) -> ForestTeam:
    """Join by the team's code; the caller asks whether they take part in its programme. TeamNotFound, TeamFull."""
    typed = "".join(code.upper().replace("-", "").split())
    query = select(ForestTeam).where(ForestTeam.code_index == _index(vault, typed))
    team = tx.scalar(query.with_for_update())
    if team is None:
        raise TeamNotFound
    _add(tx, holder_id, team, now)
    return team


def leave_team(tx: Session, holder_id: UUID, team_id: UUID, *, now: datetime) -> None:
    """Leave; what was given stays given. Raises TeamNotFound."""
    mine = (ForestTeamMember.holder_id == holder_id, ForestTeamMember.team_id == team_id)
    left = update(ForestTeamMember).where(*mine, ForestTeamMember.until.is_(None)).values(until=now)
    if tx.scalar(left.returning(ForestTeamMember.team_id)) is None:
        raise TeamNotFound


def teams_of(tx: Session, holder_id: UUID) -> list[dict[str, Any]]:
    """The teams a member is in."""
    others = (ForestTeamMember.team_id == ForestTeam.id, ForestTeamMember.until.is_(None))
    size = select(func.count()).where(*others).scalar_subquery()
    mine = select(ForestTeamMember.team_id).where(
        ForestTeamMember.holder_id == holder_id, ForestTeamMember.until.is_(None)
    )
    query = select(ForestTeam.id, ForestTeam.name, ForestTeam.programme, size.label("members"))
    return [dict(row) for row in tx.execute(query.where(ForestTeam.id.in_(mine)).order_by(ForestTeam.id)).mappings()]


def hold_team(tx: Session, holder_id: UUID, team_id: UUID, programme: str) -> ForestTeam:
    """A team of the programme that this member is in; nobody leaves it until commit. Raises TeamNotFound."""
    query = select(ForestTeamMember.until).where(
        ForestTeamMember.holder_id == holder_id, ForestTeamMember.team_id == team_id
    )
    row = tx.execute(query.with_for_update(read=True)).one_or_none()
    team = tx.get(ForestTeam, team_id)
    if row is None or row.until is not None or team is None or team.programme != programme:
        raise TeamNotFound
    return team


def _add(tx: Session, holder_id: UUID, team: ForestTeam, now: datetime) -> None:
    """The team is held, or new."""
    there = ForestTeamMember.until.is_(None)
    members = set(tx.scalars(select(ForestTeamMember.holder_id).where(ForestTeamMember.team_id == team.id, there)))
    if holder_id in members:
        return
    mine = tx.scalar(select(func.count()).where(ForestTeamMember.holder_id == holder_id, there)) or 0
    if len(members) >= MOST_MEMBERS or mine >= MOST_TEAMS:
        raise TeamFull(members=MOST_MEMBERS, teams=MOST_TEAMS)
    row = {"holder_id": holder_id, "team_id": team.id, "since": now, "until": None}
    upsert_rows(tx, ForestTeamMember, [row], key=("holder_id", "team_id"))


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("forest team", code)
