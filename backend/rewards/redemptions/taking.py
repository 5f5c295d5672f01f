"""Taking one piece of a reward for points, within one transaction: the terms, the limits, the points, the thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock, points
from backend.identity import Acting
from backend.rewards.catalogue import offers, stock, vouchers
from backend.rewards.catalogue.models import GOODS, PLATFORM_POINTS, POOL
from backend.rewards.catalogue.offers import Offer
from backend.rewards.interfaces import Address, Fulfilment, Recipient, Reference
from backend.rewards.orders import preparing, recipients
from backend.rewards.providers import INSIDE, recorded
from backend.rewards.redemptions import limits, steps, telling
from backend.rewards.redemptions.errors import (
    DeviceNeeded,
    PriceChanged,
    RecipientNeeded,
    RecipientNotNeeded,
    SharingNotAccepted,
)
from backend.rewards.redemptions.policy import (
    CONFIRMED,
    MEMBER,
    RESERVED,
    REVIEW,
    Limits,
    check,
    reviewed_because,
)
from backend.rewards.redemptions.steps import Why
from backend.vault import Sealer, Vault

#: For whom an order is, where the reward needs to know.
_NEEDED: dict[str, type[Recipient]] = {GOODS: Address, PLATFORM_POINTS: Reference}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member asks for, in which login, for which account. `device`: what their phone calls itself."""

    person_id: UUID
    session_id: UUID
    account_id: UUID
    programme: str
    reward: str
    expected_price_points: int
    device: str | None = None
    recipient: Recipient | None = None
    accepts_sharing: bool = False

    def said(self) -> list[Any]:
        """What makes another request of it."""
        named = [self.programme, self.reward, self.expected_price_points, self.device, self.accepts_sharing]
        return [self.account_id, *named, repr(self.recipient)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is about to be written: under which offer and limits, the redemption's row, and how its member reads it."""

    offer: Offer
    rules: Limits
    row: dict[str, Any]
    told: dict[str, Any]
    acting: Acting


def prepare(tx: Session, vault: Vault, wish: Wish, acting: Acting, redemption_id: UUID, *, now: datetime) -> Prepared:
    """Judge a wish of this account, which is held; nothing is written yet.

    Raises the catalogue's refusals, PriceChanged, LimitReached, and what the wish itself lacks.
    """
    day = clock.day_of(now)
    offer = offers.offer(tx, wish.reward, programme=wish.programme, account_kind=acting.account_kind, day=day)
    rules = limits.limits_on(tx, wish.programme, day)
    _check_wish(wish, offer, rules)
    rewarded = (offer.reward, offer.per_person)
    before = limits.before(tx, wish.account_id, wish.programme, rules, *rewarded, now=now)
    check(rules, before, offer.price_points, now)
    why = reviewed_because(rules, before, offer.price_points, now - acting.enrolled_at)
    state = REVIEW if why else CONFIRMED if offer.provider is None else RESERVED
    row = _row(vault, wish, acting, redemption_id, offer, state, why, _ends_at(state, rules, now), now)
    waits = offer.provider_kind == recorded.PROVIDER.kind
    return Prepared(offer, rules, row, telling.told(row, offer.kind, offer.titles, waits=waits), acting)


def carry_out(tx: Session, vault: Vault, wish: Wish, prepared: Prepared, *, now: datetime, once: bool = False) -> None:
    """Write it down, move the points, and take the thing. Raises LimitReached, InsufficientPoints, SoldOut.

    With `once` also points.Overtaken, as `points.spend` says.
    """
    offer, rules, row = prepared.offer, prepared.rules, prepared.row
    holder_id, redemption_id, state = row["holder_id"], row["id"], row["state"]
    steps.begin(tx, row, Why(row["why"], MEMBER))
    use: dict[str, Any] = {"holder_id": holder_id, "programme": wish.programme, "use_id": redemption_id, "once": once}
    (points.spend if state == CONFIRMED else points.reserve)(tx, **use, points=offer.price_points, now=now)
    if row["device_index"] is not None:
        limits.check_device(tx, row["device_index"], wish.programme, rules, offer.reward, offer.per_device, now=now)
    stock.take(tx, offer.reward, offer.stock_kind)
    if wish.recipient is not None:
        provider = offer.provider or offer.provider_kind
        recipients.keep(tx, vault, holder_id, redemption_id, provider, wish.recipient, now=now)
    if state == RESERVED:
        order(tx, holder_id, redemption_id, offer, now=now)
    elif state == CONFIRMED:
        fulfil(tx, vault, holder_id, redemption_id, offer, now=now, sealer=prepared.acting.sealer(vault))
    elif offer.stock_kind == POOL:
        # Whenever the review ends in time, the code is good for as long as the terms promise from then on.
        usable_until = clock.day_of(row["ends_at"]) + timedelta(days=offer.least_code_days)
        vouchers.reserve_code(tx, reward=offer.reward, redemption_id=redemption_id, usable_until=usable_until)


def fulfil(
    tx: Session,
    vault: Vault,
    holder_id: UUID,
    redemption_id: UUID,
    offer: Offer,
    *,
    now: datetime,
    sealer: Sealer | None = None,
) -> None:
    """Have a provider inside the house deliver, in this transaction."""
    asked = Fulfilment(holder_id, redemption_id, offer.reward, 1, offer.settings, sealer)
    INSIDE[offer.provider_kind].fulfil(tx, vault, asked, now=now)


def order(tx: Session, holder_id: UUID, redemption_id: UUID, offer: Offer, *, now: datetime) -> None:
    """Write down what a provider outside is to be asked for once this transaction is committed."""
    assert offer.provider is not None
    quantity = offer.delivered_amount if offer.kind == PLATFORM_POINTS else None
    preparing.prepare(
        tx,
        holder_id=holder_id,
        redemption_id=redemption_id,
        provider=offer.provider,
        item=offer.item or offer.reward,
        quantity=quantity or 1,
        now=now,
    )


def _check_wish(wish: Wish, offer: Offer, rules: Limits) -> None:
    if wish.expected_price_points != offer.price_points:
        raise PriceChanged(price_points=offer.price_points, terms_version=offer.version)
    if wish.device is None and (offer.per_device is not None or rules.device_count is not None):
        raise DeviceNeeded
    _check_recipient(wish, offer)


def _check_recipient(wish: Wish, offer: Offer) -> None:
    """Goods of the house may be fetched, and then need no address; whatever goes outside has to be agreed to."""
    needed, outside = _NEEDED.get(offer.kind), offer.provider is not None
    if needed is None and wish.recipient is not None:
        raise RecipientNotNeeded
    given = wish.recipient is not None
    if needed is not None and (outside or given) and not isinstance(wish.recipient, needed):
        raise RecipientNeeded(needed="address" if needed is Address else "member")
    if given and outside and not wish.accepts_sharing:
        raise SharingNotAccepted(provider=offer.provider)


def _ends_at(state: str, rules: Limits, now: datetime) -> datetime | None:
    hours = {REVIEW: rules.review_hours, RESERVED: rules.reserved_hours}.get(state)
    return None if hours is None else now + timedelta(hours=hours)


def _row(
    vault: Vault,
    wish: Wish,
    acting: Acting,
    redemption_id: UUID,
    offer: Offer,
    state: str,
    why: str | None,
    ends_at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "holder_id": acting.holder_id,
        "id": redemption_id,
        "programme": wish.programme,
        "reward": offer.reward,
        "terms_version": offer.version,
        "points": offer.price_points,
        "state": state,
        "why": why,
        "person_id": acting.person_id,
        "device_index": None if wish.device is None else vault.index("device", wish.device),
        "created_at": now,
        "changed_at": now,
        "ends_at": ends_at,
    }
