"""Audit: recompute what was issued, and say of every entry where it comes from."""

from backend.audit.replay import Replay, replay

__all__ = ["Replay", "replay"]
