"""Boards in Redis are filled from the database when they are not there: after a loss, for a new campaign, for ever."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from redis import RedisError
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import reading
from backend.campaigns.boards.applying import known
from backend.campaigns.boards.redis import Accelerator, Keys, TooLarge, boards_of, encode
from backend.campaigns.boards.sql import counted_until
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.following import NAME as FOLLOWER
from backend.campaigns.scoring.models import CampaignFollower, CampaignScore
from backend.database import reading as reading_transaction
from backend.ids import new_id

#: Rows that are read and written at a time.
PAGE = 5_000
#: Where the names of campaigns are kept that have boards in Redis.
FILLED = "board:filled"
#: What was not finished filling is gone after an hour.
_UNFINISHED_SECONDS = 3_600

log = structlog.get_logger(__name__)


def keep(accelerator: Accelerator | None) -> int:
    """Fill what is missing, remove what is over. Returns how many campaigns were filled. Never raises for Redis."""
    if accelerator is None:
        return 0
    try:
        with reading_transaction(accelerator.sessions) as tx:
            campaigns = {each.code: each for each in reading.counted(tx)}
        _remove_others(accelerator, campaigns)
        missing = [
            campaign
            for code, campaign in campaigns.items()
            if code not in accelerator.unfit and not accelerator.redis.exists(Keys(code).state)
        ]
        return sum(fill(accelerator, campaign) for campaign in missing)
    except RedisError as error:
        log.warning("boards_not_filled", error=repr(error))
        return 0


def forget(accelerator: Accelerator | None, campaign: str) -> None:
    """Let the boards of a campaign be filled again: its scores were made anew, not followed."""
    if accelerator is None:
        return
    try:
        accelerator.redis.delete(Keys(campaign).state)
    except RedisError as error:
        log.warning("boards_not_forgotten", error=repr(error))


def fill(accelerator: Accelerator, campaign: CampaignView) -> bool:
    """Fill the boards of a campaign, beside whatever is there, and show them at once; False when something was lost."""
    keys, copy = Keys(campaign.code), Keys(campaign.code, f"{new_id().hex}:")
    copied = [copy.who, copy.names]
    try:
        with reading_transaction(accelerator.sessions, one_moment=True) as tx:
            position = tx.scalar(select(CampaignFollower.position).where(CampaignFollower.name == FOLLOWER)) or 0
            as_of = counted_until(tx, clock.now())
            sizes = _copy_people(tx, accelerator, campaign, copy)
            sizes |= _copy_scores(tx, accelerator, campaign, copy)
        copied = list(copy.parts(campaign))
        return _show(
            accelerator, campaign, position, as_of, list(zip(keys.parts(campaign), copied, strict=True)), sizes
        )
    except TooLarge:
        accelerator.unfit.add(campaign.code)
        log.warning("boards_too_large", campaign=campaign.code)
        return False
    finally:
        accelerator.redis.unlink(*copied)


def _show(
    accelerator: Accelerator,
    campaign: CampaignView,
    position: int,
    as_of: datetime,
    pairs: Sequence[tuple[str, str]],
    sizes: Mapping[str, int],
) -> bool:
    flat = [key for pair in pairs for key in pair]
    marks = position, clock.now().timestamp(), as_of.timestamp()
    expected = [sizes.get(copied, 0) for _, copied in pairs]
    accelerator.redis.sadd(FILLED, campaign.code)
    shown = accelerator.show_script(keys=(Keys(campaign.code).state, *flat), args=(*marks, *expected))
    log.info("boards_filled", campaign=campaign.code, position=position, shown=bool(shown))
    return bool(shown)


def _copy_people(tx: Session, accelerator: Accelerator, campaign: CampaignView, copy: Keys) -> dict[str, int]:
    who = CampaignParticipant.__table__
    sizes = {copy.who: 0, copy.names: 0}
    for rows in _pages(tx, select(who).where(who.c.campaign == campaign.code, who.c.left_at.is_(None))):
        minors = identity.minors_among(tx, {row.holder_id for row in rows}, now=clock.now())
        people = [known(row, row.holder_id in minors) for row in rows]
        pairs = [(each["holder_id"].hex, f"{int(each['listed'])}{each['id']}") for each in people]
        names = [(str(each["id"]), each["name"]) for each in people if each["name"] is not None]
        for key, some in ((copy.who, pairs), (copy.names, names)):
            _write(accelerator, "HSET", key, some)
            sizes[key] += len(some)
    return sizes


def _copy_scores(tx: Session, accelerator: Accelerator, campaign: CampaignView, copy: Keys) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    score = CampaignScore.__table__.c
    boards = boards_of(campaign)
    for period in dict.fromkeys(period for period, _ in boards):
        measures = [measure for of, measure in boards if of == period]
        query = select(score.participant_id, score.listed, score.grams, score.grams_at, score.points, score.points_at)
        for rows in _pages(tx, query.where(score.campaign == campaign.code, score.period == period)):
            for measure in measures:
                placed, hidden = _places(rows, measure)
                for command, key, some in (
                    ("ZADD", copy.places(period, measure), placed),
                    ("HSET", copy.hidden(period, measure), hidden),
                ):
                    _write(accelerator, command, key, some)
                    sizes[key] += len(some)
    return sizes


def _places(rows: Sequence[Row[Any]], measure: str) -> tuple[list[tuple[Any, Any]], list[tuple[Any, Any]]]:
    """(number, participant) of those who are listed, and (participant, number) of the others."""
    grams = measure == "grams"
    placed: list[tuple[Any, Any]] = []
    hidden: list[tuple[Any, Any]] = []
    for row in rows:
        number = encode(*(row.grams, row.grams_at) if grams else (row.points, row.points_at))
        id = str(row.participant_id)
        if row.listed:
            placed.append((number, id))
        else:
            hidden.append((id, number))
    return placed, hidden


def _pages(tx: Session, query: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    """What a query finds, some rows at a time, without holding all of it."""
    yield from tx.execute(query, execution_options={"yield_per": PAGE}).partitions()


def _write(accelerator: Accelerator, command: str, key: str, pairs: Iterable[tuple[Any, Any]]) -> None:
    flat = [value for pair in pairs for value in pair]
    if flat:
        with accelerator.redis.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(command, key, *flat)
            pipeline.expire(key, _UNFINISHED_SECONDS)
            pipeline.execute()


def _remove_others(accelerator: Accelerator, campaigns: Mapping[str, CampaignView]) -> None:
    """Remove the boards of campaigns whose scores are not followed any more: final, or cancelled."""
    for code in accelerator.redis.smembers(FILLED) - campaigns.keys():
        with reading_transaction(accelerator.sessions) as tx:
            row = tx.get(Campaign, code)
            parts = list(Keys(code).parts(reading.view(row))) if row is not None else []
        accelerator.redis.unlink(Keys(code).state, *parts)
        accelerator.redis.srem(FILLED, code)
