"""Audit: recompute what was issued, and say of every entry where it comes from."""

from backend.audit.earned import points_given
from backend.audit.receipts import describe_entry, granted_of, receipt
from backend.audit.replay import Replay, replay

__all__ = ["Replay", "describe_entry", "granted_of", "points_given", "receipt", "replay"]
