"""Rewards: what is offered, under which terms from which day, how much of it there is, and the pool of codes."""

import re
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

#: What a reward may be called (`Reward.code`).
CODE = re.compile("[a-z0-9][a-z0-9_-]{0,63}")
#: What a reward is (`Reward.kind`).
VOUCHER, PLATFORM_POINTS, GOODS, CHARITY, CLASS_REWARD = KINDS = (
    *("voucher", "platform_points", "goods", "charity", "class_reward"),
)
#: How much there is of it (`Reward.stock_kind`): counted pieces, the free codes of a pool, as much as is asked for.
COUNTED, POOL, UNLIMITED = STOCK_KINDS = ("counted", "pool", "unlimited")
#: Providers inside the house: they have no address and no keys.
INSIDE = ("voucher_pool", "recorded")
#: What became of a code (`VoucherCode.state`).
FREE, RESERVED, TAKEN, WITHDRAWN = CODE_STATES = ("free", "reserved", "taken", "withdrawn")
#: In what a delivered amount is counted (`RewardTerms.delivered_unit`).
DELIVERED_UNITS = ("platform_points", "fen", "trees")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class RewardProvider(Base):
    """A platform outside the house that delivers rewards, as an operator configured it.

    Members read `recipient` (who gets data about them), `contact` and `hands_over` (which data), each `中文 / English`.
    """

    __tablename__ = "reward_providers"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    hands_over: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class RewardProviderKey(Base):
    """A key that requests to a provider are signed with, sealed by the house; several are valid during a rotation."""

    __tablename__ = "reward_provider_keys"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    provider: Mapped[str] = mapped_column(ForeignKey("reward_providers.code"), index=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)


class Reward(Base):
    """奖品: something points can be exchanged for. It is offered once it has terms in force, until it is retired.

    `provider_kind` names who delivers it; one outside the house is a `provider` with an address, where the reward is
    called `item`.
    """

    __tablename__ = "rewards"
    __table_args__ = (
        CheckConstraint(_one_of("kind", KINDS), name="kind"),
        CheckConstraint(_one_of("stock_kind", STOCK_KINDS), name="stock_kind"),
        CheckConstraint(f"({_one_of('provider_kind', INSIDE)}) = (provider IS NULL)", name="provider"),
        CheckConstraint("(item IS NULL) = (provider IS NULL)", name="item"),
        CheckConstraint("(stock_kind = 'pool') = (provider_kind = 'voucher_pool')", name="pool"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    description_zh: Mapped[str] = mapped_column(Text)
    description_en: Mapped[str] = mapped_column(Text)
    provider_kind: Mapped[str] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(ForeignKey("reward_providers.code"))
    item: Mapped[str | None] = mapped_column(Text)
    stock_kind: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class RewardTerms(Base):
    """What one piece costs and to whom it is given, from a day on. A row is never changed; a new version follows.

    In force on a day is, of those that have begun, the one that began last. `last_day` is the last day of redemption.
    `…_count` pieces within `…_days` (NULL: ever) for one person or device; NULL counts are no limit.
    `least_code_days`: a code given out can be used for so many days more. `delivered_amount` is what the provider
    delivers for one piece: points of the other platform, a donation in fen, trees.
    """

    __tablename__ = "reward_terms"
    __table_args__ = (
        CheckConstraint("version > 0 AND price_points > 0", name="price"),
        CheckConstraint("version = 1 OR in_force_from > announced_on", name="announced_before"),
        CheckConstraint("last_day IS NULL OR last_day >= in_force_from", name="last_day"),
        CheckConstraint(
            "per_person_count > 0 AND per_person_days > 0 AND per_device_count > 0 AND per_device_days > 0",
            name="limits",
        ),
        CheckConstraint("per_person_days IS NULL OR per_person_count IS NOT NULL", name="person_window"),
        CheckConstraint("per_device_days IS NULL OR per_device_count IS NOT NULL", name="device_window"),
        CheckConstraint("least_code_days >= 0", name="least_code_days"),
        CheckConstraint("(delivered_amount IS NULL) = (delivered_unit IS NULL)", name="delivered"),
        CheckConstraint(
            f"delivered_amount > 0 AND {_one_of('delivered_unit', DELIVERED_UNITS)}", name="delivered_amount"
        ),
    )

    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    announced_on: Mapped[date] = mapped_column(Date)
    in_force_from: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    price_points: Mapped[int] = mapped_column(Amount)
    per_person_count: Mapped[int | None] = mapped_column(Integer)
    per_person_days: Mapped[int | None] = mapped_column(Integer)
    per_device_count: Mapped[int | None] = mapped_column(Integer)
    per_device_days: Mapped[int | None] = mapped_column(Integer)
    least_code_days: Mapped[int] = mapped_column(Integer)
    delivered_amount: Mapped[int | None] = mapped_column(Amount)
    delivered_unit: Mapped[str | None] = mapped_column(Text)
    terms_of_use_zh: Mapped[str] = mapped_column(Text)
    terms_of_use_en: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))


