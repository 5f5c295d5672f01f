"""A staff programme with departments and people who ride the metro to work."""

import hashlib
import io
import json
from datetime import date, datetime, timedelta
from typing import Any

from backend import activities, clock, identity, points, settlement
from backend.identity import Receiver, agreements, roster
from backend.identity.agreements import AgreementView
from backend.ids import new_id
from backend.settlement import Draft, Statement
from tests.backend.world import World


def noon(day: date) -> datetime:
    return clock.start_of(day) + timedelta(hours=12)


class Company:
    """Staff in departments, and what they do."""

    def __init__(self, world: World) -> None:
        self.world, self.house, self.staff = world, world.house, dict[str, Any]()
        with self.house.transaction() as tx:
            identity.save_programme(
                tx, code="acme", kind="staff", title_zh="员工计划", title_en="Staff", profile="CN-DEFAULT"
            )
            points.save_rule(tx, programme="acme", version=1, in_force_from=date(2025, 1, 1), fixed_points={})
            agreement = AgreementView("acme", "transit", date(2025, 1, 1), None, "contract 1")
            agreements.sign(tx, agreement, now=clock.now())

    def import_list(self, departments: dict[str, str], as_of: date) -> None:
        head = "staff_no,name,department,joined\n"
        lines = "".join(f"{number},{number},{path},2024-01-01\n" for number, path in departments.items())
        import_ = roster.Import(
            self.house.sessions, self.house.vault, "acme", io.BytesIO((head + lines).encode()), as_of=as_of
        )
        surveyed = import_.survey()
        assert not surveyed.wrong
        with self.house.transaction() as tx:
            import_.begin(tx, surveyed, yes_many=surveyed.leaving)
        import_.apply()
        with self.house.transaction() as tx:
            import_.end(tx)
            for number in departments.keys() - self.staff.keys():
                known = [("wecom", f"acme|{number}")]
                holder = identity.recognise_person(tx, self.house.vault, known, now=clock.now())
                roster.bind(tx, self.house.vault, "acme", number, holder, now=clock.now())
                self.staff[number] = holder

    def rides(self, *rides: tuple[str, date, str]) -> None:
        """Metro rides of (staff number, day, kilometres)."""
        with self.house.transaction() as tx:
            found = settlement.settle(tx, self.house.vault, [self._ride(*ride) for ride in rides], now=clock.now())
        assert [outcome.status for outcome in found] == ["issued"] * len(rides), found

    def _ride(self, number: str, day: date, km: str) -> Statement:
        order = f"{number}-{day}"
        named = {"partner": "transit", "order_no": order, "line": "1", "trip_id": order}
        at = noon(day)
        window = {"started_at": at, "ended_at": at + timedelta(minutes=40)}
        draft = Draft("metro_ride", {"distance_km": km}, named, at, "E3", **window)
        return Statement(
            source_id=new_id(),
            partner="transit",
            order_no=order,
            line="1",
            revision=1,
            rank=activities.ORIGINAL,
            order_type="trip.completed",
            receiver=Receiver(self.staff[number], "acme", b""),
            content_hash=hashlib.sha256(order.encode()).digest(),
            evidence=json.dumps({"source": "test"}),
            translate=lambda _: draft,
            rests_on=activities.AGREEMENT,
        )
