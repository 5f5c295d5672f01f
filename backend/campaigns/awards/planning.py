"""Who is given what: the rewards of the terms, met with the frozen result.

It is a list that anybody with the result makes again, line by line; its digest is what two operators agree on.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.campaigns import challenges
from backend.campaigns.awards.models import CampaignAward
from backend.campaigns.closing.models import CampaignFinalScore
from backend.campaigns.policy import board_named
from backend.campaigns.reading import CampaignView
from backend.campaigns.terms import BY_PK, BY_RANK, Reward
from backend.strict_json import canonical

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A reward that a member has come to (see `CampaignAward`) and was not given yet."""

    holder_id: UUID
    reward: int
    challenge: str
    points: int
    least: int

    @property
    def line(self) -> str:
        """As it goes into the digest."""
        return canonical([str(self.holder_id), self.reward, self.challenge, self.points, self.least])


class Tally:
    """What a list of awards comes to. `sha256` is over its lines, each with a line feed behind it."""

    def __init__(self) -> None:
        self.awards = self.points = 0
        self._digest = hashlib.sha256()

    def add(self, item: Planned) -> None:
        self.awards += 1
        self.points += item.points
        self._digest.update(item.line.encode() + b"\n")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def planned(tx: Session, campaign: CampaignView) -> Iterator[Planned]:
    """What is still to be awarded, reward by reward, each in the order of members.

    Places are given to those whom boards list and who have more than nothing; taking part counts for everybody.
    """
    for position, reward in enumerate(campaign.terms.rewards):
        if reward.kind == BY_PK:
            found = _by_pk(tx, campaign, position, reward)
        elif reward.kind == BY_RANK:
            found = _by_rank(tx, campaign, position, reward)
        else:
            score = CampaignFinalScore.__table__.c
            found = _of_result(tx, campaign, position, reward, [score.days >= reward.days], reward.days or 0)
        yield from found


def measure_of(reward: Reward) -> str:
    """What a reward by rank is measured by: `grams` or `points`."""
    board = board_named(reward.board or "")
    assert board is not None
    return board.measure


def _by_rank(tx: Session, campaign: CampaignView, position: int, reward: Reward) -> Iterator[Planned]:
    score = CampaignFinalScore.__table__.c
    measure = measure_of(reward)
    amount, rank = score[measure], score[f"rank_{measure}"]
    band = [score.listed, amount > 0, rank >= reward.first, rank <= reward.last]
    least = tx.scalar(select(func.min(amount)).where(score.campaign == campaign.code, *band))
    if least is not None:
        yield from _of_result(tx, campaign, position, reward, band, least)


def _of_result(
    tx: Session, campaign: CampaignView, position: int, reward: Reward, conditions: Sequence[Any], least: int
) -> Iterator[Planned]:
    """Everybody of the result whom these conditions fit and who was not given this reward before, page by page."""
    score, award = CampaignFinalScore.__table__.c, CampaignAward.__table__.c
    before = (award.holder_id == score.holder_id) & (award.campaign == campaign.code) & (award.reward == position)
    query = select(score.holder_id).where(score.campaign == campaign.code, *conditions)
    query = query.where(~select(1).select_from(CampaignAward.__table__).where(before).exists())
    after: UUID | None = None
    while True:
        further = query.where(score.holder_id > after) if after is not None else query
        page = list(tx.scalars(further.order_by(score.holder_id).limit(_PAGE)))
        if not page:
            return
        yield from (Planned(holder_id, position, "", reward.points, least) for holder_id in page)
        after = page[-1]


def _by_pk(tx: Session, campaign: CampaignView, position: int, reward: Reward) -> Iterator[Planned]:
    award = CampaignAward.__table__.c
    query = select(award.holder_id, award.challenge).where(award.campaign == campaign.code, award.reward == position)
    before = {(row.holder_id, row.challenge) for row in tx.execute(query)}
    for challenge_id, holder_id in sorted(challenges.wins(tx, campaign.code)):
        if (holder_id, str(challenge_id)) not in before:
            yield Planned(holder_id, position, str(challenge_id), reward.points, 0)
