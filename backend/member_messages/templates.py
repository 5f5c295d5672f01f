"""The templates of WeChat that messages are written into, and what each of their fields may hold.

Kinds and limits of fields: developers.weixin.qq.com, 订阅消息参数值内容限制说明. A text that breaks one makes WeChat
refuse the whole message (47003), so everything is checked here first.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import identity
from backend.member_messages.errors import UnusableMessageTemplate
from backend.member_messages.models import MessageTemplate

#: The only kind of message so far.
POINTS_EXPIRY = "points_expiry"

_KEYWORD = re.compile(r"(thing|number|character_string|date|time)([1-9][0-9]?)")
_TEMPLATE_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
_PAGE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_/.?=&%-]{0,255}")
_THING = 20
_NOTE = "过期后无法恢复，请及时使用"

_DAY = r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"
_FORMS = {
    "thing": re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,20}"),
    "number": re.compile(r"[0-9]{1,32}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "date": re.compile(_DAY),
    "time": re.compile(_DAY + " [0-9]{2}:[0-9]{2}"),
}


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a warning says: so many points of this programme can be used up to the end of that day."""

    programme: str
    points: int
    last_day: date


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _cut(text: str) -> str:
    return text if len(text) <= _THING else text[: _THING - 1] + "…"


#: What can be said, and in which kinds of field, each with how it is written there. The first two have to be said.
_SAYS: Mapping[str, Mapping[str, Callable[[Expiry], str]]] = {
    "points": {
        "number": lambda said: str(said.points),
        "character_string": lambda said: str(said.points),
        "thing": lambda said: f"{said.points} 积分",
    },
    "last_day": {
        "date": lambda said: _day(said.last_day),
        "time": lambda said: f"{_day(said.last_day)} 23:59",
        "thing": lambda said: f"有效期至{_day(said.last_day)}",
    },
    "programme": {"thing": lambda said: _cut(said.programme)},
    "note": {"thing": lambda said: _NOTE},
}
_NEEDED = ("points", "last_day")


def set_template(
    tx: Session,
    programme: str,
    template_id: str,
    fields: Mapping[str, str],
    *,
    page: str = "",
    now: datetime,
) -> MessageTemplate:
    """Let the expiry warnings of a programme go out by this template. Permissions for another one are not for it.

    Raises UnknownProgramme, UnusableMessageTemplate.
    """
    identity.require_programme(tx, programme)
    _check(template_id, fields, page)
    template = MessageTemplate(
        programme=programme,
        kind=POINTS_EXPIRY,
        template_id=template_id,
        fields=json.dumps(dict(fields), sort_keys=True),
        page=page,
        set_at=now,
    )
    template = tx.merge(template)
    tx.flush()
    return template


def templates(tx: Session) -> dict[str, MessageTemplate]:
    """The template of each programme that has one."""
    return {row.programme: row for row in tx.scalars(select(MessageTemplate).order_by(MessageTemplate.programme))}


def render(template: MessageTemplate, said: Expiry) -> dict[str, str]:
    """The text of each of the template's keywords. Raises UnusableMessageTemplate when one would be refused."""
    written = {}
    for name, keyword in json.loads(template.fields).items():
        kind = _kind(keyword)
        write = _SAYS.get(name, {}).get(kind)
        text = write(said) if write is not None else ""
        if not (kind in _FORMS and _FORMS[kind].fullmatch(text)):
            raise UnusableMessageTemplate(f"{keyword} cannot hold what {name} says", field=name)
        written[keyword] = text
    return written


def _check(template_id: str, fields: Mapping[str, str], page: str) -> None:
    if not _TEMPLATE_ID.fullmatch(template_id):
        raise UnusableMessageTemplate("the template id is 16 to 64 letters, digits, _ or -")
    if page and not _PAGE.fullmatch(page):
        raise UnusableMessageTemplate("the page is a path of the mini-program, without a slash in front")
    for name in _NEEDED:
        if name not in fields:
            raise UnusableMessageTemplate(f"no field says {name}", field=name)
    for name, keyword in fields.items():
        if name not in _SAYS:
            raise UnusableMessageTemplate(f"the message does not say {name}", field=name, says=sorted(_SAYS))
        if _kind(keyword) not in _SAYS[name]:
            raise UnusableMessageTemplate(f"{keyword} cannot hold {name}", field=name, kinds=sorted(_SAYS[name]))
    if len(set(fields.values())) != len(fields):
        raise UnusableMessageTemplate("two fields have the same keyword")


def _kind(keyword: str) -> str:
    match = _KEYWORD.fullmatch(keyword)
    return match[1] if match else ""
