"""The same events give the same grams and points in whatever order and batches they come.

A story is a set of things partners and members do: orders of several lines, devices and certificates that several
people claim, trips that overlap (also over midnight) or exceed the daily limit, donations above the daily weight,
claims that a partner keeps, corrections, cancellations, repetitions, campaigns, links and consents that come late,
points that ripen and are spent. Each story is told several times with other names, in another order and in other
batches; after every batch the books are proven.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend import clock, identity, partners, points
from backend.points import Cap
from bench.chaos.checks import NEVER
from tests.backend.agreeing import agree_to_all, link_everywhere
from tests.backend.spending import net_points, spend
from tests.backend.world import PARTNERS, World, cancel, days_ago, event, trip

PEOPLE = ("ann", "bob", "cy")
STEP = timedelta(minutes=10)
_names = count()


@dataclass(frozen=True)
class Said:
    """One statement of a partner about one order, still without names: they differ from telling to telling."""

    kind: str
    order: int
    person: str
    revision: int = 1
    lines: tuple[Any, ...] = ()
    at: int = 0
    corrected: bool = False
    claim: str = "transferred"
    repeats: int = 1


@dataclass(frozen=True)
class Done:
    """Something a member does, or the passing of time."""

    what: str
    person: str = ""


PARTNER_OF = {"device": "zhuanzhuan", "donation": "dangdang", "appliance": "dangdang", "pc": "shop", "trip": "transit"}
TYPE_OF = {
    "device": "device.traded_in",
    "donation": "donation.received",
    "appliance": "device.recycled",
    "pc": "product.purchased",
}

#: Who books the reduction; a correction may say otherwise than the original.
_claims = st.sampled_from(["transferred"] * 4 + ["kept"])
_device = st.tuples(st.integers(1, 3), st.sampled_from(["phone", "tablet", "laptop", "spaceship"]))
_pc = st.tuples(st.integers(1, 3), st.integers(1, 2))
_ride = st.tuples(st.integers(2, 5), st.sampled_from([None, None, 1, 2]), st.sampled_from(["metro", "bicycle"]))
_LINES = {
    "device": st.lists(_device, min_size=1, max_size=3).map(tuple),
    "appliance": st.lists(st.tuples(st.integers(1, 3), st.just("fridge")), min_size=1, max_size=2).map(tuple),
    "donation": st.lists(st.tuples(st.sampled_from([10, 30, 50])), min_size=1, max_size=2).map(tuple),
    "pc": st.lists(_pc, min_size=1, max_size=2).map(tuple),
    "trip": _ride.map(lambda ride: (ride,)),
}


@st.composite
def orders(draw: st.DrawFn, number: int) -> list[Said]:
    """One order: its first statement, and perhaps corrections and cancellations of this or that revision."""
    kind = draw(st.sampled_from(["device", "appliance", "donation", "pc", "trip", "trip", "trip"]))
    person, at = draw(st.sampled_from(PEOPLE)), draw(st.integers(0, 24))
    repeats, claim = draw(st.sampled_from([1, 1, 2])), draw(_claims)
    said = [Said(kind, number, person, 1, draw(_LINES[kind]), at, claim=claim, repeats=repeats)]
    if draw(st.integers(0, 2)) == 0:
        to = draw(st.sampled_from([person, person, draw(st.sampled_from(PEOPLE))]))
        lines, at = draw(_LINES[kind]), draw(st.integers(0, 24))
        said.append(Said(kind, number, to, draw(st.integers(1, 3)), lines, at, corrected=True, claim=draw(_claims)))
    if draw(st.integers(0, 2)) == 0:
        gone = draw(st.sampled_from([(), (), (1,), (1, 2)]))
        said.append(Said("cancel", number, person, draw(st.integers(1, 3)), (kind, *gone)))
    return said


@st.composite
def stories(draw: st.DrawFn) -> list[Said | Done]:
    said = [one for number in range(draw(st.integers(3, 8))) for one in draw(orders(number))]
    done = [Done("link", "cy"), Done("consent", "bob"), Done("ripen"), Done("spend", draw(st.sampled_from(PEOPLE)))]
    return [*said, *done]


def moment(step: int) -> datetime:
    """Four days ago from half past nine in the evening on: the tenth step and a half is midnight."""
    return days_ago(4, 22, 15) + STEP * step


def tell(said: Said, name: str) -> tuple[str, Mapping[str, Any]]:
    """The statement as an event in which every number and name belongs to this telling."""
    order, user = f"{name}-{said.order}", f"{name}-{said.person}"
    if said.kind == "cancel":
        kind, *gone = said.lines
        return PARTNER_OF[kind], cancel(order, user, *gone, revision=said.revision)
    if said.kind == "trip":
        ((steps, trip_id, mode),) = said.lines
        told = trip(
            order,
            user,
            str(steps),
            at=moment(said.at),
            minutes=10 * steps,
            trip_id=f"{name}-ride-{trip_id}" if trip_id else order,
            revision=said.revision,
        )
        told["data"]["mode"] = mode
    else:
        items = [{"line": n, "quantity": 1} | _item(said.kind, name, *line) for n, line in enumerate(said.lines, 1)]
        told = event(TYPE_OF[said.kind], order, user, occurred_at=moment(said.at), revision=said.revision, items=items)
    if said.claim != "transferred":
        told["data"]["claim"] = said.claim
    if said.corrected:
        told["type"] = "order.corrected"
    return PARTNER_OF[said.kind], told


def _item(kind: str, name: str, *line: Any) -> dict[str, Any]:
    if kind == "donation":
        return {"category": "clothes", "weight_kg": line[0]}
    if kind == "pc":
        return {
            "model": "Legion Y9000K IRX9",
            "serial": f"{name}PC{line[0]}",
            "certificate_no": f"{name}-C{line[1]}",
            "retired_kg": 300,
        }
    return {"category": line[1], "serial": f"{name}SN{line[0]}"}


def live(world: World, story: Sequence[Said | Done], order: Sequence[int], batch: int) -> dict[str, tuple[int, ...]]:
    """Tell the story to fresh people; returns what each has at the end: reduction, offset, points wherever they are."""
    name = f"N{next(_names)}N"
    holders = {person: meet(world, f"{name}-{person}", person) for person in PEOPLE}
    for place, position in enumerate(order, 1):
        step = story[position]
        if isinstance(step, Said):
            partner, told = tell(step, name)
            for _ in range(step.repeats):
                world.send(partner, told)
        elif step.what == "ripen":
            world.ripen()
        elif step.what == "spend":
            spend(world, holders[step.person], world.balances(holders[step.person]).get("points.available", 0) // 2)
        else:
            allow(world, holders[step.person], f"{name}-{step.person}", step.what)
        if place % batch == 0:
            settle_and_prove(world)
    settle_and_prove(world)
    world.check_books()
    return {person: worth(world, holder) for person, holder in holders.items()}


def meet(world: World, user: str, person: str) -> UUID:
    """A member; bob has not consented to anything yet, and cy is not linked anywhere."""
    holder = world.person(user, linked=False, consenting=False)
    for what in {"ann": ("link", "consent"), "bob": ("link",), "cy": ("consent",)}[person]:
        allow(world, holder, user, what)
    return holder


def allow(world: World, holder: UUID, user: str, what: str) -> None:
    """Link the member with every partner, or consent to every partner, in one go."""
    house, now = world.house, clock.now()
    with house.transaction() as tx:
        if what == "link":
            link_everywhere(tx, house.vault, holder, user, PARTNERS, programme="members", now=now)
            users = [(partner, identity.user_ref_index(house.vault, partner, user)) for partner in PARTNERS]
            partners.wake_users(tx, users, now=now)
            return
        wanted = {(partner, each) for partner, (scene, _) in PARTNERS.items() for each in (scene, "device")}
        agree_to_all(tx, holder, sorted(wanted), now=now)
        for partner in PARTNERS:
            partners.wake_holder(tx, holder, partner, now=now)



def worth(world: World, holder: UUID) -> tuple[int, int, int]:
    """Grams reduced, grams offset, and points wherever they are."""
    held = world.balances(holder)
    return held.get("reduction", 0), held.get("offset", 0), net_points(world, holder)


#: Rows that must not exist, whatever happened.
FORBIDDEN = NEVER | {
    "an act is credited although its claim, or that of another party, is kept": """
        SELECT a.id FROM activities a LEFT JOIN claims c ON c.holder_id = a.holder_id AND c.activity_id = a.id
        LEFT JOIN claim_contenders o ON o.fingerprint = c.fingerprint
        LEFT JOIN activities b ON b.holder_id = o.holder_id AND b.id = o.activity_id
        WHERE a.status = 'issued' AND (a.claim = 'kept' OR b.claim = 'kept')""",
    "a trip is credited that overlaps one whose claim is kept": """
        SELECT a.id FROM activities a JOIN activities b
        ON a.holder_id = b.holder_id AND a.started_at < b.ended_at AND b.started_at < a.ended_at
        WHERE a.status = 'issued' AND b.status = 'kept'""",
    "something was posted for an act whose claim is kept": """
        SELECT t.id FROM ledger_transactions t
        JOIN activities a ON a.holder_id = t.holder_id AND a.id = t.activity_id WHERE a.claim = 'kept'""",
    "more trips of a day count than may": """
        SELECT holder_id FROM activities WHERE status = 'issued' AND methodology IN ('metro_ride', 'bicycle_ride')
        GROUP BY holder_id, day, methodology HAVING count(*) > 6""",
    "more clothes of a day count than may": """
        SELECT holder_id FROM activities WHERE status = 'issued' AND methodology = 'clothes_donation'
        GROUP BY holder_id, day HAVING sum(reduction_g) > 50 * 3600""",
    "a bonus stands whose act does not count": """
        SELECT l.id FROM points_lots l JOIN activities a ON a.holder_id = l.holder_id AND a.id = l.activity_id
        WHERE l.campaign IS NOT NULL AND l.taken_back_at IS NULL AND a.status <> 'issued'""",
    "an event failed": "SELECT id FROM inbox WHERE last_error IS NOT NULL",
}


def settle_and_prove(world: World) -> None:
    world.settle()
    with world.house.transaction() as tx:
        for fault, query in FORBIDDEN.items():
            assert tx.execute(text(query)).all() == [], fault


def multiply_and_cap(world: World) -> None:
    """Two campaigns, and caps that count everything and never bind, for what is given must not depend on the order."""
    caps = [Cap("rides", "week", 10**9, ("metro_ride", "bicycle_ride")), Cap("all", "month", 10**9)]
    first, last = clock.today() - timedelta(days=60), clock.today()
    fixed = {"low_carbon_pc": 200}
    with world.house.transaction() as tx:
        points.save_rule(tx, programme="members", version=2, in_force_from=first, fixed_points=fixed, caps=caps)
        days = {"first_day": first, "last_day": last}
        points.save_multiplier(tx, programme="members", campaign="double", factor="2", **days)
        points.save_multiplier(
            tx, programme="members", campaign="third", factor="4/3", **days, methodologies=["metro_ride"]
        )


@given(data=st.data())
@settings(
    max_examples=9,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_order_and_batches_never_matter(world: World, data: st.DataObject) -> None:
    multiply_and_cap(world)
    story = data.draw(stories())
    told = live(world, story, range(len(story)), batch=len(story))
    order = data.draw(st.permutations(range(len(story))))
    assert live(world, story, order, batch=data.draw(st.integers(2, 4))) == told
