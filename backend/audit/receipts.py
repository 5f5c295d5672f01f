"""Receipts: where an entry comes from, link by link, as plain data that anybody may render or check.

A receipt is made from what was recorded with the entry, never from today's rules: evidence → input data → methodology,
version and baseline profile → every factor row → BE, PE, LE, ER → evidence grade → grams → points rule → transfers.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, bilingual, ledger, points, settlement
from backend.activities import Act, Explained, Restatement
from backend.audit.earned import points_of
from backend.audit.sentences import (
    BONUS,
    BONUS_REVERSAL,
    ISSUE,
    RESTATEMENT,
    RESTATEMENT_REVERSAL,
    REVERSAL,
    Story,
    sentence_zh,
)
from backend.errors import NotFound
from backend.ledger import Entry
from backend.points import GrantView

#: Labels of numbers that rest on no text anybody has read.
ASSUMPTIONS = ("ASSUMED", "RECALLED")
#: How evidence was signed, by the version in front of the signature.
SCHEMES = {"v1": "Standard Webhooks v1 (HMAC-SHA256)", "v1a": "Standard Webhooks v1a (ed25519)"}
_EMISSIONS = ("baseline_g", "project_g", "leakage_g", "reduction_g")


def receipt(tx: Session, holder_id: UUID, entry_id: UUID) -> dict[str, Any]:
    """The receipt of one entry of this holder: JSON-able but for ids, days and instants. NotFound for anybody else's.

    `activity`, `quantification` and `evidence` are None for entries that credit no act (points that ripen or lapse),
    `points` where no rule was in force; they name the rule also where it gave none. `equivalences`, for display only,
    are of what the entry credits. `grant` is what the points of an entry were given for, where it was no act.
    Exact grams are texts; None means that the source publishes no such number.
    `restatements` lists what the act of an issue was restated to since; the receipt of a restatement shows the new
    calculation, and in `previous_quantification` the one it takes the place of.
    """
    entry = ledger.entry(tx, holder_id, entry_id)
    if entry is None:
        raise NotFound
    activity_id = entry.transaction.activity_id
    act = activities.act_of_holder(tx, holder_id, activity_id) if activity_id else None
    related = ledger.entries_of_activities(tx, [(holder_id, activity_id)]) if activity_id else [entry]
    restated = activities.restatements_of(tx, [act.key]).get(act.key, []) if act else []
    credits, previous = _calculated(entry, related, act, restated)
    grant = None if act else granted_of(tx, [entry]).get(entry.transaction.id)
    explained, before = (activities.explain(tx, item) if item else None for item in (credits, previous))
    earned = points_of(tx, act, _issue_behind(entry, related)) if act else None
    undone_by = _reversal_of(entry, related)
    since = _restated_since(entry, related, restated)
    trail = explained.trail if explained else None
    story = Story(
        entry, act, trail, earned, undone_by, entry.transaction.reason, list(since.values()), (previous, credits), grant
    )
    return {
        "entry": describe_entry(entry, grant),
        "grant": _grant(grant) if grant else None,
        "reversed_by": undone_by.transaction.id if undone_by else None,
        "reason": activities.sentence(entry.transaction.reason),
        "sentence_zh": sentence_zh(story),
        "activity": _activity(credits) if credits else None,
        "quantification": _quantification(credits, explained) if credits and explained else None,
        "previous_quantification": _quantification(previous, before) if previous and before else None,
        "restatements": [_restatement(entry_id, item) for entry_id, item in since.items()],
        "points": earned,
        "equivalences": _equivalences(credits) if credits and entry.transaction.kind in (ISSUE, RESTATEMENT) else [],
        "evidence": _evidence(credits) if credits else None,
    }


def _restatement(entry_id: UUID, item: Restatement) -> dict[str, Any]:
    credits = {"previous": asdict(item.previous), "credits": asdict(item.credits)}
    return {"sequence": item.sequence, "entry_id": entry_id, "restated_at": item.restated_at, **credits}


def _restated_since(entry: Entry, related: Sequence[Entry], restated: Sequence[Restatement]) -> dict[UUID, Restatement]:
    """The restatements posted behind an issue, by the id of their entry, oldest first."""
    if entry.transaction.kind != ISSUE:
        return {}
    issue, _ = settlement.chain_position(entry.transaction)
    behind = {
        other.transaction.id: settlement.chain_position(other.transaction)
        for other in related
        if other.transaction.kind == RESTATEMENT
    }
    return {found: restated[sequence - 1] for found, (of, sequence) in behind.items() if of == issue}


def _calculated(
    entry: Entry, related: Sequence[Entry], act: Act | None, restated: Sequence[Restatement]
) -> tuple[Act | None, Act | None]:
    """The act with the numbers behind an entry, and with those a restatement takes the place of, if it is one."""
    if act is None:
        return None, None
    if entry.transaction.kind in (ISSUE, REVERSAL, BONUS, BONUS_REVERSAL):
        return act, None
    if entry.transaction.kind not in (RESTATEMENT, RESTATEMENT_REVERSAL):
        return None, None
    posted = next(
        other.transaction
        for other in related
        if other.transaction.id in (entry.transaction.id, entry.transaction.reverses_id)
        and other.transaction.kind == RESTATEMENT
    )
    made = restated[: settlement.chain_position(posted)[1]]
    return activities.latest(act, made), activities.latest(act, made[:-1])


def granted_of(tx: Session, entries: Sequence[Entry]) -> dict[UUID, GrantView]:
    """Entry → the grant it is about, of those that are about one and not about an act."""
    about = {item.transaction.id: (item.transaction.holder_id, item.transaction.activity_id) for item in entries}
    keys = {entry_id: (holder_id, of) for entry_id, (holder_id, of) in about.items() if of is not None}
    found = points.grants_of(tx, set(keys.values()))
    return {entry_id: found[key] for entry_id, key in keys.items() if key in found}


def _grant(grant: GrantView) -> dict[str, Any]:
    names = ("id", "campaign", "points", "rule_version", "granted_at", "available_at", "expires_at", "taken_back_at")
    return {"title": bilingual.halves(grant.title), **{name: getattr(grant, name) for name in names}}


def describe_entry(entry: Entry, grant: GrantView | None = None) -> dict[str, Any]:
    """An entry with its transfers and the titles of their accounts; `grant`: what it is about, where it is no act."""
    transaction = entry.transaction
    return {
        "id": transaction.id,
        "programme": transaction.programme,
        "kind": transaction.kind,
        "posted_at": entry.posted_at,
        "activity_id": None if grant else transaction.activity_id,
        "grant_id": grant.id if grant else None,
        "reverses": transaction.reverses_id,
        "transfers": [
            {
                "debit": transfer.debit,
                "debit_title": bilingual.halves(ledger.CHART[transfer.debit].title),
                "credit": transfer.credit,
                "credit_title": bilingual.halves(ledger.CHART[transfer.credit].title),
                "asset": ledger.CHART[transfer.debit].asset,
                "amount": transfer.amount,
                "lot_id": transfer.lot_id,
            }
            for transfer in transaction.transfers
        ],
    }


def _lots_named(entry: Entry) -> set[UUID]:
    return {transfer.lot_id for transfer in entry.transaction.transfers if transfer.lot_id is not None}


def _issue_behind(entry: Entry, related: Sequence[Entry]) -> Entry | None:
    """The issue, or the bonus beside it, that an entry is, takes back, or moves the points of."""
    if entry.transaction.kind in (ISSUE, BONUS):
        return entry
    lots = _lots_named(entry)
    for other in related:
        if other.transaction.kind in (ISSUE, BONUS):
            if other.transaction.id == entry.transaction.reverses_id:
                return other
            if entry.transaction.reverses_id is None and lots & _lots_named(other):
                return other
    return None


def _reversal_of(entry: Entry, related: Sequence[Entry]) -> Entry | None:
    return next((other for other in related if other.transaction.reverses_id == entry.transaction.id), None)


def _equivalences(act: Act) -> list[dict[str, Any]]:
    """What the reduction compares to with the factors of its day; never what offsets or certificates back."""
    return activities.equivalences(act.reduction_g, act.day)


def _activity(act: Act) -> dict[str, Any]:
    names = ("id", "partner", "order_no", "line", "revision", "day", "occurred_at", "started_at", "ended_at", "status")
    return {name: getattr(act, name) for name in names}


def _quantification(act: Act, explained: Explained) -> dict[str, Any]:
    trail, basis = explained.trail, explained.trail["basis"]
    return {
        "confirmed": explained.confirmed,
        "inputs": _inputs(act, trail),
        "methodology": {
            "code": trail["methodology"],
            **{name: trail[name] for name in ("title", "version", "formula", "equation")},
        },
        "profile": {
            "code": trail["profile"],
            "title": trail["profile_title"],
            "baseline_type": activities.baseline_type(trail["profile"]),
        },
        "factors": [_factor(row) for row in basis["rows"]],
        "emissions": {
            **{name: trail[name] for name in _EMISSIONS},
            "range": _range(trail["reduction_range_g"]),
            "not_published": [name for name in _EMISSIONS if trail[name] is None],
        },
        "evidence_grade": next(
            {"grade": act.grade, **_factor(row)} for row in basis["grades"] if row["keys"]["grade"] == act.grade
        ),
        "credited": {name: getattr(act, name) for name in settlement.CREDIT_ACCOUNTS},
    }


def _factor(row: dict[str, Any]) -> dict[str, Any]:
    """A factor row as recorded, flagged where it is an assumption; `range` is None where it states none."""
    return {**row, "range": row.get("range"), "assumption": row["confidence"] in ASSUMPTIONS}


def _range(stated: dict[str, str] | None) -> dict[str, str] | None:
    """The reduction at the low, central and high figures of sources that differ; None where they do not."""
    return None if stated is None else {f"{end}_g": grams for end, grams in stated.items()}


def _inputs(act: Act, trail: dict[str, Any]) -> list[dict[str, Any]]:
    """What went into the formula: the data, and what stood in where the data left something out."""
    known, choices = activities.monitored_data(act.methodology), trail["basis"]["choices"]
    recorded = trail["basis"]["inputs"]
    inputs = []
    for name, value in trail["data"].items():
        told = known.get(name, {})
        unit = recorded.get(name, {}).get("unit") or told.get("unit")
        meaning = {key: choices[name][key] for key in ("zh", "en")} if name in choices else None
        shown = {"name": name, "title": told.get("title"), "value": value, "unit": unit}
        inputs.append({**shown, "meaning": meaning, "origin": "data"})
    for name, entry in recorded.items():
        if entry["from"] != "data":
            told = known.get(name, {})
            shown = {"name": name, "title": told.get("title"), "value": entry.get("default"), "unit": told.get("unit")}
            inputs.append({**shown, "meaning": None, "origin": entry["from"]})
    return inputs


def _evidence(act: Act) -> dict[str, Any]:
    """What proves the act, and how it was signed."""
    evidence: dict[str, Any] = json.loads(act.evidence)
    version = str(evidence.get("signature") or "").partition(",")[0]
    return {**evidence, "signature_scheme": SCHEMES.get(version)}
