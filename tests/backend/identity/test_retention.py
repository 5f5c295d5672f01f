"""What has to be kept is kept by the database itself, and what nobody needs any more is removed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from backend import clock, identity, partners
from backend.identity.models import (
    Consent,
    ConsentChange,
    GuardianInvitation,
    Guardianship,
    LinkCode,
    LoginSession,
    Minor,
    SpentLinkTicket,
)
from backend.identity.retention import CONSENT_CHANGES_KEPT, LOGINS_KEPT, SPENT_TICKETS_KEPT
from tests.backend.world import World

#: Long ago by any clock, that of the database too.
START = datetime(2015, 3, 1, tzinfo=UTC)


def changes(world: World, holder: UUID) -> list[bool]:
    """What is recorded of a person's consent to the transit operator, oldest first."""
    with world.house.transaction() as tx:
        mine = (ConsentChange.holder_id == holder, ConsentChange.partner == "transit")
        return list(tx.scalars(select(ConsentChange.granted).where(*mine).order_by(ConsentChange.id)))


def purge(world: World, now: datetime) -> int:
    with world.house.transaction() as tx:
        return identity.purge_consent_changes(tx, now=now)


def test_a_change_is_kept_while_it_stands_and_three_years_longer(world: World) -> None:
    replaced_at = START + timedelta(days=2_000)
    with time_machine.travel(START, tick=False) as traveller:
        alice, bob = world.person("alice"), world.person("bob")
        traveller.move_to(replaced_at)
        world.consent(alice, "transit", granted=False)
    assert purge(world, replaced_at + CONSENT_CHANGES_KEPT - timedelta(seconds=1)) == 0
    assert purge(world, replaced_at + CONSENT_CHANGES_KEPT) == 1
    assert (changes(world, alice), changes(world, bob)) == ([False], [True])
    assert purge(world, clock.now()) == 0


def test_deleting_the_person_removes_no_record_before_three_years_are_over(world: World) -> None:
    with time_machine.travel(START, tick=False):
        alice, bob = world.person("alice"), world.person("bob")
    forgotten_at = START + timedelta(days=1)
    with time_machine.travel(forgotten_at, tick=False), world.house.transaction() as tx:
        partners.forget_member(tx, alice, now=clock.now())
    assert changes(world, alice) == [True, False]
    assert purge(world, forgotten_at + CONSENT_CHANGES_KEPT - timedelta(seconds=1)) == 0
    assert purge(world, forgotten_at + CONSENT_CHANGES_KEPT) == 3 * 4  # two changes and the standing of each partner
    assert (changes(world, alice), changes(world, bob)) == ([], [True])
    with world.house.transaction() as tx:
        assert {consent.holder_id for consent in tx.scalars(select(Consent))} == {bob}


def test_the_database_itself_refuses_to_change_any_record_and_to_remove_a_young_one(world: World) -> None:
    with time_machine.travel(START, tick=False):
        old = world.person("alice")
    young = world.person("bob")
    for statement, holder in (
        ("UPDATE consent_changes SET granted = NOT granted WHERE holder_id = :holder", old),
        ("DELETE FROM consent_changes WHERE holder_id = :holder", young),
    ):
        with pytest.raises(DatabaseError, match="consent_changes"), world.house.transaction() as tx:
            holder_id = holder if tx.get_bind().dialect.name == "postgresql" else holder.hex
            tx.execute(text(statement), {"holder": holder_id})
    assert changes(world, young) == changes(world, old) == [True]


def test_what_is_spent_is_removed_when_it_would_be_refused_anyway(world: World) -> None:
    def left() -> list[int]:
        tables = (LinkCode, SpentLinkTicket, LoginSession, GuardianInvitation, Guardianship, Minor)
        with world.house.transaction() as tx:
            return [len(list(tx.scalars(select(table)))) for table in tables]

    def purge_at(now: datetime) -> list[int]:
        with world.house.transaction() as tx:
            identity.purge_spent(tx, now=now)
        return left()

    birthday = clock.day_of(START + timedelta(days=300))
    with time_machine.travel(START, tick=False):
        kid, other, mum = (world.person(name, linked=False, consenting=False) for name in ("kid", "other", "mum"))
        with world.house.transaction() as tx:
            identity.spend_link_ticket(tx, "transit", "a nonce", now=START)
            wanted = {"holder_id": mum, "partner": "transit", "programme": "members"}
            _, code_expires_at = identity.make_link_code(tx, world.house.vault, **wanted, now=START)
            session = identity.start_session(tx, mum, now=START)
            for holder in (kid, other):
                born = birthday.replace(year=birthday.year - 14)
                assert identity.state_birth_date(tx, holder, born, now=START) == birthday
            code, expires_at = identity.invite_guardian(tx, world.house.vault, kid, now=START)
            identity.accept_ward(tx, world.house.vault, mum, code, now=START)
            identity.invite_guardian(tx, world.house.vault, other, now=START)
            identity.end_session(tx, session.session_id, now=START)
    second = timedelta(seconds=1)
    assert purge_at(expires_at - second) == [1, 1, 1, 1, 1, 2]
    assert purge_at(expires_at) == [1, 1, 1, 0, 1, 2]
    assert purge_at(START + SPENT_TICKETS_KEPT) == [1, 0, 1, 0, 1, 2]
    assert purge_at(code_expires_at + SPENT_TICKETS_KEPT) == [0, 0, 1, 0, 1, 2]
    logins_end = START + timedelta(days=30) + LOGINS_KEPT
    assert purge_at(logins_end - second) == [0, 0, 1, 0, 1, 2]
    assert purge_at(logins_end) == [0, 0, 0, 0, 1, 2]
    assert purge_at(clock.start_of(birthday) - second) == [0, 0, 0, 0, 1, 2]
    assert purge_at(clock.start_of(birthday)) == [0, 0, 0, 0, 0, 0]
