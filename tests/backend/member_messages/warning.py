"""Hands for tests of warnings: members with points that lapse, the jobs, and what became of each warning."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import clock, identity, member_messages, points
from backend.identity import SandboxWeChat
from backend.identity.models import Holder
from backend.ids import new_id
from backend.lists import insert_rows
from backend.member_messages.models import ExpiryWarning, MessagePermission
from backend.points.models import Lot
from tests.backend.member_messages.conftest import TEMPLATE
from tests.backend.member_messages.twin import WeChatTwin
from tests.miniprogram_api.world import Member, World, trip

#: The trips of these tests are of 5 June 2026, their points available from the second day after it on, for 730 days.
LAPSES_ON = date(2028, 6, 6)


def saver(world: World, name: str, acted_at: datetime, number: int = 1, **how: Any) -> Member:
    """A member with available points, all of one day."""
    member = world.active_member(name)
    earn(world, member, acted_at, number, **how)
    return member


def earn(world: World, member: Member, acted_at: datetime, number: int, **how: Any) -> None:
    world.send("transit", trip(member.name, number, acted_at, **how))
    world.settle()
    world.ripen()


def at(moment: Any, days_before: int, hour: int, minute: int = 0) -> None:
    """That time of day in Shanghai, so many days before the points lapse."""
    day = clock.start_of(LAPSES_ON - timedelta(days=days_before))
    moment.move_to(day + timedelta(hours=hour, minutes=minute), tick=False)


def collect(world: World, limit: int = 2_000) -> None:
    done = 1
    while done:
        with world.house.transaction() as tx:
            done = member_messages.collect_warnings(tx, now=clock.now(), limit=limit)


def send(world: World, channel: Any) -> int:
    return member_messages.send_due(world.house.sessions, world.house.vault, channel)


def openid(member: Member) -> str:
    return SandboxWeChat().exchange(f"sandbox:{member.name}").openid


def tap(member: Member, twin: WeChatTwin | None = None, answer: str = "accept") -> dict[str, Any]:
    """The member answers WeChat's question, and the mini-program tells us."""
    if twin is not None and answer == "accept":
        twin.permitted[openid(member)] += 1
    said = {"answers": [{"template_id": TEMPLATE, "answer": answer}]}
    told = member.call("POST", "/me/message-permissions", json=said)
    assert told.status_code == 200, told.text
    (permission,) = told.json["permissions"]
    found: dict[str, Any] = permission
    return found


def remaining(world: World, member: Member) -> int:
    with world.house.transaction() as tx:
        row = tx.get(MessagePermission, (holder(member), TEMPLATE))
        return row.remaining if row else 0


def holder(member: Member) -> UUID:
    with member.world.house.transaction() as tx:
        known_by = ("wechat_openid", f"sandbox|{openid(member)}")
        found = identity.person_known_before(tx, member.world.house.vault, known_by, clock.now() + timedelta(1))
    assert found is not None
    return found


def warnings(world: World) -> list[tuple[int, int, str]]:
    """(days ahead, points, state) of every warning, oldest first."""
    with world.house.transaction() as tx:
        rows = tx.scalars(select(ExpiryWarning).order_by(ExpiryWarning.id))
        return [(row.days_ahead, row.points, row.state) for row in rows]


def lots(world: World) -> Any:
    """How many points lapse on the day these tests are about."""
    with world.house.transaction() as tx:
        until = clock.start_of_day_after(LAPSES_ON, 1)
        lapses, _ = points.lapsing_page(tx, since=clock.start_of(LAPSES_ON), until=until, after=None, limit=10_000)
        return points.points_lapsing(tx, lapses)


def make_class_with_points(world: World) -> None:
    """A school class with a lot like the first one there is."""
    with world.house.transaction() as tx:
        like = tx.scalars(select(Lot).limit(1)).one()
        row = {column.name: getattr(like, column.name) for column in Lot.__table__.columns}
        row |= {"holder_id": new_id(), "id": new_id()}
        insert_rows(tx, Holder, [{"id": row["holder_id"], "kind": "class", "created_at": clock.now()}])
        insert_rows(tx, Lot, [row])
