"""How long records are kept, and what removes them afterwards. Each step is bounded and returns how many it removed."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from backend import clock
from backend.database import Base
from backend.identity.minors import announce_ages
from backend.identity.models import (
    Consent,
    ConsentChange,
    GuardianInvitation,
    Guardianship,
    LinkCode,
    LoginSession,
    Minor,
    PersonKey,
    SpentLinkTicket,
)
from backend.identity.staff_login.models import StaffLoginAttempt
from backend.identity.wechat_sessions import WeChatSessionKey

#: 网络数据安全管理条例, article 12: three years, which have 1096 days at most, and one for clocks that disagree. The
#: database itself refuses to remove a change of a consent that is younger than three years.
CONSENT_CHANGES_KEPT = timedelta(days=1097)
#: 网络安全法, article 21: records of what happens in the network, six months at least.
LOGINS_KEPT = timedelta(days=184)
#: A link ticket or code is refused after ten minutes at most, spent or not; a day covers clocks that disagree, and a
#: partner that asks again because our answer did not reach it.
SPENT_TICKETS_KEPT = timedelta(days=1)


def purge_consent_changes(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove changes of consents that have not been in force for three years: another change took their place that
    long ago, or the person was forgotten then. What stands now is kept, however old it is.
    """
    long_ago = now - CONSENT_CHANGES_KEPT
    later = aliased(ConsentChange)
    same = and_(
        later.holder_id == ConsentChange.holder_id,
        later.partner == ConsentChange.partner,
        later.scene == ConsentChange.scene,
    )
    replaced = select(later.id).where(same, later.id > ConsentChange.id, later.changed_at <= long_ago).exists()
    of_nobody = or_(replaced, _forgotten(ConsentChange, long_ago))
    removed = _remove(tx, ConsentChange, and_(ConsentChange.changed_at <= long_ago, of_nobody), limit)
    return removed + _remove(tx, Consent, _forgotten(Consent, long_ago), limit)


def purge_spent(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove link tickets, link codes, invitations and begun staff logins that are refused anyway, logins that ended
    half a year ago, WeChat session keys that are too old, and what is known of the age and guardian of members who
    turned fourteen.
    """
    grown = Minor.minor_until <= clock.day_of(now)
    grown_wards = select(Minor.holder_id).where(grown, Minor.holder_id == Guardianship.holder_id).exists()
    return sum(
        (
            _remove(tx, SpentLinkTicket, SpentLinkTicket.spent_at <= now - SPENT_TICKETS_KEPT, limit),
            _remove(tx, LinkCode, LinkCode.expires_at <= now - SPENT_TICKETS_KEPT, limit),
            _remove(tx, GuardianInvitation, GuardianInvitation.expires_at <= now, limit),
            _remove(tx, StaffLoginAttempt, StaffLoginAttempt.expires_at <= now, limit),
            # A login ends at `expires_at` at the latest, so what was ended earlier is kept a little longer.
            _remove(tx, LoginSession, LoginSession.expires_at <= now - LOGINS_KEPT, limit),
            _remove(tx, WeChatSessionKey, WeChatSessionKey.expires_at <= now, limit),
            _remove(tx, Guardianship, grown_wards, limit),
            _grown_up(tx, and_(grown, ~_has_guardian()), limit, now),
        )
    )


def _grown_up(tx: Session, condition: ColumnElement[bool], limit: int, now: datetime) -> int:
    chosen = list(tx.scalars(select(Minor.holder_id).where(condition).limit(limit)))
    removed = tx.scalars(delete(Minor).where(condition, Minor.holder_id.in_(chosen)).returning(Minor.holder_id)).all()
    announce_ages(tx, removed, now=now)
    return len(removed)


def _has_guardian() -> ColumnElement[bool]:
    return select(Guardianship.holder_id).where(Guardianship.holder_id == Minor.holder_id).exists()


def _forgotten(table: type[Consent] | type[ConsentChange], long_ago: datetime) -> ColumnElement[bool]:
    mine = PersonKey.holder_id == table.holder_id
    return select(PersonKey.holder_id).where(mine, PersonKey.forgotten_at <= long_ago).exists()


def _remove(tx: Session, table: type[Base], condition: ColumnElement[bool], limit: int) -> int:
    key = tuple(table.__table__.primary_key)
    chosen = select(*key).where(condition).limit(limit)
    # The condition once more: a row that changed since it was chosen is looked at again.
    statement = delete(table).where(condition, tuple_(*key).in_(chosen)).returning(key[0])
    return len(list(tx.scalars(statement.execution_options(synchronize_session=False))))
