"""What is held about somebody who takes part, and how it is forgotten."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.campaigns import challenges, friends, joining
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.scoring.models import CampaignScore
from backend.holdings import Held, held_rows

#: Every table that names a holder, beside those of challenges, pledges, results and awards.
_MODELS = (CampaignParticipant, CampaignScore)


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    mine = {model.__tablename__: held_rows(tx, model, holder_id) for model in _MODELS}
    return mine | challenges.holdings(tx, holder_id) | friends.holdings(tx, holder_id)


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """A forgotten member takes part in nothing any more; results that are final stand, and name nobody."""
    challenges.forget(tx, holder_id)
    friends.forget(tx, holder_id)
    joining.forget(tx, holder_id, now=now)
