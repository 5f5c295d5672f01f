"""Messages: what the member is warned of, and which messages they let be sent to them in WeChat."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend import clock, identity, member_messages
from backend.identity import UnknownProgramme
from backend.member_messages import ANSWERS, DISTANCES, STATES, MessageView, PermissionView, UnknownMessageTemplate
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant, bilingual, text
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.resource import Resource

TEMPLATE = r"^[0-9A-Za-z_-]+$"
MOST_ASKED = 5
MESSAGE_STATES = (
    "waiting 待发送, in_app 仅在小程序内显示, sending 发送中, sent 微信已受理, delivered 已送达, "
    "undelivered 微信未能送达, unknown 结果未知, failed 未能发送"
)

resource = Resource("messages", __name__, description="消息提醒 / Messages")


class AnswerSchema(Schema):
    """One template, and what `wx.requestSubscribeMessage` said about it."""

    template_id = text(64, TEMPLATE, required=True)
    answer = fields.String(required=True, validate=validate.OneOf(ANSWERS))


class AnswersSchema(Schema):
    """Everything one call of `wx.requestSubscribeMessage` answered."""

    answers = fields.List(
        fields.Nested(AnswerSchema), required=True, validate=validate.Length(1, MOST_ASKED, error="1 to 5 answers")
    )

    @validates_schema
    def _each_template_once(self, data: dict[str, Any], **_: Any) -> None:
        named = [answer["template_id"] for answer in data.get("answers", ())]
        if len(set(named)) != len(named):
            raise ValidationError("each template once", "answers")


class PermissionSchema(Schema):
    """A template the mini-program may ask about. `remaining`: messages the member still lets be sent."""

    template_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["points_expiry"]})
    programmes = fields.List(fields.String(), required=True)
    remaining = fields.Integer(required=True, metadata={"minimum": 0})
    answer = fields.String(required=True, allow_none=True, metadata={"enum": [*ANSWERS, None]})
    answered_at = Instant(required=True, allow_none=True)


class PermissionsSchema(Schema):
    """All templates of the programmes the member takes part in."""

    permissions = fields.List(fields.Nested(PermissionSchema), required=True)


class MessageSchema(Schema):
    """A warning. `points`: how many it was about; `lapsing`: how many of them still lapse after `last_day`."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": ["points_expiry"]})
    programme = fields.String(required=True)
    text = bilingual()
    points = fields.Integer(required=True, metadata={"minimum": 1})
    lapsing = fields.Integer(required=True, metadata={"minimum": 0})
    last_day = fields.Date(required=True, metadata={"description": "有效期至（含当日）/ the last day they can be used"})
    days_ahead = fields.Integer(required=True, metadata={"enum": list(DISTANCES)})
    state = fields.String(required=True, metadata={"enum": list(STATES), "description": MESSAGE_STATES})
    made_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


class MessagesSchema(Schema):
    """A page of messages, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(MessageSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@resource.operation("GET", "/me/messages", answers=MessagesSchema)
@resource.query(PageQuery, InvalidCursor, UnknownProgramme)
def messages(query: dict[str, Any]) -> dict[str, Any]:
    """What I am warned of, newest first

    Whether or not a message could be sent in WeChat, it can be read here.
    """
    programme = query.get("programme")
    bound_to = ("messages", programme or "")
    before = position(query, *bound_to)
    with house().transaction() as tx:
        if programme is not None:
            identity.require_programme(tx, programme)
        found = member_messages.messages_of(
            tx, member().holder_id, programme=programme, before=before, limit=one_more(query), now=clock.now()
        )
    return page([_as_json(item) for item in found], query, lambda item: item["id"], *bound_to)


@resource.operation("GET", "/me/message-permissions", answers=PermissionsSchema)
def permissions() -> dict[str, list[PermissionView]]:
    """Which messages I let be sent to me"""
    with house().transaction() as tx:
        return {"permissions": member_messages.permissions_of(tx, member().holder_id)}


@resource.operation("POST", "/me/message-permissions", answers=PermissionsSchema, refuses=(UnknownMessageTemplate,))
@resource.body(AnswersSchema)
def answer(body: dict[str, Any]) -> dict[str, list[PermissionView]]:
    """Tell what `wx.requestSubscribeMessage` answered

    Each `accept` lets one message be sent; report each call once. WeChat counts for itself, so nothing is sent
    that it did not hear the member allow.
    """
    answers = {item["template_id"]: item["answer"] for item in body["answers"]}
    with house().transaction() as tx:
        member_messages.note_answers(tx, member().holder_id, answers, now=clock.now())
        return {"permissions": member_messages.permissions_of(tx, member().holder_id)}


def _as_json(item: MessageView) -> dict[str, Any]:
    told = {name: getattr(item, name) for name in MessageView.__slots__ if not name.startswith("text_")}
    return told | {"text": {"zh": item.text_zh, "en": item.text_en}}
