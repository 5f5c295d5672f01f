"""Receipts: where an entry comes from, link by link, as plain data that anybody may render or check.

A receipt is made from what was recorded with the entry, never from today's rules: evidence → input data → methodology,
version and baseline profile → every factor row → BE, PE, LE, ER → evidence grade → grams → points rule → transfers.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, ledger, points
from backend.activities import Act, Explained
from backend.audit import sentences
from backend.audit.sentences import Story
from backend.errors import NotFound
from backend.ledger import Entry, Transfer

#: Entries that credit an act, or take such a credit back; others only move points that were credited before.
ISSUE, REVERSAL = "issue", "issue.reversed"
#: Labels of numbers that no source has been read for.
ASSUMPTIONS = ("ASSUMED", "RECALLED")
#: How the evidence was signed, by the version in front of the signature.
SCHEMES = {
    "v1": "Standard Webhooks v1 (HMAC-SHA256)",
    "v1a": "Standard Webhooks v1a (ed25519)",
}


def receipt(tx: Session, holder_id: UUID, entry_id: UUID) -> dict[str, Any]:
    """The receipt of one entry of this holder, JSON-able but for ids, days and instants. NotFound for anybody else's.

    Entries that rest on no act of their own (points ripening or lapsing) have null for activity, quantification,
    evidence.
    """
    entry = ledger.entry(tx, holder_id, entry_id)
    if entry is None:
        raise NotFound
    activity_id = entry.transaction.activity_id
    act = activities.act_of_holder(tx, holder_id, activity_id) if activity_id else None
    related = ledger.entries_of_activities(tx, [(holder_id, activity_id)]) if activity_id else [entry]
    explained = None
    if act is not None and entry.transaction.kind in (ISSUE, REVERSAL):
        explained = activities.explain(tx, act)
    lots = points.lots_of(tx, holder_id, activity_id) if activity_id else []
    earned = _points(tx, _issue_of(entry, related), lots, act)
    story = Story(entry, act, explained, earned, _reversed_by(entry, related), _still_standing(act, entry, related))
    about_act = act is not None and explained is not None
    return {
        "entry": entry,
        "reversed_by": _identified(story.reversed_by),
        "sentence_zh": sentences.sentence_zh(story),
        "activity": _activity(act) if act and about_act else None,
        "quantification": _quantification(act, explained) if act and explained else None,
        "points": earned,
        "evidence": _evidence(act) if act and about_act else None,
    }
