"""The rule by which a reward is kept: while what a member's acts come to today still reaches what it was given for.

A place is not given anew when others fall: a reward by rank is kept while the corrected score reaches the lowest score
of its band at the final, one for taking part while there are as many days, one for a PK while its side still wins.
Otherwise the whole of it goes back. Nothing is given later to whoever moves up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.campaigns import challenges, closing
from backend.campaigns.awards.planning import measure_of
from backend.campaigns.reading import CampaignView
from backend.campaigns.terms import BY_PK, BY_RANK


def kept(tx: Session, campaign: CampaignView, rows: Sequence[Any], *, now: datetime) -> set[UUID]:
    """The ids of those of these awards that stand by what acts come to now."""
    rewards = campaign.terms.rewards
    by_score = [row for row in rows if rewards[row.reward].kind != BY_PK]
    today = closing.counted_today(tx, campaign, {row.holder_id for row in by_score})
    stands = set()
    for row in by_score:
        reward = rewards[row.reward]
        reached = today[row.holder_id][measure_of(reward) if reward.kind == BY_RANK else "days"]
        if reached >= row.least:
            stands.add(row.id)
    in_pk = [row for row in rows if rewards[row.reward].kind == BY_PK]
    lost = set(challenges.no_longer_won(tx, {row.holder_id for row in in_pk}, now=now)) if in_pk else set()
    return stands | {row.id for row in in_pk if (UUID(row.challenge), row.holder_id) not in lost}
