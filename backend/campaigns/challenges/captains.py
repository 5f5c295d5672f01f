"""Captains of departments: whom an operator names to speak for a department in a campaign."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns.challenges.models import (
    CampaignCaptain,
    CampaignChallengeMember,
    CampaignChallengeScore,
)
from backend.campaigns.errors import InvalidCampaign, NotTakingPart
from backend.campaigns.models import CampaignGroup
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import groups
from backend.campaigns.teams import participant
from backend.holdings import Held, held_rows
from backend.lists import upsert_rows
from backend.vault import Vault


def name_captain(
    tx: Session, vault: Vault, campaign: CampaignView, department: str, staff_no: str, *, now: datetime
) -> dict[str, object]:
    """Let an employee of a department speak for it, in the place of whoever did; returns who did and who does.

    They are on the roster of the department today and take part. Raises InvalidCampaign, NotTakingPart.
    """
    depth, today = campaign.terms.department_depth, clock.day_of(now)
    if not depth or groups.department_counted(department, depth) != department or not department.strip("/"):
        raise InvalidCampaign(field="department", problem=f"departments of this campaign have {depth} parts: a/b")
    employed = identity.roster.staff_member(tx, vault, campaign.programme, staff_no, day=today)
    if employed is None or employed.holder_id is None:
        raise NotTakingPart(campaign=campaign.code)
    path = identity.roster.department_of(tx, campaign.programme, [employed.holder_id], today)[employed.holder_id]
    if groups.department_counted(path, depth) != department:
        raise InvalidCampaign(field="department", problem="on the roster, this employee is in another department today")
    me = participant(tx, campaign.code, employed.holder_id, held=True)
    key = ("department", department)
    group_id = groups.ids_of(tx, campaign.code, [key])[key]
    before = tx.get(CampaignCaptain, group_id)
    led = select(CampaignCaptain.group_id).where(
        CampaignCaptain.campaign == campaign.code, CampaignCaptain.holder_id == employed.holder_id
    )
    if tx.scalar(led.where(CampaignCaptain.group_id != group_id)) is not None:
        raise InvalidCampaign(field="staff_no", problem="speaks for another department already")
    row = {"group_id": group_id, "campaign": campaign.code, "holder_id": me.holder_id, "named_at": now}
    told: dict[str, object] = {"before": str(before.holder_id) if before else None, "captain": str(me.holder_id)}
    upsert_rows(tx, CampaignCaptain, [row], key=("group_id",))
    return told


def dismiss_captain(tx: Session, campaign: CampaignView, department: str) -> UUID:
    """Let nobody speak for a department any more; returns who did. Raises InvalidCampaign where nobody did."""
    key = ("department", department)
    group_id = groups.known(tx, campaign.code, [key]).get(key)
    ended = delete(CampaignCaptain).where(CampaignCaptain.group_id == group_id).returning(CampaignCaptain.holder_id)
    found = tx.scalar(ended.execution_options(synchronize_session=False))
    if found is None:
        raise InvalidCampaign(field="department", problem="nobody speaks for it")
    return found


def captains(tx: Session, campaign: str) -> list[dict[str, Any]]:
    """Department → whose account speaks for it, since when."""
    query = select(CampaignGroup.key, CampaignCaptain.holder_id, CampaignCaptain.named_at).join_from(
        CampaignCaptain, CampaignGroup, CampaignGroup.id == CampaignCaptain.group_id
    )
    rows = tx.execute(query.where(CampaignCaptain.campaign == campaign).order_by(CampaignGroup.key))
    return [{"department": row.key, "holder_id": str(row.holder_id), "since": clock.iso(row.named_at)} for row in rows]


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this member."""
    models = (CampaignChallengeMember, CampaignChallengeScore, CampaignCaptain)
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in models}


def forget(tx: Session, holder_id: UUID) -> None:
    """A member who is forgotten speaks for no department; results, in which nobody is named, stay."""
    mine = delete(CampaignCaptain).where(CampaignCaptain.holder_id == holder_id)
    tx.execute(mine.execution_options(synchronize_session=False))
