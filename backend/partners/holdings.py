"""What partners told us about a member, as it is handed out."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend import identity
from backend.holdings import Held, held_rows
from backend.partners.inbox import body_context
from backend.partners.models import InboxEvent
from backend.vault import Vault


def holdings(tx: Session, vault: Vault, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this member; `body` is the event as it was signed, null once erased."""
    return {"inbox": _events(tx, vault, holder_id)}


def _events(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    sealer = identity.person_sealer(tx, vault, holder_id)
    for row in held_rows(tx, InboxEvent, holder_id, without=("user_ref_index",)):
        sealed = row.pop("sealed_body")
        context = body_context(row["partner"], row["event_id"])
        yield row | {"body": sealer.open(bytes.fromhex(sealed), context).decode() if sealed else None}
