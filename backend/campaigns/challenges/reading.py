"""PK as those who have a part in one see it, and who won what."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.campaigns import reading
from backend.campaigns.challenges import counting, finishing, sides, standings
from backend.campaigns.challenges.inviting import written
from backend.campaigns.challenges.models import (
    CampaignChallenge,
    CampaignChallengeMember,
    CampaignChallengeResult,
    CampaignChallengeScore,
)
from backend.campaigns.challenges.policy import (
    ACCEPTED,
    CHALLENGER,
    INVITED,
    OPPONENT,
    PERSON,
    PROVISIONAL,
    RUNNING,
    SIDES,
    Side,
    days_of,
    enough,
    state_of,
    winner,
)
from backend.campaigns.errors import ChallengeNotFound
from backend.campaigns.models import Campaign
from backend.campaigns.policy import CANCELLED
from backend.campaigns.reading import CampaignView

MOST = 100


def programme_of(tx: Session, challenge_id: UUID) -> str:
    """The programme of the campaign a PK belongs to. Raises ChallengeNotFound."""
    query = select(Campaign.programme).join(CampaignChallenge, CampaignChallenge.campaign == Campaign.code)
    found = tx.scalar(query.where(CampaignChallenge.id == challenge_id))
    if found is None:
        raise ChallengeNotFound
    return found


def mine(tx: Session, campaign: CampaignView, holder_id: UUID, *, now: datetime) -> list[dict[str, Any]]:
    """The PKs somebody has a part in, the newest first: at most `MOST`, without scores."""
    row = CampaignChallenge
    ids = sides.sides_of(tx, campaign, holder_id, [clock.day_of(now)])
    members = select(CampaignChallengeMember.challenge_id).where(CampaignChallengeMember.holder_id == holder_id)
    query = select(row).where(row.campaign == campaign.code)
    query = query.where(or_(row.challenger_id.in_(ids), row.opponent_id.in_(ids), row.id.in_(members)))
    found = list(tx.scalars(query.order_by(row.id.desc()).limit(MOST)))
    names: dict[UUID, str] = {}
    for kind in {item.kind for item in found}:
        of_kind = {id for item in found if item.kind == kind for id in counting.ids_of(item).values()}
        names |= sides.names_of(tx, campaign.code, kind, of_kind)
    return [_plain(campaign, item, names, now) | {"mine": _side(tx, item, ids, holder_id)} for item in found]


def challenge(tx: Session, challenge_id: UUID, holder_id: UUID, *, now: datetime) -> dict[str, Any]:
    """One PK with its scores, for who has a part in it. Raises ChallengeNotFound."""
    row, campaign, side = _seen(tx, challenge_id, holder_id, now)
    names = sides.names_of(tx, campaign.code, row.kind, counting.ids_of(row).values())
    plain = _plain(campaign, row, names, now)
    results = _results(tx, row.id)
    counted: Mapping[str, Side] = {}
    as_of = None
    if results:
        counted, as_of = finishing.sides_of(results[-1]), results[-1].made_at
    elif plain["state"] in (ACCEPTED, RUNNING, PROVISIONAL):
        counted, as_of = standings.standing(tx, campaign, row, now=now)
    scored = {name: plain[name] | _scored(row.kind, counted[name]) for name in SIDES} if counted else {}
    return (
        plain
        | scored
        | {
            "mine": side,
            "may": _may(tx, campaign, row, plain["state"], holder_id, now),
            "as_of": as_of,
            "leads": winner(row.kind, counted) if counted else None,
            "results": [{"number": item.number, "made_at": item.made_at, "winner": item.winner} for item in results],
        }
    )


def documents(tx: Session, challenge_id: UUID, holder_id: UUID, *, now: datetime) -> list[Any]:
    """The signed final result of a PK and each correction, as they were signed. Raises ChallengeNotFound."""
    row, _, _ = _seen(tx, challenge_id, holder_id, now)
    return [json.loads(item.document) for item in _results(tx, row.id)]


def wins(tx: Session, campaign: str) -> list[tuple[UUID, UUID]]:
    """(PK, holder) of everybody who took part on the winning side of a final PK, by its last correction."""
    result, score = CampaignChallengeResult, CampaignChallengeScore
    last = select(result.challenge_id, func.max(result.number).label("number")).group_by(result.challenge_id).subquery()
    query = (
        select(score.challenge_id, score.holder_id)
        .join(CampaignChallenge, CampaignChallenge.id == score.challenge_id)
        .join(last, last.c.challenge_id == score.challenge_id)
        .join(result, (result.challenge_id == last.c.challenge_id) & (result.number == last.c.number))
        .where(CampaignChallenge.campaign == campaign, result.winner == score.side)
        .distinct()
        .order_by(score.challenge_id, score.holder_id)
    )
    return [(found.challenge_id, found.holder_id) for found in tx.execute(query)]


def no_longer_won(tx: Session, holder_ids: Collection[UUID], *, now: datetime) -> list[tuple[UUID, UUID]]:
    """(PK, holder) of wins that the acts of these holders do not bear any more, whether or not that is written yet.

    Counted from the acts as they stand in this transaction: a whole side loses its win where one of it was the margin,
    and whoever has nothing left in the PK loses it alone.
    """
    score = CampaignChallengeScore
    touched = sorted(set(tx.scalars(select(score.challenge_id).where(score.holder_id.in_(sorted(holder_ids))))))
    lost: list[tuple[UUID, UUID]] = []
    for challenge_id in touched:
        row = tx.get_one(CampaignChallenge, challenge_id)
        first = _results(tx, challenge_id)[0]
        if first.winner is None:
            continue
        left = finishing.days_left(tx, row, now=now)
        now_won = winner(row.kind, finishing.sides_left(first, left)) == first.winner
        side = counting.final_days(tx, challenge_id)[first.winner]
        lost += [(challenge_id, holder) for holder in sorted(side) if not now_won or holder not in left[first.winner]]
    return lost


def _results(tx: Session, challenge_id: UUID) -> list[CampaignChallengeResult]:
    result = CampaignChallengeResult
    return list(tx.scalars(select(result).where(result.challenge_id == challenge_id).order_by(result.number)))


def _seen(
    tx: Session, challenge_id: UUID, holder_id: UUID, now: datetime
) -> tuple[CampaignChallenge, CampaignView, str]:
    row = tx.get(CampaignChallenge, challenge_id)
    if row is None:
        raise ChallengeNotFound
    campaign = reading.campaign(tx, row.campaign, now=now)
    days = {*days_of(row.first_day, row.last_day), clock.day_of(now)}
    side = _side(tx, row, sides.sides_of(tx, campaign, holder_id, days), holder_id)
    if side is None:
        raise ChallengeNotFound
    return row, campaign, side


def _side(tx: Session, row: CampaignChallenge, ids: Collection[UUID], holder_id: UUID) -> str | None:
    member = tx.get(CampaignChallengeMember, (holder_id, row.id))
    if member is not None:
        return member.side
    return next((side for side, id in counting.ids_of(row).items() if id in ids), None)


def _plain(campaign: CampaignView, row: CampaignChallenge, names: Mapping[UUID, str], now: datetime) -> dict[str, Any]:
    stated = ("id", "kind", "measure", "first_day", "last_day", "invited_at", "lapses_at", "due_at", "final_at")
    state = state_of(written(row), cancelled=campaign.state(now) == CANCELLED, now=now)
    told = {name: {"id": id, "name": names[id]} for name, id in counting.ids_of(row).items()}
    return {name: getattr(row, name) for name in stated} | {"campaign": row.campaign, "state": state} | told


def _scored(kind: str, side: Side) -> dict[str, Any]:
    """What is told of a side. Sums and means of fewer than five people are not."""
    told = kind == PERSON or side.told
    return {
        "people": side.people,
        "taking_part": side.taking_part,
        "enough": enough(kind, side),
        "amount": side.amount if told else None,
        "score": int(side.mean) if told else None,
    }


def _may(
    tx: Session, campaign: CampaignView, row: CampaignChallenge, state: str, holder_id: UUID, now: datetime
) -> list[str]:
    """What the asker may do with a PK in this state."""
    acts = {
        INVITED: {CHALLENGER: ["withdraw"], OPPONENT: ["accept", "decline"]},
        ACCEPTED: {CHALLENGER: ["withdraw"], OPPONENT: ["withdraw"]},
    }
    for side, id in counting.ids_of(row).items():
        found = sides.speaker(tx, campaign, row.kind, id, now=now) if state in acts else None
        if found is not None and found.holder_id == holder_id:
            return acts[state][side]
    return []
