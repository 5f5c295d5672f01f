"""A request that comes again is answered as it was the first time, and only that request."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock, idempotency
from backend.errors import Refusal
from backend.idempotency import Answer, IdempotencyKeyNeeded, IdempotencyKeyReused
from backend.ids import new_id
from tests.backend.world import World


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255))
def test_every_structured_string_is_a_key(key: str) -> None:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    assert idempotency.read_key(f'  "{escaped}" ') == key


@pytest.mark.parametrize("key", ["8e03978e-40d5-43dd-bc93-6894a57f9324", "a", "x" * 255, "2026-06-08T12:00:00Z/1"])
def test_a_plain_token_is_the_same_key_as_the_string(key: str) -> None:
    assert idempotency.read_key(key) == idempotency.read_key(f'"{key}"') == key


NO_KEYS: list[str | None] = [
    *(None, "", " ", '""', "x" * 256, f'"{"x" * 256}"', '"a', 'a"', '"a", "b"', "a,b", "a b", '"a";p=1', "ключ"),
    *('"\t"', '"a\\b"', "a\x00", '"\x7f"', "１２３"),
]


@pytest.mark.parametrize("header", NO_KEYS)
def test_anything_else_is_none(header: str | None) -> None:
    with pytest.raises(IdempotencyKeyNeeded):
        idempotency.read_key(header)


class SoldOut(Refusal):
    status = 409


def test_the_life_of_a_key(world: World) -> None:
    now, vault = clock.now(), world.house.vault
    alice, bob = world.person("alice", linked=False), world.person("bob", linked=False)
    asked = idempotency.ask(vault, alice, "k1", "redeem", {"reward": "tea", "programme": "members"})
    same = idempotency.ask(vault, alice, "k1", "redeem", {"programme": "members", "reward": "tea"})
    assert same == asked
    subject, answer = new_id(), Answer(201, '{"state":"confirmed"}')
    with world.house.transaction() as tx:
        assert idempotency.take(tx, asked, subject, now=now) is None
    with world.house.transaction() as tx:
        under_way = idempotency.take(tx, same, new_id(), now=now)
        assert under_way is not None and (under_way.subject, under_way.answer) == (subject, None)
    with world.house.transaction() as tx:
        idempotency.finish(tx, asked, answer)
        idempotency.finish(tx, asked, Answer(500, "{}"))  # the first one stays
    with world.house.transaction() as tx:
        repeated = idempotency.take(tx, same, new_id(), now=now)
        assert repeated is not None and repeated.answer == Answer(201, answer.text, replayed=True)
        for other in ({"reward": "tea"}, {"reward": "tea", "programme": "staff"}):
            with pytest.raises(IdempotencyKeyReused):
                idempotency.take(tx, idempotency.ask(vault, alice, "k1", "redeem", other), new_id(), now=now)
        with pytest.raises(IdempotencyKeyReused):  # another operation is another request
            body = {"reward": "tea", "programme": "members"}
            idempotency.take(tx, idempotency.ask(vault, alice, "k1", "cancel", body), new_id(), now=now)
        theirs = idempotency.ask(vault, bob, "k1", "redeem", {"reward": "tea"})
        assert idempotency.take(tx, theirs, new_id(), now=now) is None, "a key is its holder's own"
    with world.house.transaction() as tx:
        kept = idempotency.answer_of(SoldOut(left=0))
        other = idempotency.ask(vault, bob, "k2", "redeem", {})
        assert idempotency.take(tx, other, bob, now=now, answer=kept) is None
        again = idempotency.take(tx, other, new_id(), now=now)
        assert kept.status == 409 and again is not None and again.answer == Answer(409, kept.text, replayed=True)
    with world.house.transaction() as tx:
        assert idempotency.purge(tx, now=now + idempotency.KEPT - timedelta(seconds=1)) == 0
        assert idempotency.purge(tx, now=now + idempotency.KEPT, limit=2) == 2
        assert idempotency.purge(tx, now=now + idempotency.KEPT) == 1
        assert idempotency.take(tx, same, new_id(), now=now) is None
