"""The catalogue: what there is, and what of it is offered to an account on a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from backend.lists import insert_rows
from backend.rewards.catalogue.models import COUNTED, Reward, RewardAudience, RewardStock, RewardTerms
from backend.rewards.catalogue.terms import Limit, device_limit, person_limit
from backend.rewards.errors import (
    RewardEnded,
    RewardExists,
    RewardNotForAccount,
    RewardNotFound,
    RewardNotYet,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward under the terms in force on a day.

    `provider_kind` delivers it; `provider` names the platform outside the house and `item` what the reward is called
    there, both None inside. `delivered_…` is what is delivered for one piece.
    """

    reward: str
    version: int
    kind: str
    titles: Mapping[str, str]
    price_points: int
    provider_kind: str
    provider: str | None
    item: str | None
    stock_kind: str
    per_person: Limit | None
    per_device: Limit | None
    last_day: date | None
    least_code_days: int
    delivered_amount: int | None
    delivered_unit: str | None

    @property
    def settings(self) -> dict[str, object]:
        """What a provider inside the house has to know of the terms (`Fulfilment.settings`)."""
        return {
            "least_code_days": self.least_code_days,
            "delivered_amount": self.delivered_amount,
            "delivered_unit": self.delivered_unit,
        }


def save_reward(
    tx: Session,
    *,
    code: str,
    kind: str,
    titles: Mapping[str, str],
    descriptions: Mapping[str, str] | None = None,
    provider_kind: str,
    provider: str | None = None,
    item: str | None = None,
    stock_kind: str,
    now: datetime,
) -> None:
    """Set a reward up; it is offered once it has terms (`save_terms`). Raises RewardExists."""
    described = descriptions or {"zh": "", "en": ""}
    row = {
        "code": code,
        "kind": kind,
        "title_zh": titles["zh"],
        "title_en": titles["en"],
        "description_zh": described["zh"],
        "description_en": described["en"],
        "provider_kind": provider_kind,
        "provider": provider,
        "item": item,
        "stock_kind": stock_kind,
        "created_at": now,
    }
    if not insert_rows(tx, Reward, [row], on_conflict=("code",), returning=("code",)):
        raise RewardExists(reward=code)
    if stock_kind == COUNTED:
        insert_rows(tx, RewardStock, [{"reward": code, "pieces_left": 0}])


def require_reward(tx: Session, code: str) -> Reward:
    """The reward, retired or not, or RewardNotFound."""
    found = tx.get(Reward, code)
    if found is None:
        raise RewardNotFound(reward=code)
    return found


def set_texts(tx: Session, code: str, titles: Mapping[str, str], descriptions: Mapping[str, str]) -> dict[str, object]:
    """Give a reward another title and description; returns those it had. Raises RewardNotFound."""
    found = tx.get(Reward, code, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise RewardNotFound(reward=code)
    before: dict[str, object] = {
        "title": {"zh": found.title_zh, "en": found.title_en},
        "description": {"zh": found.description_zh, "en": found.description_en},
    }
    found.title_zh, found.title_en = titles["zh"], titles["en"]
    found.description_zh, found.description_en = descriptions["zh"], descriptions["en"]
    tx.flush()
    return before


def retire_reward(tx: Session, code: str, *, now: datetime) -> Reward:
    """Offer a reward to nobody any more, for good; what was redeemed goes its way.

    Raises RewardNotFound, RewardEnded.
    """
    found = tx.get(Reward, code, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise RewardNotFound(reward=code)
    if found.retired_at is not None:
        raise RewardEnded(reward=code)
    found.retired_at = now
    tx.flush()
    return found


def _in_force() -> Any:
    """A reward with its terms of a day (`terms.terms_on` in one statement), and whether they are for an account."""
    reward, terms, audience = (table.__table__.c for table in (Reward, RewardTerms, RewardAudience))
    theirs = (
        select(audience.reward)
        .where(
            audience.reward == terms.reward,
            audience.version == terms.version,
            audience.programme == bindparam("programme"),
            audience.account_kind == bindparam("account_kind"),
        )
        .exists()
    )
    return (
        select(*(reward[name] for name in _OF_REWARD), *(terms[name] for name in _OF_TERMS), theirs.label("for_them"))
        .join_from(Reward.__table__, RewardTerms.__table__, terms.reward == reward.code)
        .where(reward.code == bindparam("reward"), terms.in_force_from <= bindparam("day"))
        .order_by(terms.in_force_from.desc(), terms.version.desc())
        .limit(1)
    )


#: What an offer is made of.
_OF_REWARD = ("code", "kind", "title_zh", "title_en", "provider_kind", "provider", "item", "stock_kind", "retired_at")
_OF_TERMS = (
    *("version", "price_points", "per_person_count", "per_person_days", "per_device_count", "per_device_days"),
    *("last_day", "least_code_days", "delivered_amount", "delivered_unit"),
)


_IN_FORCE = _in_force()


def offer(tx: Session, code: str, *, programme: str, account_kind: str, day: date) -> Offer:
    """What a reward is to an account on a day.

    Raises RewardNotFound, RewardNotYet, RewardEnded, RewardNotForAccount.
    """
    asked = {"reward": code, "programme": programme, "account_kind": account_kind, "day": day}
    found = tx.execute(_IN_FORCE, asked).one_or_none()
    if found is None:
        begins = tx.scalar(select(func.min(RewardTerms.in_force_from)).where(RewardTerms.reward == code))
        if begins is None:
            raise RewardNotFound(reward=code)
        raise RewardNotYet(reward=code, in_force_from=begins)
    if not found.for_them:
        raise RewardNotForAccount(reward=code)
    if found.retired_at is not None or (found.last_day is not None and found.last_day < day):
        raise RewardEnded(reward=code, last_day=found.last_day)
    row: Any = found
    return offer_of(row, row)


def offer_of(reward: Reward, terms: RewardTerms) -> Offer:
    """A reward under these terms."""
    return Offer(
        reward=reward.code,
        version=terms.version,
        kind=reward.kind,
        titles={"zh": reward.title_zh, "en": reward.title_en},
        price_points=terms.price_points,
        provider_kind=reward.provider_kind,
        provider=reward.provider,
        item=reward.item,
        stock_kind=reward.stock_kind,
        per_person=person_limit(terms),
        per_device=device_limit(terms),
        last_day=terms.last_day,
        least_code_days=terms.least_code_days,
        delivered_amount=terms.delivered_amount,
        delivered_unit=terms.delivered_unit,
    )
