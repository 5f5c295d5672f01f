"""A school in the sandbox: a class with an account, who redeems for it, and the clothes it gave away.

Pupils are named nowhere. What the class is credited, a partner reports of it, as of anybody.
"""

import json
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import House, clock, identity, points, school, signing
from backend.sandbox import programme
from backend.sandbox.catalogue import CLASS_REWARD, load_reward
from backend.sandbox.programme import CONSENTED_AT, PARTNERS

SCHOOL = "school"
#: The member who redeems for the class.
STEWARD = "lin"
_YEAR_BEGINS = date(2025, 9, 1)
_COLLECTOR = PARTNERS["dangdang"]
_CLASS = _COLLECTOR.user_ref("class-3-2")
#: What the collector reported of the class on the recorded day.
DONATION_ID = "evt_dd_class_3_2"
DONATION: dict[str, Any] = {
    "type": "donation.received",
    "timestamp": "2026-06-05T15:40:00+08:00",
    "data": {
        "order_no": "DD20260605-CLASS-3-2",
        "revision": 1,
        "user_ref": _CLASS,
        "occurred_at": "2026-06-05T15:35:00+08:00",
        "outcome": "received",
        "items": [{"line": 1, "category": "clothes", "weight_kg": 12.5}],
    },
}


def load(house: House) -> UUID:
    """Put the class into the database, once, and report what it gave; a worker credits it. Returns the account."""
    with house.transaction() as tx:
        class_id = _class_account(tx, house) or _open(tx, house)
    body = json.dumps(DONATION).encode()
    key = programme.newest_secret(house, _COLLECTOR.code)
    house.gate.take_in(_COLLECTOR.code, signing.sign(DONATION_ID, clock.now(), body, [key]), body)
    return class_id


def _class_account(tx: Session, house: House) -> UUID | None:
    user = (_COLLECTOR.code, identity.user_ref_index(house.vault, _COLLECTOR.code, _CLASS))
    found = identity.receivers(tx, [user]).get(user)
    return None if found is None else found.holder_id


def _open(tx: Session, house: House) -> UUID:
    title = {"title_zh": "绿色校园计划", "title_en": "Green school"}
    identity.save_programme(tx, code=SCHOOL, kind="school", profile="CN-DEFAULT", **title)
    begin = date(2025, 1, 1)
    points.save_rule(
        tx, programme=SCHOOL, version=1, in_force_from=begin, points_per_gram="1", note="每减排 1 克得 1 分"
    )
    class_id = _open_class(tx, house)
    identity.appoint_steward(tx, class_id, _steward(tx, house), until=None, now=CONSENTED_AT)
    linked: dict[str, Any] = {"holder_id": class_id, "partner": _COLLECTOR.code, "now": CONSENTED_AT}
    identity.link_partner_user(tx, house.vault, user_ref=_CLASS, programme=SCHOOL, **linked)
    identity.set_consent(tx, scene="donation", granted=True, **linked)
    load_reward(tx, house, CLASS_REWARD, CLASS_REWARD.terms(SCHOOL, "class"))
    return class_id


def _open_class(tx: Session, house: House) -> UUID:
    """The class with its term, distances and seats, so that its steward can confirm trips and hand-ins."""
    school.open_school(tx, "bayi", programme=SCHOOL, title="八一学校", now=CONSENTED_AT)
    school.set_term(tx, "bayi", "2026-2", date(2026, 3, 2), date(2026, 7, 10))
    for mode, distance_m in (("walk", 1_300), ("bicycle", 2_000), ("bus", 3_000), ("metro", 6_000)):
        school.set_distance(tx, "bayi", mode, distance_m, since=_YEAR_BEGINS)
    class_id = school.open_class(tx, house.vault, "bayi", 2025, 3, 2, "BY2025-3-2", now=CONSENTED_AT)
    school.add_seats(tx, house.vault, class_id, 36, since=_YEAR_BEGINS)
    for source in (school.SOURCE, school.METER_SOURCE):
        agreement = identity.agreements.AgreementView(SCHOOL, source, _YEAR_BEGINS, None, "八一学校 2025-09")
        identity.agreements.sign(tx, agreement, now=CONSENTED_AT)
    return class_id


def _steward(tx: Session, house: House) -> UUID:
    (member,) = [one for one in programme.MEMBERS if one.name == STEWARD]
    return programme.load_member(tx, house, member)
