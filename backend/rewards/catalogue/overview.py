"""Rewards as operators see them: terms past, present and announced, what is left, and what came when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.rewards.catalogue.codes import batches_of, free_codes
from backend.rewards.catalogue.describing import stored_terms, told_terms
from backend.rewards.catalogue.models import FREE, POOL, Reward, RewardStock, StockChange, VoucherCode
from backend.rewards.catalogue.offers import require_reward
from backend.rewards.catalogue.terms import audiences_of, terms_on, versions_of

#: More pieces than this are not counted where only a shortage matters.
ENOUGH = 1_000


@dataclass(frozen=True, slots=True)
class RewardState:
    """A reward in one line. `price_points` is today's, None before its first terms; `left` None where unlimited.

    `announced` is the next price and its day. `next_expiry` is the day on which the first of the free codes lapses.
    """

    code: str
    kind: str
    provider: str
    price_points: int | None
    announced: tuple[int, date] | None
    left: int | None
    next_expiry: date | None
    retired: bool


def reward_states(tx: Session, day: date) -> list[RewardState]:
    """Every reward as it stands on a day, by code."""
    rewards = list(tx.scalars(select(Reward).order_by(Reward.code)))
    versions = versions_of(tx, [reward.code for reward in rewards])
    counted = {row.reward: row.pieces_left for row in tx.scalars(select(RewardStock))}
    pools = _free_codes(tx, day)
    return [_state(reward, versions[reward.code], counted, pools, day) for reward in rewards]


def _state(reward: Reward, versions: Any, counted: Any, pools: Any, day: date) -> RewardState:
    now, coming = terms_on(versions, day), [row for row in versions if row.in_force_from > day]
    after = terms_on(coming, min((row.in_force_from for row in coming), default=day))
    codes, expiry = pools.get(reward.code, (0, None))
    return RewardState(
        code=reward.code,
        kind=reward.kind,
        provider=reward.provider or reward.provider_kind,
        price_points=now.price_points if now else None,
        announced=(after.price_points, after.in_force_from) if after else None,
        left=codes if reward.stock_kind == POOL else counted.get(reward.code),
        next_expiry=expiry,
        retired=reward.retired_at is not None,
    )


def _free_codes(tx: Session, day: date) -> dict[str, tuple[int, date]]:
    query = (
        select(VoucherCode.reward, func.count(), func.min(VoucherCode.expires_on))
        .where(VoucherCode.state == FREE, VoucherCode.expires_on >= day)
        .group_by(VoucherCode.reward)
    )
    return {reward: (count, expiry) for reward, count, expiry in tx.execute(query)}


def left_of_each(tx: Session, day: date) -> dict[str, int]:
    """Reward → pieces left, or codes that can be used on that day; `ENOUGH` for as many or more. For alarms."""
    offered = select(Reward.code).where(Reward.retired_at.is_(None))
    counted = select(RewardStock).where(RewardStock.reward.in_(offered))
    found = {row.reward: min(row.pieces_left, ENOUGH) for row in tx.scalars(counted)}
    for code in tx.scalars(offered.where(Reward.stock_kind == POOL)):
        found[code] = free_codes(tx, code, day, at_most=ENOUGH)
    return found


def describe_reward(tx: Session, code: str) -> dict[str, Any]:
    """A reward in full: what it is, every version of its terms, changes of its stock, its files of codes.

    Raises RewardNotFound.
    """
    reward = require_reward(tx, code)
    return {
        "code": reward.code,
        "kind": reward.kind,
        "title": {"zh": reward.title_zh, "en": reward.title_en},
        "description": {"zh": reward.description_zh, "en": reward.description_en},
        "provider": reward.provider or reward.provider_kind,
        "item": reward.item,
        "stock": reward.stock_kind,
        "retired_at": _iso(reward.retired_at),
        "terms": list(_told_versions(tx, code)),
        "stock_changes": list(_told_changes(tx, code)),
        "batches": [
            {
                "id": str(batch.id),
                "codes": batch.codes,
                "file_sha256": batch.file_sha256.hex(),
                "imported_at": clock.iso(batch.imported_at),
                "withdrawn_at": _iso(batch.withdrawn_at),
            }
            for batch in batches_of(tx, code)
        ],
    }


def _told_versions(tx: Session, code: str) -> Iterator[dict[str, Any]]:
    audiences = audiences_of(tx, [code])
    for row in versions_of(tx, [code])[code]:
        stated = {
            "version": row.version,
            "announced_on": row.announced_on.isoformat(),
            "approval": str(row.approval_id) if row.approval_id else None,
        }
        yield stated | told_terms(stored_terms(row, audiences[code, row.version]))


def _told_changes(tx: Session, code: str) -> Iterator[dict[str, Any]]:
    for change in tx.scalars(select(StockChange).where(StockChange.reward == code).order_by(StockChange.id)):
        yield {
            "at": clock.iso(change.changed_at),
            "kind": change.kind,
            "pieces": change.pieces,
            "pieces_left": change.pieces_left,
            "reason": change.reason,
        }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else clock.iso(instant)
