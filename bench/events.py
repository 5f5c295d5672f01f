"""Events for benchmarks: half trips, half trade-ins, of some hundred members over some weeks."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from backend import House, build_house, clock, database, identity, lists, partners, points
from backend.ids import new_id
from backend.partners.contract import content_hash
from backend.partners.inbox import body_context
from backend.partners.models import InboxEvent
from backend.settings import Settings

SECRET = "whsec_" + base64.b64encode(b"a secret for benchmarks, 32 byte").decode()
DAYS = 23
SCENES = {"zhuanzhuan": "device", "transit": "commute"}


def populated_house(database_url: str, members: int) -> House:
    """A migrated database with a programme, two partners and linked, consenting members."""
    database.migrate(database_url)
    house = build_house(Settings.for_tests(database_url=database_url))
    long_ago = datetime(2025, 1, 1, tzinfo=UTC)
    with house.transaction() as tx:
        identity.save_programme(
            tx, code="members", kind="consumer", title_zh="会员计划", title_en="Members", profile="CN-DEFAULT"
        )
        points.save_rule(tx, programme="members", version=1, in_force_from=date(2025, 1, 1))
        for code in SCENES:
            partners.save_partner(tx, code=code, adapter=code, title=code, return_days=7)
            partners.add_key(tx, house.vault, code, SECRET, now=long_ago)
        for number in range(members):
            _member(house, tx, f"member-{number}")
    return house


def _member(house: House, tx: database.Session, name: str) -> UUID:
    now = clock.now()
    holder = identity.recognise_person(tx, house.vault, [("wechat_openid", name)], now=now)
    identity.enrol_in_consumer_programmes(tx, holder, now=now)
    for partner, scene in SCENES.items():
        identity.link_partner_user(
            tx, house.vault, holder_id=holder, partner=partner, user_ref=name, programme="members", now=now
        )
        identity.set_consent(tx, holder_id=holder, partner=partner, scene=scene, granted=True, now=now)
    return holder


def events(count: int, members: int, *, first: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """(partner, event id, body): every second one a metro trip, the others phones traded in.

    Nobody claims what another one claims, trips never overlap and stay below the daily limit, so that every event
    counts: each adds rows, and none changes the rows of an earlier one.
    """
    chance = random.Random(20260605 + first)
    midnight = clock.start_of(clock.today())
    for number in range(first, first + count):
        turn, member = divmod(number // 2, members)
        user = f"member-{member * 37 % members}"  # neighbours in time are no neighbours in the tables
        hour, day = divmod(turn, DAYS)
        at = midnight - timedelta(days=2 + day) + timedelta(hours=6 + hour % 16, minutes=chance.randrange(30))
        data = {"order_no": f"O{number}", "revision": 1, "user_ref": user, "occurred_at": at.isoformat()}
        if number % 2:
            partner, kind = "transit", "trip.completed"
            ended_at = (at + timedelta(minutes=25)).isoformat()
            km = f"{chance.randrange(20, 300) / 10}"
            data |= {"trip_id": f"R{number}", "mode": "metro", "started_at": at.isoformat(), "ended_at": ended_at}
            data |= {"distance_km": km, "outcome": "completed"}
        else:
            partner, kind = "zhuanzhuan", "device.traded_in"
            item = {"line": 1, "category": "phone", "model": "iPhone 14", "serial": f"SN{number:08}", "quantity": 1}
            data |= {"outcome": "resold", "items": [item]}
        yield partner, f"evt_{number}", json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data}).encode()


def fill_inbox(house: House, count: int, members: int, *, first: int = 0) -> None:
    """Put events into the inbox as if they had been received."""
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "partner": partner,
            "event_id": event_id,
            "body_sha256": hashlib.sha256(body).digest(),
            "content_hash": content_hash(house.vault, json.loads(body)),
            "sealed_body": house.vault.house.seal(body, body_context(partner, event_id)),
            "signature": "v1," + "x" * 44,
            "signed_at": now,
            "received_at": now,
            "day": clock.today(),
            "order_no": f"O{number}",
            "state": "waiting",
            "attempts": 0,
            "next_attempt_at": now,
        }
        for number, (partner, event_id, body) in enumerate(events(count, members, first=first), start=first)
    ]
    with house.transaction() as tx:
        lists.insert_rows(tx, InboxEvent, rows)
