"""Finishing: two days behind its last one a PK is counted from the acts, signed, and never changed again.

When acts are taken back behind that, the final result stays as it is, and a correction is shown beside it: another
signed document that names the one before. A correction only ever takes away; late acts do not add.

Locks: whoever finishes or corrects holds the follower `challenges`, then the PK.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Date, Uuid, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, outbox
from backend.campaigns import reading
from backend.campaigns.challenges import counting
from backend.campaigns.challenges.models import (
    CampaignChallenge,
    CampaignChallengeResult,
    CampaignChallengeScore,
)
from backend.campaigns.challenges.policy import PERSON, SIDES, Side, bounded, counted, winner
from backend.campaigns.models import Campaign
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import ACTS_CHANGED
from backend.campaigns.scoring.models import CampaignFollower
from backend.database import retried, transaction
from backend.lists import insert_rows, recordset
from backend.signed_statements import SignedStatement
from backend.vault import Vault

NAME, BATCH = "challenges", 500
SCHEMA = "carbon-inclusion/pk-result/1"
#: What was being settled when a PK became due has arrived by then.
GRACE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def finish_due(sessions: sessionmaker[Session], vault: Vault) -> None:
    """Make what is due final, and follow what was taken back behind a final. One that fails does not stop the rest."""
    with transaction(sessions) as tx:
        _hold_follower(tx)
        due = _due(tx, clock.now())
    for challenge_id in due:
        try:
            retried(sessions, partial(finish, vault=vault, challenge_id=challenge_id, now=clock.now()))
        except Exception as error:
            log.error("challenge_failed", challenge=str(challenge_id), exc_info=error)
    while retried(sessions, partial(follow, vault=vault, now=clock.now())):
        pass


def _due(tx: Session, now: datetime) -> list[UUID]:
    row = CampaignChallenge
    query = select(row.id).join(Campaign, Campaign.code == row.campaign)
    waiting = (row.accepted_at.is_not(None), row.withdrawn_at.is_(None), row.final_at.is_(None))
    query = query.where(*waiting, row.due_at <= now - GRACE, Campaign.cancelled_at.is_(None))
    return list(tx.scalars(query.order_by(row.due_at, row.id)))


def _is_due(row: CampaignChallenge, campaign: CampaignView, now: datetime) -> bool:
    waits = row.accepted_at is not None and row.withdrawn_at is None and row.final_at is None
    return waits and row.due_at <= now - GRACE and campaign.cancelled_at is None


def finish(tx: Session, vault: Vault, challenge_id: UUID, *, now: datetime) -> bool:
    """Make one PK final if it is due; whether it was."""
    _hold_follower(tx)
    row = tx.get_one(CampaignChallenge, challenge_id, with_for_update=True, populate_existing=True)
    campaign = reading.campaign(tx, row.campaign, now=now)
    if not _is_due(row, campaign, now):
        return False
    people, amounts = counting.from_acts(tx, campaign, row)
    scores = [
        {"holder_id": holder_id, "challenge_id": row.id, "day": day, "side": side, "amount": amount}
        for side in SIDES
        for holder_id, days in sorted(amounts[side].items())
        for day, amount in sorted(days.items())
    ]
    # Whoever moved between the two departments has days on both sides, and each day on one of them.
    insert_rows(tx, CampaignChallengeScore, scores)
    row.final_at = now
    tx.flush()
    _write(tx, vault, row, counted(people, amounts), before=None, now=now)
    return True


def follow(tx: Session, vault: Vault, *, now: datetime) -> int:
    """Correct finals that rest on what the next announcements are about; how many announcements there were."""
    follower = _hold_follower(tx)
    rows = outbox.read_after(tx, follower.position, limit=BATCH)
    if not rows:
        return 0
    changed = {
        (row.holder_id, date.fromisoformat(json.loads(row.payload)["day"]))
        for row in rows
        if row.topic in ACTS_CHANGED and row.holder_id is not None
    }
    for challenge_id in _resting_on(tx, changed):
        correct(tx, vault, challenge_id, now=now)
    follower.position = rows[-1].position
    tx.flush()
    return len(rows)


def _resting_on(tx: Session, days: set[tuple[UUID, date]]) -> list[UUID]:
    """The final PKs that counted these (holder, day)."""
    if not days:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, sorted(days))
    score = CampaignChallengeScore
    same = (score.holder_id == given.c.holder_id) & (score.day == given.c.day)
    return list(tx.scalars(select(score.challenge_id).join(given, same).distinct().order_by(score.challenge_id)))


def correct(tx: Session, vault: Vault, challenge_id: UUID, *, now: datetime) -> bool:
    """Count a final PK again and write a correction if something of it is gone, or back; whether it was."""
    row = tx.get_one(CampaignChallenge, challenge_id, with_for_update=True, populate_existing=True)
    last = last_result(tx, challenge_id)
    assert last is not None, "a final PK has a result"
    sides = sides_left(last, days_left(tx, row, now=now))
    if sides == sides_of(last):
        return False
    _write(tx, vault, row, sides, before=last, now=now)
    return True


def sides_left(last: CampaignChallengeResult, left: Mapping[str, counting.Days]) -> dict[str, Side]:
    """Both sides of a final PK by what is left of them; as many people as there were."""
    return counted({side: found.people for side, found in sides_of(last).items()}, left)


def days_left(tx: Session, row: CampaignChallenge, *, now: datetime) -> dict[str, counting.Days]:
    """By side, holder and day: what of a final result still stands."""
    campaign = reading.campaign(tx, row.campaign, now=now)
    final = counting.final_days(tx, row.id)
    return {side: bounded(counting.days_now(tx, campaign, row, list(days)), days) for side, days in final.items()}


def last_result(tx: Session, challenge_id: UUID) -> CampaignChallengeResult | None:
    """The final result, or the last correction of it."""
    result = CampaignChallengeResult
    query = select(result).where(result.challenge_id == challenge_id).order_by(result.number.desc()).limit(1)
    return tx.scalar(query)


def sides_of(result: CampaignChallengeResult) -> dict[str, Side]:
    """Both sides as a result has them."""
    return {side: Side(*(getattr(result, f"{side}_{name}") for name in Side._fields)) for side in SIDES}


def _write(
    tx: Session,
    vault: Vault,
    row: CampaignChallenge,
    sides: Mapping[str, Side],
    *,
    before: CampaignChallengeResult | None,
    now: datetime,
) -> None:
    number, won = (before.number + 1 if before else 1), winner(row.kind, sides)
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "challenge_id": str(row.id),
        "campaign": row.campaign,
        "kind": row.kind,
        "measure": row.measure,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "acts_settled_before": clock.iso(row.due_at),
        "number": number,
        "corrects": json.loads(before.document)["signature"]["sha256"] if before else None,
        "made_at": clock.iso(now),
        "winner": won,
        "sides": {side: _stated(row, side, found) for side, found in sides.items()},
    }
    document = b"".join(SignedStatement(vault.statement_key, facts, {}).chunks()).decode()
    counts = {f"{side}_{name}": value for side in SIDES for name, value in sides[side]._asdict().items()}
    result = {"challenge_id": row.id, "number": number, "made_at": now, "winner": won, "document": document}
    insert_rows(tx, CampaignChallengeResult, [result | counts])


def _stated(row: CampaignChallenge, side: str, found: Side) -> dict[str, Any]:
    return {
        "id": str(counting.ids_of(row)[side]),
        "people": found.people,
        "taking_part": found.taking_part,
        "amount": found.amount if row.kind == PERSON or found.told else None,
    }


def _hold_follower(tx: Session) -> CampaignFollower:
    """Hold the follower until commit. Before the first PK can be final it stands at the newest announcement."""
    if tx.get(CampaignFollower, NAME) is None:
        at = outbox.last_position(tx)
        insert_rows(tx, CampaignFollower, [{"name": NAME, "position": at}], on_conflict=("name",))
    query = select(CampaignFollower).where(CampaignFollower.name == NAME)
    return tx.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
