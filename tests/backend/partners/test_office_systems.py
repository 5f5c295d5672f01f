"""Events of office and school systems rest on an agreement: no consent is asked, the day of the act decides."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Flask

from backend import activities, clock, identity, partners
from backend.identity.agreements import AgreementView
from tests.backend.operating import Acting
from tests.backend.world import SECRET, World, days_ago, trip

OFFICE = "office"


def office(world: World, adapter: str = "transit") -> None:
    with world.house.transaction() as tx:
        identity.save_programme(tx, code="staff", kind="staff", title_zh="员工", title_en="Staff", profile="CN-DEFAULT")
        partners.save_partner(tx, code=OFFICE, adapter=adapter, title="班车系统", return_days=0, programme="staff")
        partners.add_key(tx, world.house.vault, OFFICE, SECRET, now=days_ago(100))


def agree(world: World, first: date, last: date | None = None) -> None:
    with world.house.transaction() as tx:
        agreement = AgreementView("staff", OFFICE, first, last, "协议 1 号")
        identity.agreements.sign(tx, agreement, now=clock.now())
        partners.wake_agreed(tx, OFFICE, now=clock.now())


def staff(world: World, person: str, number: str, since: date) -> UUID:
    """Somebody with a staff account, called by this number from a day on."""
    vault, now = world.house.vault, clock.now()
    with world.house.transaction() as tx:
        holder = identity.recognise_person(tx, vault, [("staff", person)], now=now)
        identity.enrol(tx, holder, "staff", "staff", now=now)
        identity.agreements.name_account(tx, vault, holder, "staff", number, since=since, now=now)
        partners.wake_references(tx, [("staff", identity.agreements.reference_index(vault, "staff", number))], now=now)
    return holder


def ride(world: World, number: str, order: str, days: int = 3) -> dict[str, Any]:
    event_id = world.send(OFFICE, trip(order, number, at=days_ago(days)))
    world.settle()
    return world.lines(OFFICE, event_id)[0]


def orders(world: World, holder: UUID) -> dict[str, str]:
    """The orders whose acts were recorded for this holder, and what each rests on."""
    with world.house.transaction() as tx:
        found = activities.acts_of(tx, holder, programme="staff", status="issued", before=None, limit=9)
    return {act.order_no: act.rests_on for act in found}


def test_an_agreement_stands_in_for_consents_on_its_days(world: World) -> None:
    office(world)
    today = clock.today()
    holder = staff(world, "lin", "00123", today - timedelta(days=60))
    waiting = ride(world, "00123", "R1")
    assert (waiting["status"], waiting["code"]) == ("parked", "NO_AGREEMENT")
    agree(world, today - timedelta(days=10), today - timedelta(days=2))
    world.settle()
    assert orders(world, holder) == {"R1": "agreement"}
    assert ride(world, "00123", "R2", days=11)["code"] == "NO_AGREEMENT", "before it began"
    assert ride(world, "00123", "R3", days=1)["code"] == "NO_AGREEMENT", "after it ended"
    world.check_books()


def test_a_number_names_an_account_for_its_days_only(world: World) -> None:
    office(world)
    today = clock.today()
    agree(world, today - timedelta(days=90))
    assert ride(world, "77", "R0")["code"] == "NO_LINK", "nobody is called so yet"
    first = staff(world, "lin", "77", today - timedelta(days=30))
    world.settle()
    with world.house.transaction() as tx:
        identity.agreements.end_reference(tx, world.house.vault, "staff", "77", last_day=today - timedelta(days=5))
    assert ride(world, "77", "R1", days=2)["code"] == "NO_LINK"
    ride(world, "77", "R2", days=6)
    second = staff(world, "wang", "77", today - timedelta(days=4))
    world.settle()
    ride(world, "77", "R3", days=1)
    assert orders(world, first).keys() == {"R0", "R2"}, "what waited, and what is told late of their last days"
    assert orders(world, second).keys() == {"R1", "R3"}


def test_two_operators_enter_and_end_an_agreement(world: World, app: Flask) -> None:
    office(world)
    wang, li = Acting(app, world, "wang"), Acting(app, world, "li")
    today = clock.today()
    staff(world, "lin", "5", today - timedelta(days=60))
    assert ride(world, "5", "R1")["code"] == "NO_AGREEMENT"
    first = (today - timedelta(days=20)).isoformat()
    asked = wang("agreement", "sign", "staff", OFFICE, "--from", first, "--document", "协议 2 号").stdout.split()[0]
    assert "SECOND_OPERATOR_NEEDED" in wang("approval", "decide", asked, "--grant").stderr
    assert li("approval", "decide", asked, "--grant").exit_code == 0
    world.settle()
    assert world.lines(OFFICE, "evt_1")[0]["status"] == "issued", "what waited for it was settled"
    again = wang("agreement", "sign", "staff", OFFICE, "--from", today.isoformat(), "--document", "协议 3 号")
    assert "AGREEMENTS_OVERLAP" in again.stderr
    asked = wang("agreement", "end", "staff", OFFICE, "--last-day", today.isoformat()).stdout.split()[0]
    li("approval", "decide", asked, "--grant")
    with world.house.transaction() as tx:
        assert [item.in_force_until for item in identity.agreements.agreements_of(tx, "staff")] == [today]
