"""Steps: what WeChat counted, and what of it can be donated."""

from typing import Any

from marshmallow import Schema, fields

from backend import clock, identity, ledger, steps
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, UnknownProgramme
from backend.steps import InvalidWeRunData, Sent, StepsPermissionEnded, WeChatLoginNeeded
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, bilingual, text
from miniprogram_api.resource import Resource

resource = Resource("steps", __name__, description="步数 / Steps")

BASE64 = r"^[0-9A-Za-z+/]+={0,2}$"


class WeRunSchema(Schema):
    """What `wx.getWeRunData` gave the mini-program, as it is. The session key never leaves the server."""

    programme = text(64, CODE, required=True, metadata={"description": "in which programme the steps count"})
    encrypted_data = text(16_384, BASE64, required=True, metadata={"description": "`encryptedData`"})
    iv = text(24, BASE64, required=True)


class WhySchema(Schema):
    """Why steps do not count, or not all of them."""

    code = fields.String(required=True, metadata={"enum": list(steps.REASONS)})
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ReportedDaySchema(Schema):
    """What became of a day. `counted` is how many of its steps count now; it never gets fewer."""

    day = fields.Date(required=True)
    steps = fields.Integer(required=True)
    counted = fields.Integer(required=True)
    why = fields.Nested(WhySchema, required=True, allow_none=True)


class ReportedSchema(Schema):
    """Every day that was sent, in the order of days."""

    days = fields.List(fields.Nested(ReportedDaySchema), required=True)


class StepDaySchema(ReportedDaySchema):
    """A day of steps. What is counted can be donated from `spendable_from` on."""

    spendable = fields.Integer(required=True, metadata={"description": "已可捐的部分 / the part that can be donated"})
    spendable_from = fields.Date(required=True)
    source = fields.String(required=True, metadata={"description": "`house:werun` or a sports platform"})


class ProgrammeQuery(AccountQuery):
    """In which programme, and of which account."""

    programme = text(64, CODE, required=True)


class MyStepsSchema(Schema):
    """Steps of one programme: balances, and the last days."""

    programme = fields.String(required=True)
    pending = fields.Integer(required=True, metadata={"description": "待生效 / cannot be donated yet"})
    available = fields.Integer(required=True, metadata={"description": "可捐 / can be donated"})
    days = fields.List(fields.Nested(StepDaySchema), required=True)
    rule = bilingual(metadata={"description": "how steps count, in a sentence"})


_RULE = {
    "zh": "每人每天只认一个来源，最多计入 30000 步；后来更高的步数补记差额，更低的不扣回；"
    "记入后第二天起可捐。步数不产生减排量。",
    "en": "A day counts once, from one source, 30000 steps at most; a higher count later adds the difference, a lower "
    "one takes nothing back. Steps can be donated from the second day after they were counted. They are no reduction.",
}


@resource.operation(
    "POST",
    "/steps",
    answers=ReportedSchema,
    live_login=False,
    refuses=(GuardianNeeded, NotEnrolled, WeChatLoginNeeded, InvalidWeRunData, StepsPermissionEnded),
)
@resource.body(WeRunSchema)
def send_steps(body: dict[str, Any]) -> dict[str, Any]:
    """Send the steps of the last 31 days

    The same days again change nothing; a higher count tops the day up. Whether the login lives is asked in the
    transaction that records.
    """
    sent = Sent(member().holder_id, member().session_id, **body)
    with house().transaction() as tx:
        verdicts = steps.receive(tx, house().vault, sent, now=clock.now())
    return {"days": [steps.told_verdict(verdict) for verdict in verdicts]}


@resource.operation("GET", "/me/steps", answers=MyStepsSchema, refuses=(NotFound,))
@resource.query(ProgrammeQuery, UnknownProgramme)
def my_steps(query: dict[str, Any]) -> dict[str, Any]:
    """My steps in a programme: what I can donate, and the last 31 days"""
    programme = query["programme"]
    with house().transaction() as tx:
        identity.require_programme(tx, programme)
        holder_id = asked_account(tx, query)
        held = ledger.balances(tx, holder_id).get(programme, {})
        days = steps.days_of(tx, holder_id, programme, now=clock.now())
    balances = {stage: held.get(f"steps.{stage}", 0) for stage in ("pending", "available")}
    return {"programme": programme, **balances, "days": days, "rule": _RULE}
