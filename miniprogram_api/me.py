"""The member: who they are to us, and where they take part."""

from typing import Any

from marshmallow import Schema, fields

from backend import clock, identity
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.resource import Resource

resource = Resource("me", __name__, description="会员 / The member")


class MembershipSchema(Schema):
    """An account in a programme. `account_kind`: personal 会员, staff 员工, class 班级."""

    programme = fields.String(required=True)
    title = bilingual()
    programme_kind = fields.String(required=True, metadata={"enum": ["consumer", "staff", "school"]})
    account_kind = fields.String(required=True, metadata={"enum": ["personal", "staff", "class"]})
    enrolled_at = Instant(required=True)


class MeSchema(Schema):
    """The calling member. `id` is ours alone: partners and WeChat do not know it.

    `minor_until`: the fourteenth birthday of a member who is younger than that; `has_guardian`: somebody consents for
    them.
    """

    id = fields.UUID(required=True)
    minor_until = fields.Date(required=True, allow_none=True)
    has_guardian = fields.Boolean(required=True)
    memberships = fields.List(fields.Nested(MembershipSchema), required=True)


@resource.operation("GET", "/me", answers=MeSchema)
def me() -> dict[str, Any]:
    """Who am I, and where do I take part"""
    with house().transaction() as tx:
        programmes = identity.programmes(tx)
        enrolments = identity.enrolments(tx, member().holder_id)
        minor_until = identity.minor_until(tx, member().holder_id, now=clock.now())
        guardian = identity.guardian_of(tx, member().holder_id)
    return {
        "id": member().holder_id,
        "minor_until": minor_until,
        "has_guardian": minor_until is not None and guardian is not None,
        "memberships": [
            {
                "programme": enrolment.programme,
                "title": programme_title(programmes[enrolment.programme]),
                "programme_kind": programmes[enrolment.programme].kind,
                "account_kind": enrolment.account_kind,
                "enrolled_at": enrolment.enrolled_at,
            }
            for enrolment in enrolments
        ],
    }


def programme_title(programme: Any) -> dict[str, str]:
    """A programme's title in both languages."""
    return {"zh": programme.title_zh, "en": programme.title_en}