class RewardAudience(Base):
    """To whom a version of the terms offers a reward: accounts of a kind in a programme."""

    __tablename__ = "reward_audiences"
    __table_args__ = (
        ForeignKeyConstraint(["reward", "version"], ["reward_terms.reward", "reward_terms.version"]),
        CheckConstraint("account_kind IN ('personal', 'staff', 'class')", name="account_kind"),
        Index("ix_reward_audiences_programme", "programme", "account_kind", "reward"),
    )

    reward: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    account_kind: Mapped[str] = mapped_column(Text, primary_key=True)


class RewardStock(Base):
    """How many pieces of a counted reward are left. The only thing of a reward that redemptions change."""

    __tablename__ = "reward_stock"
    __table_args__ = (CheckConstraint("pieces_left >= 0", name="never_oversold"),)

    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"), primary_key=True)
    pieces_left: Mapped[int] = mapped_column(Amount)


class StockChange(Base):
    """A change of a stock by an operator: pieces that came, or that a count found more or fewer. Never altered."""

    __tablename__ = "reward_stock_changes"
    __table_args__ = (
        CheckConstraint("pieces <> 0 AND pieces_left >= 0", name="pieces"),
        CheckConstraint("kind IN ('restock', 'correction') AND (kind = 'correction' OR pieces > 0)", name="kind"),
        Index("ix_reward_stock_changes_reward", "reward", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"))
    kind: Mapped[str] = mapped_column(Text)
    pieces: Mapped[int] = mapped_column(Amount)
    pieces_left: Mapped[int] = mapped_column(Amount)
    reason: Mapped[str] = mapped_column(Text)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class CodeBatch(Base):
    """A file of voucher codes that was imported. `withdrawn_at`: its codes that were free then never are again."""

    __tablename__ = "reward_code_batches"
    __table_args__ = (CheckConstraint("codes > 0", name="codes"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"), index=True)
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    codes: Mapped[int] = mapped_column(Integer)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    imported_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class VoucherCode(Base):
    """A code of the pool: found by its keyed fingerprint, sealed by the house while nobody owns it.

    `expires_on` is the last day on which it can be used. `reserved`: it waits for the review of a redemption. Once it
    is taken for one, `sealed_code` is empty: the code is sealed anew under its owner's key (`Voucher`), which a
    deletion destroys, and stands nowhere else.
    """

    __tablename__ = "reward_codes"
    __table_args__ = (
        UniqueConstraint("fingerprint"),
        UniqueConstraint("redemption_id"),
        CheckConstraint(_one_of("state", CODE_STATES), name="state"),
        CheckConstraint("(state IN ('reserved', 'taken')) = (redemption_id IS NOT NULL)", name="redemption"),
        CheckConstraint("(state = 'taken') = (sealed_code IS NULL)", name="sealed"),
        Index(
            "ix_reward_codes_free",
            "reward",
            "expires_on",
            "id",
            postgresql_where=text("state = 'free'"),
            sqlite_where=text("state = 'free'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("reward_code_batches.id"), index=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_code: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text)
    redemption_id: Mapped[UUID | None] = mapped_column(Uuid)


class Voucher(Base):
    """A code that belongs to a member, sealed under their own key: forgetting them destroys it.

    It was shown `showings` times of the `showings_allowed`; `shown_for` is the digest of the key of the last showing,
    whose repeat shows the same for a while.
    """

    __tablename__ = "reward_vouchers"
    __table_args__ = (CheckConstraint("showings >= 0 AND showings <= showings_allowed", name="shown_once"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code_id: Mapped[UUID] = mapped_column(ForeignKey("reward_codes.id"))
    sealed_code: Mapped[bytes] = mapped_column(LargeBinary)
    expires_on: Mapped[date] = mapped_column(Date)
    showings: Mapped[int] = mapped_column(Integer)
    showings_allowed: Mapped[int] = mapped_column(Integer)
    shown_for: Mapped[bytes | None] = mapped_column(LargeBinary)
    shown_at: Mapped[datetime | None] = mapped_column(Instant)
