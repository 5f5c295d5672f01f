"""Posting what was decided: credits for acts that count, reversals for acts that no longer do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, ledger, outbox, points
from backend.activities import Act, ActivityKey
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.outbox import Announcement
from backend.points import Award, Earning

ISSUE = "issue"
#: What an act is credited with, and the holder's account it goes to; never added together. It comes from `issuer.…`.
CREDIT_ACCOUNTS = {"reduction_g": "reduction", "offset_g": "offset", "eac_wh": "eac"}


def post(tx: Session, credited: Sequence[Act], taken_back: Sequence[Act], *, now: datetime) -> dict[ActivityKey, Award]:
    """Post credits and reversals together, announce both, and return the lots awarded.

    Each credited act is one ledger transaction: its credits, and its points as a pending lot; an act that earns neither
    has none and is not announced. Each act taken back is one transaction that names the issue it reverses; acts that
    were never credited are passed over.
    """
    reversals = _reversals(tx, taken_back)
    awards = points.award(tx, [_earning(act) for act in credited])
    issues = [_issue(act, transfers) for act in credited if (transfers := _credits(act, awards.get(act.key)))]
    ledger.post(tx, [*reversals, *issues], now=now)
    reversed_keys = {(item.holder_id, item.activity_id) for item in reversals}
    issued_keys = {(item.holder_id, item.activity_id) for item in issues}
    news = [_news("reduction.reversed", act, None) for act in taken_back if act.key in reversed_keys]
    news += [_news("reduction.issued", act, awards.get(act.key)) for act in credited if act.key in issued_keys]
    outbox.announce(tx, news, now=now)
    return awards


def _earning(act: Act) -> Earning:
    return Earning(
        act.holder_id,
        act.id,
        act.programme,
        act.methodology,
        act.day,
        act.pending_days,
        act.reduction_g,
        act.offset_g,
        act.eac_wh,
        activities.claims_engagement(act.methodology, act.day),
    )


def _issue(act: Act, transfers: Sequence[Transfer]) -> Transaction:
    key = f"issue:{act.id}:{act.issue_count}"
    return Transaction(new_id(), act.holder_id, act.programme, ISSUE, key, tuple(transfers), activity_id=act.id)


def _credits(act: Act, award: Award | None) -> list[Transfer]:
    transfers = [
        Transfer(f"issuer.{account}", account, amount)
        for credit, account in CREDIT_ACCOUNTS.items()
        if (amount := getattr(act, credit))
    ]
    if award is not None:
        transfers.append(award.transfer)
    return transfers


def _reversals(tx: Session, acts: Sequence[Act]) -> list[Transaction]:
    """The reversals of what these acts earned, at the amounts recorded, with everything derived from them."""
    originals = _standing_issues(tx, acts)
    lots = {
        (item.holder_id, transfer.lot_id): item.programme
        for item in originals
        for transfer in item.transfers
        if transfer.lot_id is not None
    }
    returned: Mapping[tuple[UUID, UUID], list[Transfer]] = points.take_back(tx, lots) if lots else {}
    reversals = []
    for item in originals:
        transfers: list[Transfer] = []
        for transfer in item.transfers:
            if transfer.lot_id is None:
                transfers.append(Transfer(transfer.credit, transfer.debit, transfer.amount))
            else:
                transfers.extend(returned[item.holder_id, transfer.lot_id])
        if transfers:  # points alone that all lapsed leave nothing to take back
            reversals.append(ledger.reversal(item, id=new_id(), transfers=tuple(transfers)))
    return reversals


def _standing_issues(tx: Session, acts: Sequence[Act]) -> list[Transaction]:
    """The issue of each act that has not been reversed yet."""
    if not acts:
        return []
    entries = ledger.entries_of_activities(tx, [act.key for act in acts])
    reversed_ids = {entry.transaction.reverses_id for entry in entries}
    return [
        entry.transaction
        for entry in entries
        if entry.transaction.kind == ISSUE and entry.transaction.id not in reversed_ids
    ]


def _news(topic: str, act: Act, award: Award | None) -> Announcement:
    return Announcement(
        topic,
        act.holder_id,
        {
            "activity_id": str(act.id),
            "programme": act.programme,
            "methodology": act.methodology,
            "day": act.day.isoformat(),
            **{credit: getattr(act, credit) for credit in CREDIT_ACCOUNTS},
            "points": award.points if award else 0,
            "reason": act.reason,
        },
    )
