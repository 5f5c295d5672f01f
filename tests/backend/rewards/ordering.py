"""A reward that comes from outside, and a worker that sees to its orders."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from backend import clock, identity, rewards
from backend.ids import new_id
from backend.rewards import Doors, Terms
from backend.rewards.catalogue.stock import pieces_left
from backend.rewards.orders import finishing
from backend.rewards.orders.models import ProviderAnswer, ProviderOrder
from backend.rewards.providers.sandbox import SCHEME, Shop
from backend.rewards.redemptions import taking
from backend.sandbox import reward_platform
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.world import World

SECRET = reward_platform.SECRET
DOORS = Doors(sandbox=True)
ADDRESS = {"name": "王小明", "phone": "13800138000", "region": "上海市 黄浦区", "street": "人民大道 200 号"}
PRICE = 100
#: As if the worker had been away for long enough that everything is due.
LATER = timedelta(days=1)


def outside_reward(
    world: World, folder: Path, *, doors: Doors = DOORS, provider_kind: str = "sandbox", url: str = "", **more: Any
) -> Shop:
    """`parcel` for 100 points, ordered at the provider `post`; returns the ledger of that provider."""
    path, now, today = f"{folder}/post.sqlite", clock.now(), clock.today()
    told = {"recipient": "小包裹 / Little parcels", "contact": "400-100", "hands_over": "收件信息 / the address"}
    reward = {"kind": "charity", "item": "parcel"} | more
    with world.house.transaction() as tx:
        given = {"code": "post", "kind": provider_kind, "url": url or SCHEME + path}
        rewards.add_provider(tx, world.house.vault, doors, **given, **told, secret=SECRET, now=now)
        titles = {"zh": "包裹", "en": "Parcel"}
        amounts = {name: reward.pop(name) for name in ("delivered_amount", "delivered_unit") if name in reward}
        outside = {"provider_kind": provider_kind, "provider": "post", "stock_kind": "counted"}
        rewards.save_reward(tx, code="parcel", titles=titles, **outside, **reward, now=now)
        terms = Terms(today, PRICE, (("members", "personal"),), **amounts)
        rewards.save_terms(tx, "parcel", terms, announced_on=today)
        rewards.change_stock(tx, "parcel", 10_000, kind="restock", reason="first", operator_id=None, now=now)
    return Shop(path)


def work(world: World, *, doors: Doors = DOORS) -> int:
    """What a worker does once: a call for every order that is due."""
    return finishing.finish_round(world.house.sessions, world.house.vault, doors, "post")


def work_until_still(world: World, moment: Any, *, rounds: int = 12, step: timedelta = timedelta(minutes=1)) -> None:
    """A worker for a while: so many rounds, with time passing between them."""
    for _ in range(rounds):
        moment.shift(step)
        work(world)


def order_of(world: World, redemption_id: str) -> ProviderOrder:
    with world.house.transaction() as tx:
        found = tx.query(ProviderOrder).where(ProviderOrder.redemption_id == UUID(redemption_id)).one()
        tx.expunge(found)
        return found


def heard(world: World, redemption_id: str) -> list[tuple[str, str, bool]]:
    """What was asked, what was answered, and whether it moved the order on."""
    with world.house.transaction() as tx:
        rows = tx.query(ProviderAnswer).where(ProviderAnswer.redemption_id == UUID(redemption_id))
        return [(row.asked, row.answer, row.counted) for row in rows.order_by(ProviderAnswer.id)]


def left(world: World) -> int:
    with world.house.transaction() as tx:
        found = pieces_left(tx, "parcel")
        assert found is not None
        return found


def agree(by: Redeemer, shop: Shop, redemption_id: str) -> None:
    """Nothing is ordered twice, and what the platform carried out is what the member paid for."""
    booked = {row.request_no: row for row in shop.orders() if row.booked}
    assert all(row.booked == 1 for row in booked.values())
    state = by.in_full(redemption_id)["state"]
    standing = booked.get("rdm_" + UUID(redemption_id).hex)
    assert (state == "confirmed") == (standing is not None and standing.status != "cancelled")


def reserved(by: Redeemer) -> str:
    """A redemption whose process died before it asked the provider."""
    wish, now, made = by.wish("parcel", PRICE), clock.now(), new_id()
    with by.house.transaction() as tx:
        who = {"person_id": by.holder, "session_id": by.session, "account_id": by.holder}
        acting = identity.act_for(tx, **who, programme="members", now=now)
        prepared = taking.prepare(tx, by.house.vault, wish, acting, made, now=now)
        taking.carry_out(tx, by.house.vault, wish, prepared, now=now)
    return str(made)
