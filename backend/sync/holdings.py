"""Which platforms were told about a holder, as it is handed out."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.holdings import Held, held_rows
from backend.sync.models import AccountSequence


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder: by which platform, since when, under which name, up to which number."""
    return {AccountSequence.__tablename__: held_rows(tx, AccountSequence, holder_id)}
