"""Voucher codes: imported whole or not at all, unreadable at rest, shown to their owner once."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import clock, partners, rewards
from backend.errors import NotFound
from backend.identity import REVIEWER, SessionEnded
from backend.ids import new_id
from backend.rewards import CodeAlreadyShown, InvalidCodeFile, NoSuchVoucher, SoldOut
from backend.rewards.catalogue import vouchers
from backend.rewards.catalogue.codes import free_codes
from tests.backend.operating import signed_in
from tests.backend.rewards.stocked import fill, stock_up, written
from tests.backend.world import World


def take(world: World, holder: UUID, redemption: UUID | None = None, *, days: int = 7) -> UUID:
    redemption = redemption or new_id()
    with world.house.transaction() as tx:
        named: dict[str, Any] = {"reward": "coffee", "holder_id": holder, "redemption_id": redemption}
        vouchers.take_code(tx, world.house.vault, **named, usable_until=clock.today() + timedelta(days=days))
    return redemption


def shown(world: World, holder: UUID, redemption: UUID, key: str) -> str:
    with world.house.transaction() as tx:
        named: dict[str, Any] = {"holder_id": holder, "redemption_id": redemption, "key": key, "now": clock.now()}
        return vouchers.reveal(tx, world.house.vault, **named).code


def free(world: World) -> int:
    with world.house.transaction() as tx:
        return free_codes(tx, "coffee", clock.today(), at_most=1_000)


def test_a_file_with_one_fault_imports_nothing_and_tells_its_line(world: World, tmp_path: Path) -> None:
    stock_up(world, codes=["OLD-0001"])
    today = clock.today()
    files: dict[str, tuple[str | bytes, list[tuple[int, str]]]] = {
        "twice.txt": ("AAAA1\n\nBBBB2\naaaa-1\n", [(4, "the same code as in line 1")]),
        "known.txt": ("CCCC3\nold 0001\n", [(2, "the house has or had this code already")]),
        "gbk.txt": ("DDDD4\n券码\n".encode("gbk"), [(2, "not UTF-8")]),
        "long.txt": (f"EEEE5\n{'E' * 257}\n", [(2, "longer than")]),
        "odd.txt": ("FFFF6\nFF\x07FF\n", [(2, "characters that cannot be printed")]),
        "empty.txt": ("\n \n", []),
        "hyphens.txt": ("---\n", [(1, "no code")]),
        "heading.csv": ("number,pin\nGGGG7,1\n", [(1, "the heading must name code")]),
        "cells.csv": ("code,pin\nHHHH8,1,2\nIIII9\n", [(2, "3 cells"), (3, "1 cells")]),
        "quote.csv": ('code,pin\n"JJJJ10,1\n', [(2, "not CSV")]),
        "days.csv": (
            f"code,expires_on\nKKKK11,{today - timedelta(days=1)}\nLLLL12,30/06/2030\n,2030-06-30\n",
            [(2, "expired already"), (3, "expires_on is no day"), (4, "no code")],
        ),
    }
    for name, (content, faults) in files.items():
        with pytest.raises(InvalidCodeFile) as refused, world.house.transaction() as tx:
            file = rewards.open_code_file(written(tmp_path, name, content))
            given = {"expires_on": today, "operator_id": None, "now": clock.now()}
            rewards.import_codes(tx, world.house.vault, "coffee", file, **given)
        told = refused.value.facts.get("lines", [])
        assert isinstance(told, list) and len(told) == len(faults), (name, told)
        for said, (line, problem) in zip(told, faults, strict=True):
            assert said["line"] == line and str(said["problem"]).startswith(problem), (name, said)
    assert free(world) == 1
    good = rewards.open_code_file(
        written(tmp_path, "good.csv", f"\ufeffcode,pin,expires_on\r\nMMMM13,4711,{today}\r\nNNNN14,,\r\n")
    )
    with world.house.transaction() as tx:
        report = rewards.check_codes(tx, world.house.vault, good, expires_on=None, today=today)
        no_day = {"line": 3, "problem": "no day on which it expires: say --expires"}
        assert (report.codes, report.lines) == (1, [no_day])
        given = {"expires_on": today + timedelta(days=9), "operator_id": None, "now": clock.now()}
        assert rewards.import_codes(tx, world.house.vault, "coffee", good, **given)[1] == 2
    assert free(world) == 3


def test_the_code_that_lapses_first_goes_first_if_there_is_time_left_to_use_it(world: World) -> None:
    today = clock.today()
    stock_up(world, codes=["LATER"])
    fill(world, "TOO-SOON", expires_on=today + timedelta(days=6))
    fill(world, "SOON", expires_on=today + timedelta(days=7))
    batch = fill(world, "WITHDRAWN", expires_on=today + timedelta(days=8))
    with world.house.transaction() as tx:
        assert rewards.withdraw_batch(tx, batch, now=clock.now()) == ("coffee", 1)
    alice = world.person("alice")
    first = take(world, alice)
    assert take(world, alice, first) == first  # a redemption has one code, however often it asks
    second = take(world, alice)
    with pytest.raises(SoldOut):
        take(world, alice)
    assert (shown(world, alice, first, "k"), shown(world, alice, second, "k")) == ("SOON", "LATER")
    assert free(world) == 1


def test_a_code_is_shown_once_to_its_owner_and_dies_with_them(world: World) -> None:
    stock_up(world, codes=["SECRET-4711", "OTHER-0815"])
    alice, bob = world.person("alice"), world.person("bob")
    mine, back = take(world, alice), take(world, alice)
    with world.house.transaction() as tx:
        named: dict[str, Any] = {"reward": "coffee", "holder_id": alice, "redemption_id": back}
        assert vouchers.put_code_back(tx, world.house.vault, **named)
        assert not vouchers.put_code_back(tx, world.house.vault, **named)
    assert free(world) == 1
    assert shown(world, alice, mine, "key-1") == "SECRET-4711"
    assert shown(world, alice, mine, "key-1") == "SECRET-4711"  # the repeat of the request that was answered
    with pytest.raises(CodeAlreadyShown):
        shown(world, alice, mine, "key-2")
    with pytest.raises(NoSuchVoucher):
        shown(world, bob, mine, "key-1")
    with world.house.transaction() as tx:  # what was seen never goes to anybody else
        assert not vouchers.put_code_back(tx, world.house.vault, reward="coffee", holder_id=alice, redemption_id=mine)
    with time_machine.travel(clock.now() + timedelta(hours=73)), pytest.raises(CodeAlreadyShown):
        shown(world, alice, mine, "key-1")

    asker, decider = signed_in(world, "wang", REVIEWER), signed_in(world, "li", REVIEWER)
    with world.house.transaction() as tx:
        with pytest.raises(NoSuchVoucher):
            rewards.request_show_again(tx, bob, mine, operator=asker, reason="lost", now=clock.now())
        asked = rewards.request_show_again(tx, alice, mine, operator=asker, reason="lost", now=clock.now())
    finance = signed_in(world, "zhao", "administrator")
    with world.house.transaction() as tx, pytest.raises(NotFound):
        rewards.decide_terms(tx, asked, operator=finance, granted=True, reason="no terms", now=clock.now())
    with world.house.transaction() as tx:
        rewards.decide_show_again(tx, asked, operator=decider, granted=True, reason="checked", now=clock.now())
    assert shown(world, alice, mine, "key-2") == "SECRET-4711"
    with pytest.raises(CodeAlreadyShown):
        shown(world, alice, mine, "key-3")

    with world.house.transaction() as tx:
        for table in ("reward_codes", "reward_vouchers", "operator_log", "approval_requests", "outbox"):
            assert "4711" not in str(tx.execute(text(f"SELECT * FROM {table}")).all()), table
        held = list(rewards.holdings(tx, world.house.vault, alice)["reward_vouchers"])
        assert [row["redemption_id"] for row in held] == [str(mine)] and "sealed_code" not in held[0]
        partners.forget_member(tx, alice, now=clock.now())
    with pytest.raises(SessionEnded):
        shown(world, alice, mine, "key-2")
    with world.house.transaction() as tx:  # nothing in the pool opens it either
        assert tx.execute(text("SELECT sealed_code FROM reward_codes WHERE state = 'taken'")).all() == [(None,)]
