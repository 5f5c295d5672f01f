"""The books cannot be unbalanced, overdrawn or rewritten: the program refuses, and so does the database."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from backend import clock, ledger
from backend.ids import new_id
from backend.ledger import CHART, IdempotencyConflict, InsufficientBalance, InvalidTransfer, Transaction, Transfer
from backend.ledger.models import Balance, LedgerTransaction, LedgerTransfer
from tests.backend.world import World

HOLDER_ACCOUNTS = [name for name, account in CHART.items() if not account.system]


def act(holder: UUID, *transfers: Transfer, key: str | None = None, kind: str = "test", **more: Any) -> Transaction:
    return Transaction(new_id(), holder, "members", kind, key or str(new_id()), transfers, **more)


def gain(amount: int, account: str = "reduction") -> Transfer:
    return Transfer(f"issuer.{account.partition('.')[0]}", account, amount)


def lose(amount: int, account: str = "reduction") -> Transfer:
    return Transfer(account, f"issuer.{account.partition('.')[0]}", amount)


def post(world: World, *acts: Transaction, dry_run: bool = False) -> list[Transaction]:
    with world.house.transaction() as tx:
        return ledger.post(tx, acts, now=clock.now(), dry_run=dry_run)


def rows(world: World) -> tuple[int, int, dict[Any, int]]:
    """Everything there is in the books."""
    with world.house.transaction() as tx:
        counts = [tx.scalar(select(func.count()).select_from(table)) for table in (LedgerTransaction, LedgerTransfer)]
        balances = {key: amount for key, amount in ledger.all_balances(tx, HOLDER_ACCOUNTS).items() if amount}
        return int(counts[0] or 0), int(counts[1] or 0), balances


@pytest.fixture
def alice(world: World) -> UUID:
    return world.person("alice", linked=False, consenting=False)


# -- any sequence of posts ---------------------------------------------------------------------------------------

_accounts = st.sampled_from(sorted(CHART))
_transfers = st.builds(Transfer, _accounts, _accounts, st.integers(-1, 6))
_posts = st.lists(
    st.tuples(st.lists(_transfers, min_size=0, max_size=3).map(tuple), st.booleans()), min_size=1, max_size=8
)


@given(posts=_posts)
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_posts_overdraws(world: World, posts: list[tuple[tuple[Transfer, ...], bool]]) -> None:
    """Against a model: a post stands whole when it is valid and leaves no balance negative, else it leaves nothing."""
    holder = world.person(f"holder {new_id()}", linked=False, consenting=False)
    model: dict[str, int] = defaultdict(int)
    for transfers, dry_run in posts:
        after = model.copy()
        for transfer in transfers:
            after[transfer.debit] -= transfer.amount
            after[transfer.credit] += transfer.amount
        valid = transfers and all(map(_is_valid, transfers))
        covered = all(after[name] >= 0 for name in HOLDER_ACCOUNTS)
        if valid and covered:
            assert len(post(world, act(holder, *transfers), dry_run=dry_run)) == 1
            model = model if dry_run else after
        else:
            with pytest.raises(InsufficientBalance if valid else InvalidTransfer):
                post(world, act(holder, *transfers), dry_run=dry_run)
        held = {name: amount for name, amount in model.items() if amount and not CHART[name].system}
        assert world.balances(holder) == held
    with world.house.transaction() as tx:
        assert list(ledger.differences(tx)) == []


def _is_valid(transfer: Transfer) -> bool:
    same_asset = CHART[transfer.debit].asset == CHART[transfer.credit].asset
    return transfer.amount > 0 and same_asset and transfer.debit != transfer.credit


# -- refusals ----------------------------------------------------------------------------------------------------

BAD_TRANSFERS = [
    Transfer("issuer.reduction", "points.pending", 1),
    Transfer("issuer.reduction", "reduction", 0),
    Transfer("issuer.reduction", "reduction", -5),
    Transfer("reduction", "reduction", 5),
    Transfer("issuer.reduction", "nowhere", 5),
    Transfer("nowhere", "reduction", 5),
    Transfer("issuer.reduction", "reduction", 1.5),  # type: ignore[arg-type]
    Transfer("issuer.reduction", "reduction", True),
]


@pytest.mark.parametrize("bad", BAD_TRANSFERS, ids=str)
def test_a_bad_transfer_takes_the_whole_list_with_it(world: World, alice: UUID, bad: Transfer) -> None:
    with pytest.raises(InvalidTransfer):
        post(world, act(alice, gain(5)), act(alice, gain(5), bad))
    assert rows(world) == (0, 0, {})


def test_no_transfers_are_no_transaction(world: World, alice: UUID) -> None:
    with pytest.raises(InvalidTransfer):
        post(world, act(alice))


def test_a_refused_post_leaves_the_callers_work_alone(world: World, alice: UUID) -> None:
    bob = world.person("bob", linked=False, consenting=False)
    with world.house.transaction() as tx:
        ledger.post(tx, [act(alice, gain(5))], now=clock.now())
        with pytest.raises(InsufficientBalance):
            ledger.post(tx, [act(bob, gain(9)), act(alice, lose(6))], now=clock.now())
        ledger.post(tx, [act(alice, lose(2))], now=clock.now())
    assert (world.balances(alice), world.balances(bob)) == ({"reduction": 3}, {})
    world.check_books()


def test_a_dry_run_answers_and_leaves_nothing(world: World, alice: UUID) -> None:
    intended = act(alice, gain(5), gain(7, "points.pending"))
    assert post(world, intended, dry_run=True) == [intended]
    assert rows(world) == (0, 0, {})
    with pytest.raises(InsufficientBalance):
        post(world, act(alice, lose(1)), dry_run=True)
    assert post(world, intended) == [intended]


def test_what_comes_in_and_goes_out_in_one_act_is_covered(world: World, alice: UUID) -> None:
    ripe = Transfer("points.pending", "points.available", 7)
    post(world, act(alice, gain(7, "points.pending"), ripe))
    assert world.balances(alice) == {"points.available": 7}


# -- the same act again ------------------------------------------------------------------------------------------


def test_the_same_key_with_the_same_input_changes_nothing(world: World, alice: UUID) -> None:
    first = act(alice, gain(5), key="k")
    assert post(world, first) == [first]
    again = replace(first, id=new_id())
    assert post(world, again, again) == []
    assert rows(world)[:2] == (1, 1)


CHANGES: list[Callable[[Transaction], Transaction]] = [
    lambda it: replace(it, transfers=(gain(6),)),
    lambda it: replace(it, transfers=(gain(5), gain(1, "points.pending"))),
    lambda it: replace(it, transfers=(replace(it.transfers[0], lot_id=new_id()),)),
    lambda it: replace(it, kind="other"),
    lambda it: replace(it, activity_id=new_id()),
]


@pytest.mark.parametrize("change", range(len(CHANGES)))
@pytest.mark.parametrize("together", [True, False])
def test_the_same_key_with_another_input_is_a_conflict(world: World, alice: UUID, change: int, together: bool) -> None:
    first = act(alice, gain(5), key="k")
    other = replace(CHANGES[change](first), id=new_id())
    if not together:
        post(world, first)
    before = rows(world)
    with pytest.raises(IdempotencyConflict):
        post(world, first, other, act(alice, gain(9)))
    assert rows(world) == before


def test_keys_of_two_holders_never_meet(world: World, alice: UUID) -> None:
    bob = world.person("bob", linked=False, consenting=False)
    post(world, act(alice, gain(5), key="k"), act(bob, gain(6), key="k"))
    assert (world.balances(alice), world.balances(bob)) == ({"reduction": 5}, {"reduction": 6})


# -- reversal ----------------------------------------------------------------------------------------------------


def test_an_act_is_taken_back_once(world: World, alice: UUID) -> None:
    original = act(alice, gain(5))
    post(world, original, act(alice, gain(50)))
    back = ledger.reversal(original, id=new_id(), transfers=(lose(5),))
    assert post(world, back) == [back]
    assert post(world, replace(back, id=new_id())) == []
    with pytest.raises(IdempotencyConflict):
        post(world, ledger.reversal(original, id=new_id(), transfers=(lose(4),)))
    with pytest.raises(IdempotencyConflict):
        post(world, act(alice, lose(5), reverses_id=original.id))
    assert world.balances(alice) == {"reduction": 50}
    world.check_books()


def test_nobody_takes_back_what_another_one_got(world: World, alice: UUID) -> None:
    bob = world.person("bob", linked=False, consenting=False)
    original = act(alice, gain(5))
    post(world, original, act(bob, gain(5)))
    with pytest.raises(IntegrityError):
        post(world, act(bob, lose(5), reverses_id=original.id))


# -- the database itself -----------------------------------------------------------------------------------------

RAW_TRANSFER = """
INSERT INTO ledger_transfers (holder_id, transaction_id, position, asset, debit, credit, amount)
SELECT holder_id, transaction_id, 99, '{asset}', '{debit}', '{credit}', {amount} FROM ledger_transfers
"""
FORBIDDEN = {
    "negative balance": "UPDATE balances SET amount = -1",
    "balance of no account": "UPDATE balances SET account = 'nowhere'",
    "two assets": RAW_TRANSFER.format(asset="points", debit="issuer.reduction", credit="points.pending", amount=1),
    "another asset": RAW_TRANSFER.format(asset="points", debit="issuer.reduction", credit="reduction", amount=1),
    "zero": RAW_TRANSFER.format(asset="co2e_reduction_g", debit="issuer.reduction", credit="reduction", amount=0),
    "negative": RAW_TRANSFER.format(asset="co2e_reduction_g", debit="issuer.reduction", credit="reduction", amount=-1),
    "one account": RAW_TRANSFER.format(asset="co2e_reduction_g", debit="reduction", credit="reduction", amount=1),
    "no account": RAW_TRANSFER.format(asset="co2e_reduction_g", debit="nowhere", credit="reduction", amount=1),
    "changed transfer": "UPDATE ledger_transfers SET amount = amount + 1",
    "removed transfer": "DELETE FROM ledger_transfers",
    "changed transaction": "UPDATE ledger_transactions SET kind = 'other'",
    "removed transaction": "DELETE FROM ledger_transactions",
    "orphan": "UPDATE ledger_transfers SET transaction_id = holder_id",
}


@pytest.mark.parametrize("fault", FORBIDDEN)
def test_the_database_refuses(world: World, alice: UUID, fault: str) -> None:
    post(world, act(alice, gain(5)))
    before = rows(world)
    with pytest.raises(DatabaseError), world.house.transaction() as tx:
        tx.execute(text(FORBIDDEN[fault]))
    assert rows(world) == before


# -- the trial balance finds what got past everything ------------------------------------------------------------


def faults(tx: Session) -> list[object]:
    return [row["fault"] for row in ledger.differences(tx)]


def test_the_trial_balance_names_a_balance_that_was_tampered_with(world: World, alice: UUID) -> None:
    post(world, act(alice, gain(5)))
    with world.house.transaction() as tx:
        assert faults(tx) == []
        tx.execute(text("UPDATE balances SET amount = 6"))
        (row,) = ledger.differences(tx)
    assert (row["fault"], row["account"], row["transfers_minus_balance"]) == ("BALANCE", "reduction", -1)


def test_the_trial_balance_names_a_balance_out_of_nothing(world: World, alice: UUID) -> None:
    with world.house.transaction() as tx:
        tx.add(Balance(holder_id=alice, programme="members", account="points.available", amount=1_000))
        tx.flush()
        assert faults(tx) == ["BALANCE"]


def test_the_trial_balance_names_a_transaction_that_says_something_else(world: World, alice: UUID) -> None:
    post(world, act(alice, gain(5)))
    with world.house.transaction() as tx:
        added = RAW_TRANSFER.format(asset="points", debit="issuer.points", credit="spent.points", amount=1)
        tx.execute(text(added))
        assert faults(tx) == ["TRANSACTION"]


def test_the_trial_balance_names_an_account_that_was_added(world: World) -> None:
    with world.house.transaction() as tx:
        tx.execute(text("INSERT INTO ledger_accounts (name, asset, system) VALUES ('slush', 'points', true)"))
        assert faults(tx) == ["CHART"]


def test_system_accounts_are_sums_and_everything_sums_to_nothing(world: World, alice: UUID) -> None:
    post(world, act(alice, gain(5), gain(7, "points.pending")), act(alice, lose(2)))
    with world.house.transaction() as tx:
        system = ledger.system_balances(tx)
    assert (system["issuer.reduction"], system["issuer.points"]) == (-3, -7)
