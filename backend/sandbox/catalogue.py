"""What points can be exchanged for in the sandbox: one reward of each kind, and of each kind of provider.

Its codes are public, like every key of the sandbox. Its platforms are twins that misbehave as they are told: one is
asked through its file, the others over HTTP, where the sandbox is served.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from backend import House, clock, rewards
from backend.rewards import Doors, Limit, RewardExists, Terms
from backend.sandbox.reward_platform import MILES, PARCELS, PATH, SECRET, ledger_of

GIFTS = "gifts"
BEGIN = date(2025, 1, 1)
CODES = 50
PIECES = 20


@dataclass(frozen=True, slots=True)
class SandboxProvider:
    """A platform of the sandbox; members read `title` and `hands_over`."""

    code: str
    kind: str
    title: str
    hands_over: str


PROVIDERS = (
    SandboxProvider(
        *(GIFTS, "sandbox", "演示礼品平台 / The sandbox's gift platform"),
        "收件人姓名、电话与地址，或您在该平台的账号 / name, phone and address, or your account there",
    ),
    SandboxProvider(
        *(PARCELS, "http_order", "演示邮寄平台 / The sandbox's parcel platform"),
        "收件人姓名、电话与地址 / name, phone and address",
    ),
    SandboxProvider(
        *(MILES, "points_platform", "演示里程平台 / The sandbox's miles platform"),
        "您在该平台的账号 / your account there",
    ),
)


@dataclass(frozen=True, slots=True)
class SandboxReward:
    """A reward of the sandbox. `provider` is inside the house, or one of `PROVIDERS`, which calls it `item`."""

    code: str
    kind: str
    zh: str
    en: str
    price_points: int
    provider: str
    stock_kind: str
    item: str | None = None
    delivers: tuple[int, str] | None = None
    per_person: Limit | None = None

    def terms(self, programme: str, account_kind: str) -> Terms:
        """What it costs such accounts of the programme."""
        amount, unit = self.delivers or (None, None)
        return Terms(
            in_force_from=BEGIN,
            price_points=self.price_points,
            audiences=((programme, account_kind),),
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
        *("tote-bag", "goods", "再生材料帆布袋", "Tote bag of recycled cloth", 3_000, GIFTS, "counted"),
        item="TOTE-1#post",
        per_person=Limit(1),
    ),
    SandboxReward(
        *("mall-points", "platform_points", "商城 100 积分", "100 points at the mall", 1_000, GIFTS, "unlimited"),
        item="POINTS",
        delivers=(100, "platform_points"),
    ),
    SandboxReward(
        *("travel-cup", "goods", "随行杯", "Travel cup", 2_500, PARCELS, "counted"),
        item="CUP-1#post",
        per_person=Limit(1),
    ),
    SandboxReward(
        *("air-miles", "platform_points", "航空里程 500", "500 air miles", 1_500, MILES, "unlimited"),
        item="MILES",
        delivers=(500, "platform_points"),
    ),
)
CLASS_REWARD = SandboxReward(
    *("reading-corner", "class_reward", "班级图书角：二十本书", "Twenty books for the classroom", 5_000),
    *("recorded", "unlimited"),
)


def load_catalogue(tx: Session, house: House, programme: str, url: str | None = None) -> None:
    """Put the catalogue into the database; what is there already is left alone.

    `url`: where the sandbox is served. Without it there is nothing that is ordered over HTTP.
    """
    reached = {GIFTS: f"sandbox:{ledger_of(house.settings)}"}
    if url is not None:
        reached |= {code: f"{url}{PATH}/{code}" for code in (PARCELS, MILES)}
    for provider in PROVIDERS:
        if provider.code in reached:
            _load_provider(tx, house, provider, reached[provider.code])
    outside = {provider.code for provider in PROVIDERS}
    for reward in REWARDS:
        if reward.provider in reached or reward.provider not in outside:
            load_reward(tx, house, reward, reward.terms(programme, "personal"))


def _load_provider(tx: Session, house: House, provider: SandboxProvider, url: str) -> None:
    """Another run of the sandbox may be served at another port."""
    doors = Doors((*house.settings.sandbox_hosts, urlsplit(url).netloc), house.settings.sandbox)
    found = {known.code: known for known in rewards.outside_providers(tx)}.get(provider.code)
    if found is None:
        rewards.add_provider(
            tx,
            house.vault,
            doors,
            code=provider.code,
            kind=provider.kind,
            url=url,
            recipient=provider.title,
            contact=f"{provider.code}@sandbox.example",
            hands_over=provider.hands_over,
            secret=SECRET,
            now=clock.now(),
        )
    elif found.url != url and not found.retired:
        rewards.move_provider(tx, doors, provider.code, url)


def load_reward(tx: Session, house: House, reward: SandboxReward, terms: Terms) -> None:
    """Offer a reward under these terms, unless it is there already."""
    kinds = {provider.code: provider.kind for provider in PROVIDERS}
    outside: dict[str, Any] = {"provider": reward.provider, "item": reward.item} if reward.item else {}
    try:
        rewards.save_reward(
            tx,
            code=reward.code,
            kind=reward.kind,
            titles={"zh": reward.zh, "en": reward.en},
            provider_kind=kinds.get(reward.provider, reward.provider),
            stock_kind=reward.stock_kind,
            now=clock.now(),
            **outside,
        )
    except RewardExists:
        return
    rewards.save_terms(tx, reward.code, terms, announced_on=BEGIN)
    given: dict[str, Any] = {"operator_id": None, "now": clock.now()}
    if reward.stock_kind == "counted":
        rewards.change_stock(tx, reward.code, PIECES, kind="restock", reason="sandbox", **given)
    if reward.stock_kind == "pool":
        lines = "\n".join(f"SANDBOX-{reward.code.upper()}-{number:04}" for number in range(1, CODES + 1))
        file, until = rewards.CodeFile(lines.encode(), is_csv=False), clock.today() + timedelta(days=365)
        rewards.import_codes(tx, house.vault, reward.code, file, expires_on=until, **given)
