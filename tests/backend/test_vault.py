"""What is sealed opens only under its own key and context; keyed indexes are equal exactly when their parts are."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.vault import Sealer, Unreadable, Vault

VAULT = Vault(b"v" * 32, b"f" * 32)
HOLDER = b"0123456789abcdef"


@given(plain=st.binary(max_size=200), context=st.binary(max_size=20))
def test_what_is_sealed_opens(plain: bytes, context: bytes) -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal(plain, context)
    assert sealer.open(sealed, context) == plain
    assert sealer.seal(plain, context) != sealed, "the same plaintext twice must not show"


@pytest.mark.parametrize("position", [0, 11, 12, 20, -1])
def test_one_changed_bit_is_noticed(position: int) -> None:
    sealed = bytearray(VAULT.house.seal(b"evidence", b"inbox:p:1"))
    sealed[position] ^= 1
    with pytest.raises(Unreadable):
        VAULT.house.open(bytes(sealed), b"inbox:p:1")


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 11, b"x" * 12, b"x" * 27])
def test_rubbish_is_unreadable_and_nothing_worse(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        VAULT.house.open(sealed, b"")


def test_the_context_is_part_of_the_seal() -> None:
    sealed = VAULT.house.seal(b"evidence", b"inbox:transit:1")
    with pytest.raises(Unreadable):
        VAULT.house.open(sealed, b"inbox:transit:2")


def test_a_person_key_serves_its_own_person_only() -> None:
    wrapped = VAULT.new_person_key(HOLDER)
    sealed = VAULT.person(wrapped, HOLDER).seal(b"openid", b"identity")
    assert VAULT.person(wrapped, HOLDER).open(sealed, b"identity") == b"openid"
    with pytest.raises(Unreadable):
        VAULT.person(wrapped, b"another holder..")
    with pytest.raises(Unreadable):
        VAULT.person(VAULT.new_person_key(HOLDER), HOLDER).open(sealed, b"identity")
    with pytest.raises(Unreadable):
        VAULT.house.open(sealed, b"identity")


def test_another_house_reads_nothing() -> None:
    other = Vault(b"w" * 32, b"f" * 32)
    with pytest.raises(Unreadable):
        other.person(VAULT.new_person_key(HOLDER), HOLDER)
    with pytest.raises(Unreadable):
        other.house.open(VAULT.house.seal(b"x", b""), b"")


def test_the_vault_key_may_change_but_fingerprints_are_for_life() -> None:
    other = Vault(os.urandom(32), b"f" * 32)
    assert other.fingerprint("device:SN1") == VAULT.fingerprint("device:SN1")
    assert Vault(b"v" * 32, b"g" * 32).fingerprint("device:SN1") != VAULT.fingerprint("device:SN1")


@given(one=st.lists(st.text(max_size=4), max_size=3), other=st.lists(st.text(max_size=4), max_size=3))
def test_parts_never_run_into_each_other(one: list[str], other: list[str]) -> None:
    import unicodedata

    normal = [[unicodedata.normalize("NFC", part) for part in parts] for parts in (one, other)]
    assert (VAULT.index(*one) == VAULT.index(*other)) == (normal[0] == normal[1])


def test_equal_to_the_eye_is_equal_to_the_index() -> None:
    assert VAULT.index("partner user", "p", "caf\u00e9") == VAULT.index("partner user", "p", "cafe\u0301")
    assert VAULT.index("a", "b") != VAULT.fingerprint("a"), "indexes and claims never share a key"
    assert len(VAULT.index("a")) == len(VAULT.fingerprint("a")) == 32
