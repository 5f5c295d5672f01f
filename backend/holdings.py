"""What is held about one holder, row by row, so that it can be handed out."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.database import Base

#: A table as it is handed out: one JSON object per row.
Held = Iterator[dict[str, Any]]
_PAGE = 500

#: Tables that name a holder and are not handed out, and why; each is `中文 / English`.
LEFT_OUT = {
    "campaign_counts": "结果定稿时的中间表，随即清空 / holds something only while a result is being frozen",
    "wechat_session_keys": "微信会话密钥，不得离开服务器 / keys of WeChat logins, which must not leave the server",
    "person_keys": "解密个人数据的密钥 / the key that opens the person's data",
    "claims": "无法还原的行为指纹 / fingerprints of acts that nobody can read back",
    "claim_contenders": "无法还原的行为指纹 / fingerprints of acts that nobody can read back",
    "order_lines": "仅为 activities 内容的校验值 / hashes of what activities say",
    "points_cap_counts": "处理用计数，积分见 points_lots / counts under caps, of the points in points_lots",
    "holder_days": "处理用锁，日期见 activities / locks, on the days of activities",
    "guardian_invitations": "无法还原的一次性邀请码 / single-use codes that nobody can read back",
    "outbox": "内容与账目相同的通知 / notices that say what the books say",
    "idempotency_keys": "七十二小时内请求的答复，见兑换记录 / answers of the last 72 hours, see redemptions",
    "school_classes": "班级账户，不涉及个人 / accounts of classes, which are about nobody",
    "school_class_years": "班级的年级与代码，不涉及个人 / grades and codes of classes, which are about nobody",
    "school_seat_places": "班级的座位编号，不涉及个人 / numbers of seats in classes, which are about nobody",
    "sync_deliveries": "上述通知的投递状态 / the state of delivering those notices",
}


def held_rows(tx: Session, model: type[Base], holder_id: UUID, *, without: Collection[str] = ()) -> Held:
    """Every row of a table that is about this holder, oldest first, read as it is needed.

    Instants are UTC texts, identifiers texts, bytes hexadecimal. `without`: columns that are left out.
    """
    table = model.__table__
    holder = table.c.id if model.__tablename__ == "holders" else table.c.holder_id
    query = select(*(column for column in table.c if column.name not in without)).where(holder == holder_id)
    query = query.order_by(*(column for column in table.primary_key))
    for row in tx.execute(query, execution_options={"yield_per": _PAGE}).mappings():
        yield {name: _as_json(value) for name, value in row.items()}


def _as_json(value: Any) -> Any:
    match value:
        case datetime():
            return clock.iso(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
    return value
