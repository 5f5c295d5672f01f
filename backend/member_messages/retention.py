"""How long messages are kept. Each step is bounded and returns how much it removed."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.member_messages.models import ExpiryWarning, MessagePermission, WarningRound

#: 网络安全法, article 21: records of what happens in the network, six months at least; counted from the day of lapse.
KEPT = timedelta(days=184)
#: Whoever was forgotten longer ago than this had their messages removed by then.
_LOOKS_BACK = timedelta(days=30)


def purge_messages(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove what is held for persons who were forgotten, and warnings of half a year ago."""
    removed, after = 0, None
    while gone := identity.forgotten_since(tx, now - _LOOKS_BACK, after=after, limit=limit):
        for table in (ExpiryWarning, MessagePermission):
            statement = delete(table).where(table.holder_id.in_(gone)).returning(table.holder_id)
            removed += len(list(tx.scalars(statement.execution_options(synchronize_session=False))))
        after = gone[-1]
    long_ago = clock.day_of(now - KEPT)
    key = (ExpiryWarning.holder_id, ExpiryWarning.id)
    old = select(*key).where(ExpiryWarning.lapses_on < long_ago).limit(limit)
    statement = delete(ExpiryWarning).where(tuple_(*key).in_(old)).returning(ExpiryWarning.holder_id)
    removed += len(list(tx.scalars(statement.execution_options(synchronize_session=False))))
    rounds = delete(WarningRound).where(WarningRound.day < long_ago).returning(WarningRound.day)
    return removed + len(list(tx.scalars(rounds.execution_options(synchronize_session=False))))
