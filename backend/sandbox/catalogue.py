"""What points can be exchanged for in the sandbox: a voucher, a tree, goods and points of another platform.

Its codes are public, like every key of the sandbox, and its platform is the twin that misbehaves as it is told.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backend import House, clock, rewards
from backend.rewards import Limit, RewardExists, Terms
from backend.sandbox.reward_platform import ledger_of

PLATFORM = "gifts"
BEGIN = date(2025, 1, 1)
CODES = 50
PIECES = 20


@dataclass(frozen=True, slots=True)
class SandboxReward:
    """A reward of the sandbox; `provider_kind` is inside the house, or the twin outside with `item`."""

    code: str
    kind: str
    zh: str
    en: str
    price_points: int
    provider_kind: str
    stock_kind: str
    item: str | None = None
    delivers: tuple[int, str] | None = None
    per_person: Limit | None = None

    def terms(self, programme: str) -> Terms:
        """What it costs the programme's members."""
        amount, unit = self.delivers or (None, None)
        return Terms(
            in_force_from=BEGIN,
            price_points=self.price_points,
            audiences=((programme, "personal"),),
            per_person=self.per_person,
            per_device=Limit(5, 1),
            least_code_days=7,
            delivered_amount=amount,
            delivered_unit=unit,
            terms_of_use_zh="演示用，不可实际使用。",
            terms_of_use_en="For trying out; worth nothing.",
        )


REWARDS = (
    SandboxReward(
        *("coffee", "voucher", "30 元咖啡券", "Coffee voucher, 30 yuan", 500, "voucher_pool", "pool"),
        per_person=Limit(2, 30),
    ),
    SandboxReward(
        *("saxaul", "charity", "在阿拉善种一棵梭梭", "A saxaul tree in Alxa", 2_000, "recorded", "unlimited"),
        delivers=(1, "trees"),
    ),
    SandboxReward(
        *("tote-bag", "goods", "再生材料帆布袋", "Tote bag of recycled cloth", 3_000, "sandbox", "counted"),
        item="TOTE-1#post",
        per_person=Limit(1),
    ),
    SandboxReward(
        *("mall-points", "platform_points", "商城 100 积分", "100 points at the mall", 1_000, "sandbox", "unlimited"),
        item="POINTS",
        delivers=(100, "platform_points"),
    ),
)


def load_catalogue(tx: Session, house: House, programme: str) -> None:
    """Put the catalogue into the database; what is there already is left alone."""
    if PLATFORM not in {provider.code for provider in rewards.outside_providers(tx)}:
        rewards.add_provider(
            tx,
            house.vault,
            rewards.Doors(house.settings.sandbox_hosts, house.settings.sandbox),
            code=PLATFORM,
            kind="sandbox",
            url=f"sandbox:{ledger_of(house.settings)}",
            recipient="演示礼品平台 / The sandbox's gift platform",
            contact="gifts@sandbox.example",
            hands_over="收件人姓名、电话与地址，或您在该平台的账号 / name, phone and address, or your account there",
            now=clock.now(),
        )
    for reward in REWARDS:
        _load(tx, house, programme, reward)


def _load(tx: Session, house: House, programme: str, reward: SandboxReward) -> None:
    outside: dict[str, Any] = {"provider": PLATFORM, "item": reward.item} if reward.item else {}
    try:
        rewards.save_reward(
            tx,
            code=reward.code,
            kind=reward.kind,
            titles={"zh": reward.zh, "en": reward.en},
            provider_kind=reward.provider_kind,
            stock_kind=reward.stock_kind,
            now=clock.now(),
            **outside,
        )
    except RewardExists:
        return
    rewards.save_terms(tx, reward.code, reward.terms(programme), announced_on=BEGIN)
    given: dict[str, Any] = {"operator_id": None, "now": clock.now()}
    if reward.stock_kind == "counted":
        rewards.change_stock(tx, reward.code, PIECES, kind="restock", reason="sandbox", **given)
    if reward.stock_kind == "pool":
        lines = "\n".join(f"SANDBOX-{reward.code.upper()}-{number:04}" for number in range(1, CODES + 1))
        file, until = rewards.CodeFile(lines.encode(), is_csv=False), clock.today() + timedelta(days=365)
        rewards.import_codes(tx, house.vault, reward.code, file, expires_on=until, **given)
