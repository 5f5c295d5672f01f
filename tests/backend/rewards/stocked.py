"""Rewards to redeem in tests: a pool of codes, and mugs that are counted."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from backend import clock, rewards
from backend.rewards import Limit, Terms
from tests.backend.world import World

PERSONAL = (("members", "personal"),)


def stock_up(world: World, *, codes: Sequence[str] = (), mugs: int = 0, **terms: Any) -> None:
    """`coffee`, vouchers for 100 points with these codes, and `mug`, for 300, of which there are so many."""
    now, today = clock.now(), clock.today()
    with world.house.transaction() as tx:
        for code, kind, provider, stock, price in (
            ("coffee", "voucher", "voucher_pool", "pool", 100),
            ("mug", "goods", "recorded", "counted", 300),
        ):
            titles = {"zh": f"奖品 {code}", "en": code}
            rewards.save_reward(
                tx, code=code, kind=kind, titles=titles, provider_kind=provider, stock_kind=stock, now=now
            )
            wanted = {"per_person": Limit(2, 30), "least_code_days": 7} | terms
            rewards.save_terms(tx, code, Terms(today, price, PERSONAL, **wanted), announced_on=today)
        if mugs:
            rewards.change_stock(tx, "mug", mugs, kind="restock", reason="first", operator_id=None, now=now)
    if codes:
        fill(world, *codes)


def fill(world: World, *codes: str, expires_on: date | None = None) -> UUID:
    """Put codes into the pool of `coffee`; they can be used for a year unless told otherwise."""
    day = expires_on or clock.today() + timedelta(days=365)
    file = rewards.CodeFile("\n".join(codes).encode(), is_csv=False)
    with world.house.transaction() as tx:
        given = {"expires_on": day, "operator_id": None, "now": clock.now()}
        return rewards.import_codes(tx, world.house.vault, "coffee", file, **given)[0]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
