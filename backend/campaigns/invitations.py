"""Invitations 邀请码: codes that operators hand out, each good for so many who join a campaign by invitation."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import identity
from backend.campaigns.errors import InvalidCampaign, InvitationNeeded
from backend.campaigns.models import CampaignInvitation
from backend.campaigns.policy import INVITATION
from backend.campaigns.reading import CampaignView
from backend.errors import NotFound
from backend.ids import new_id
from backend.lists import insert_rows
from backend.vault import Vault

MOST_USES = 1_000_000


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation as operators see it: never its code."""

    id: UUID
    note: str
    uses: int
    uses_allowed: int
    made_at: datetime
    ended_at: datetime | None


def invite(
    tx: Session, vault: Vault, campaign: CampaignView, *, note: str, uses: int, now: datetime
) -> tuple[UUID, str]:
    """A new invitation and its code, which is told here and never again.

    Raises InvalidCampaign where nobody needs one, or for a number of uses nobody means.
    """
    if campaign.joining != INVITATION:
        raise InvalidCampaign(field="joining", problem="nobody needs an invitation to this campaign")
    if not 0 < uses <= MOST_USES:
        raise InvalidCampaign(field="uses", problem=f"from 1 to {MOST_USES}")
    invitation_id, code = new_id(), identity.new_typed_code()
    row = {"id": invitation_id, "campaign": campaign.code, "code_index": _index(vault, code), "note": note}
    row |= {"uses": 0, "uses_allowed": uses, "made_at": now, "ended_at": None}
    insert_rows(tx, CampaignInvitation, [row])
    return invitation_id, code


def end_invitation(tx: Session, campaign: str, invitation_id: UUID, *, now: datetime) -> None:
    """Nobody joins by this invitation any more; who did takes part. Raises NotFound."""
    stands = (CampaignInvitation.campaign == campaign, CampaignInvitation.ended_at.is_(None))
    ended = update(CampaignInvitation).where(CampaignInvitation.id == invitation_id, *stands).values(ended_at=now)
    if tx.scalar(ended.returning(CampaignInvitation.id)) is None:
        raise NotFound


def invitations_of(tx: Session, campaign: str) -> list[InvitationView]:
    """Every invitation to a campaign, oldest first."""
    names = InvitationView.__dataclass_fields__
    query = select(CampaignInvitation).where(CampaignInvitation.campaign == campaign).order_by(CampaignInvitation.id)
    return [InvitationView(**{name: getattr(row, name) for name in names}) for row in tx.scalars(query)]


def spend(tx: Session, vault: Vault, campaign: str, typed: str | None) -> None:
    """Use this code once. Raises InvitationNeeded for none, another campaign's, one that ended or is used up."""
    index = _index(vault, identity.as_made_code(typed or ""))
    row = CampaignInvitation
    good = (row.campaign == campaign, row.code_index == index, row.ended_at.is_(None), row.uses < row.uses_allowed)
    spent = update(row).where(*good).values(uses=row.uses + 1).returning(row.id)
    if tx.scalar(spent.execution_options(synchronize_session=False)) is None:
        raise InvitationNeeded


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("campaign invitation", code)
