"""What WeChat's last login left for the server alone: the session key that opens what WeChat encrypts for this user.

It is sealed under the person's key together with the openid it belongs to, never shown to anybody, and gone when the
login ends. WeChat keeps one session key per user: the next `wx.login` replaces it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, Uuid, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend import strict_json
from backend.database import Base, Instant
from backend.identity.wechat import WeChatSession
from backend.vault import Sealer

#: Longer than any session key was seen to live; WeChat does not say how long that is.
KEPT = timedelta(days=30)


class WeChatSessionKey(Base):
    """The sealed WeChat session of one login."""

    __tablename__ = "wechat_session_keys"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sealed_session: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


def keep(
    tx: Session, sealer: Sealer, holder_id: UUID, session_id: UUID, found: WeChatSession, *, now: datetime
) -> None:
    """Keep what WeChat said at this login; `sealer` is the person's."""
    said = strict_json.canonical({"appid": found.appid, "openid": found.openid, "session_key": found.session_key})
    sealed = sealer.seal(said.encode(), _context(session_id))
    tx.add(WeChatSessionKey(holder_id=holder_id, session_id=session_id, sealed_session=sealed, expires_at=now + KEPT))
    tx.flush()


def find(tx: Session, sealer: Sealer, holder_id: UUID, session_id: UUID) -> WeChatSession | None:
    """The WeChat session of a login; None where it did not log in through WeChat, or has ended."""
    row = tx.get(WeChatSessionKey, (holder_id, session_id))
    if row is None:
        return None
    said = strict_json.loads_object(sealer.open(row.sealed_session, _context(session_id)))
    return WeChatSession(str(said["appid"]), str(said["openid"]), None, str(said["session_key"]))


def end(tx: Session, session_id: UUID) -> None:
    """The login ended."""
    tx.execute(delete(WeChatSessionKey).where(WeChatSessionKey.session_id == session_id))


def end_all(tx: Session, holder_id: UUID) -> None:
    """Every login of the person ended."""
    tx.execute(delete(WeChatSessionKey).where(WeChatSessionKey.holder_id == holder_id))


def _context(session_id: UUID) -> bytes:
    return b"wechat session:" + session_id.bytes
