"""The catalogue as a member sees it: what each reward costs, from when, and why it cannot be redeemed if it cannot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from backend import clock, identity, ledger
from backend.bilingual import halves
from backend.rewards.catalogue.codes import free_codes
from backend.rewards.catalogue.models import (
    CODE,
    POOL,
    Reward,
    RewardAudience,
    RewardProvider,
    RewardStock,
    RewardTerms,
)
from backend.rewards.catalogue.offers import Offer, offer_of
from backend.rewards.catalogue.terms import audiences_of, person_limit, terms_on, versions_of
from backend.rewards.errors import RewardNotFound
from backend.rewards.redemptions import limits

#: Up to this many pieces are told exactly; beyond it there is enough.
MOST_TOLD = 100
#: What ended is shown for so many days, so that a member who looks for it learns why it is gone.
SHOWN_AFTER_END = timedelta(days=30)

SENTENCES = {
    "REWARD_NOT_YET": ("该奖品自 {day} 起可兑换。", "This reward can be redeemed from {day} on."),
    "REWARD_ENDED": ("该奖品已结束兑换。", "This reward cannot be redeemed any more."),
    "SOLD_OUT": ("该奖品已兑完。", "Nothing is left of this reward."),
    "POINTS_OWED": (
        "您有 {points} 积分待扣回，之后生效的积分会先用于抵扣。",
        "You owe {points} points, which are taken from those that become available next.",
    ),
    "INSUFFICIENT_POINTS": ("还差 {points} 积分。", "You need {points} more points."),
    "REDEMPTION_LIMIT": ("您已达到该奖品的兑换上限。", "You have redeemed as many of this reward as one person may."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a reward cannot be redeemed now: a code for programs, a sentence for members."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DataRecipient:
    """Who outside the house gets data about the member, and which; each `中文 / English`."""

    title: str
    contact: str
    hands_over: str

    def as_json(self) -> dict[str, Any]:
        return {"recipient": halves(self.title), "contact": self.contact, "hands_over": halves(self.hands_over)}


@dataclass(frozen=True, slots=True)
class ShelfItem:
    """A reward as a member sees it. `offer` is under the terms in force, or the first to come.

    `pieces_left`: None when it is unlimited; `MOST_TOLD` stands for as many or more. `announced`: the next version,
    `announced_to_them` whether it still offers the reward to such accounts. `reasons` is empty when the member can
    redeem it now.
    """

    offer: Offer
    descriptions: Mapping[str, str]
    terms_of_use: Mapping[str, str]
    in_force_from: date
    announced: Offer | None
    announced_from: date | None
    announced_to_them: bool
    pieces_left: int | None
    recipient: DataRecipient | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Purse:
    """What the member has to spend in a programme, and what they owe there."""

    available: int
    debt: int


def reason(code: str, **facts: object) -> Reason:
    """A reason with its sentence."""
    zh, en = SENTENCES[code]
    return Reason(code, zh.format(**facts), en.format(**facts))


def shelf(
    tx: Session, holder_id: UUID, programme: str, *, after: str | None, limit: int, now: datetime
) -> list[ShelfItem]:
    """What a programme offers to this holder's account, in the order of the codes, behind `after`.

    Raises UnknownProgramme, NotEnrolled.
    """
    kind = _account_kind(tx, holder_id, programme)
    query = _offered(programme, kind, clock.day_of(now))
    query = query.where(Reward.code > after) if after is not None else query
    rows = [(reward, terms) for reward, terms in tx.execute(query.order_by(Reward.code).limit(limit))]
    return _items(tx, holder_id, (programme, kind), rows, now)


def shelf_item(tx: Session, holder_id: UUID, programme: str, code: str, *, now: datetime) -> ShelfItem:
    """One of them. Raises as `shelf`, and RewardNotFound."""
    kind = _account_kind(tx, holder_id, programme)
    query = _offered(programme, kind, clock.day_of(now))
    known = CODE.fullmatch(code) is not None  # what cannot be a code is not even looked up: PostgreSQL takes no NUL
    rows = [(reward, terms) for reward, terms in tx.execute(query.where(Reward.code == code))] if known else []
    if not rows:
        raise RewardNotFound(reward=code)
    return _items(tx, holder_id, (programme, kind), rows, now)[0]


def _account_kind(tx: Session, holder_id: UUID, programme: str) -> str:
    identity.require_programme(tx, programme)
    for enrolment in identity.enrolments(tx, holder_id):
        if enrolment.programme == programme:
            return enrolment.account_kind
    raise identity.NotEnrolled(programme=programme)


def _offered(programme: str, account_kind: str, day: date) -> Select[Reward, RewardTerms]:
    """Rewards for such accounts, each with the version in force on that day, or the first to come."""
    version = select(RewardTerms.version).where(RewardTerms.reward == Reward.code).correlate(Reward).limit(1)
    latest = (RewardTerms.in_force_from.desc(), RewardTerms.version.desc())
    begun = version.where(RewardTerms.in_force_from <= day).order_by(*latest).scalar_subquery()
    soonest = (RewardTerms.in_force_from, RewardTerms.version.desc())
    to_come = version.where(RewardTerms.in_force_from > day).order_by(*soonest).scalar_subquery()
    shown = (RewardTerms.reward == Reward.code) & (RewardTerms.version == func.coalesce(begun, to_come))
    audience = (RewardAudience.reward == RewardTerms.reward) & (RewardAudience.version == RewardTerms.version)
    return (
        select(Reward, RewardTerms)
        .join(RewardTerms, shown)
        .join(RewardAudience, audience)
        .where(RewardAudience.programme == programme, RewardAudience.account_kind == account_kind)
        .where(Reward.retired_at.is_(None))
        .where(or_(RewardTerms.last_day.is_(None), RewardTerms.last_day >= day - SHOWN_AFTER_END))
    )


def _items(
    tx: Session, holder_id: UUID, audience: tuple[str, str], rows: Sequence[tuple[Reward, RewardTerms]], now: datetime
) -> list[ShelfItem]:
    day, codes = clock.day_of(now), [reward.code for reward, _ in rows]
    purse, left = _purse(tx, holder_id, audience[0]), _pieces_left(tx, rows, day)
    versions, audiences = versions_of(tx, codes), audiences_of(tx, codes)
    had = limits.pieces_had(tx, holder_id, {row.reward: person_limit(row) for _, row in rows}, now=now)
    recipients = _recipients(tx, [reward.provider for reward, _ in rows if reward.provider])
    items = []
    for reward, terms in rows:
        coming = [row for row in versions[reward.code] if row.in_force_from > max(day, terms.in_force_from)]
        first_day = min((row.in_force_from for row in coming), default=day)
        next_terms = terms_on(coming, first_day)
        items.append(
            ShelfItem(
                offer=offer_of(reward, terms),
                descriptions={"zh": reward.description_zh, "en": reward.description_en},
                terms_of_use={"zh": terms.terms_of_use_zh, "en": terms.terms_of_use_en},
                in_force_from=terms.in_force_from,
                announced=offer_of(reward, next_terms) if next_terms else None,
                announced_from=next_terms.in_force_from if next_terms else None,
                announced_to_them=audience in audiences.get((reward.code, next_terms.version if next_terms else 0), ()),
                pieces_left=left[reward.code],
                recipient=recipients.get(reward.provider or ""),
                reasons=tuple(_reasons(terms, left[reward.code], had.get(reward.code, 0), purse, day)),
            )
        )
    return items


def _reasons(terms: RewardTerms, left: int | None, had: int, purse: Purse, day: date) -> Iterator[Reason]:
    if terms.in_force_from > day:
        yield reason("REWARD_NOT_YET", day=terms.in_force_from)
    if terms.last_day is not None and terms.last_day < day:
        yield reason("REWARD_ENDED")
    if left == 0:
        yield reason("SOLD_OUT")
    if terms.per_person_count is not None and had >= terms.per_person_count:
        yield reason("REDEMPTION_LIMIT")
    if purse.available < terms.price_points:
        if purse.debt:
            yield reason("POINTS_OWED", points=purse.debt)
        yield reason("INSUFFICIENT_POINTS", points=terms.price_points - purse.available)


def _purse(tx: Session, holder_id: UUID, programme: str) -> Purse:
    balances = ledger.balances(tx, holder_id).get(programme, {})
    return Purse(balances.get("points.available", 0), balances.get("points.debt", 0))


def _pieces_left(tx: Session, rows: Iterable[tuple[Reward, RewardTerms]], day: date) -> dict[str, int | None]:
    """Reward → pieces, `MOST_TOLD` for as many or more; None where it is unlimited."""
    found: dict[str, int | None] = {reward.code: None for reward, _ in rows}
    counted = select(RewardStock).where(RewardStock.reward.in_(found))
    found |= {row.reward: min(row.pieces_left, MOST_TOLD) for row in tx.scalars(counted)}
    for reward, terms in rows:
        if reward.stock_kind == POOL:
            usable_until = max(day, terms.in_force_from) + timedelta(days=terms.least_code_days)
            found[reward.code] = free_codes(tx, reward.code, usable_until, at_most=MOST_TOLD)
    return found


def _recipients(tx: Session, providers: Iterable[str]) -> dict[str, DataRecipient]:
    query = select(RewardProvider).where(RewardProvider.code.in_(set(providers)))
    return {row.code: DataRecipient(row.recipient, row.contact, row.hands_over) for row in tx.scalars(query)}
