"""Boards among a few: the viewer's department, the viewer and their friends; ranks are those among them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import friends
from backend.campaigns.boards import sql
from backend.campaigns.boards.interfaces import Asked, Entry, Page, ranked
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import display_name
from backend.campaigns.scoring.groups import department_counted
from backend.campaigns.scoring.models import CampaignScore
from backend.lists import recordset


def read(tx: Session, asked: Asked, holders: Collection[UUID]) -> Page:
    """The first of these holders who are listed, ranked among themselves; `me` is the viewer on the whole board."""
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(holders)])
    query = sql.named(asked).where(CampaignScore.holder_id == given.c.holder_id)
    rows = tx.execute(sql.in_order(query, asked)).all() if holders else []
    ranks = ranked([row.worth for row in rows], 1, 1)
    entries = [
        Entry(
            str(row.participant_id), rank, row.worth, display_name(row.participant_id, row.name, bool(row.name_passed))
        )
        for rank, row in zip(ranks[: asked.limit], rows, strict=False)
    ]
    own = sql.own_place(tx, asked) if asked.viewer is not None else None
    return Page(sql.counted_until(tx, asked.now), len(rows), entries, sql.standing(tx, asked, own))


def department(tx: Session, asked: Asked) -> list[UUID]:
    """Everybody in the department that the viewer is counted in; nobody where the campaign counts none."""
    campaign, viewer = asked.campaign, asked.viewer
    takes_part = viewer is not None and tx.get(CampaignParticipant, (viewer, campaign.code)) is not None
    if viewer is None or not takes_part or not campaign.terms.department_depth:
        return []
    day = min(max(clock.day_of(asked.now), campaign.days[0]), campaign.days[-1])
    path = identity.roster.department_of(tx, campaign.programme, [viewer], day).get(viewer, "")
    counted = department_counted(path, campaign.terms.department_depth)
    if not counted:
        return []
    staff = identity.roster.department_staff(tx, campaign.programme, counted, day, day)
    return [id for id, has_account in staff.items() if has_account]


def friends_too(tx: Session, asked: Asked) -> Collection[UUID]:
    """The viewer and their friends."""
    return friends.circle(tx, asked.viewer, now=asked.now) if asked.viewer is not None else []
