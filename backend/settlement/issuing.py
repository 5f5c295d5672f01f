"""Posting what was decided: credits for acts that count, reversals for acts that no longer do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, ledger, outbox, points
from backend.activities import Act, ActivityKey, Contended, Credited
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.outbox import Announcement
from backend.points import Award, Earning

ISSUE, BONUS, RESTATEMENT = "issue", "bonus", "restatement"
#: What an act is credited with, and the holder's account it goes to; never added together. It comes from `issuer.…`.
CREDIT_ACCOUNTS = {"reduction_g": "reduction", "offset_g": "offset", "eac_wh": "eac"}


def post(tx: Session, credited: Sequence[Act], taken_back: Sequence[Act], *, now: datetime) -> dict[ActivityKey, Award]:
    """Post credits and reversals together, announce both, and return the lots awarded.

    Each credited act is one ledger transaction: its credits, and its points as a pending lot; an act that earns neither
    has none and is not announced. The bonus of each campaign is a transaction of its own behind it, with its own lot.
    An act that comes to its right again is issued as it was recorded, and what it was restated to meanwhile is posted
    again behind it. Each act taken back is one reversal for its issue, one for each bonus and one for each restatement,
    together its whole chain; acts that were never credited are passed over.
    """
    originals = _standing_chains(tx, taken_back)
    settled = points.settle(tx, _lots_of(originals), [_earning(act) for act in credited], now=now)
    reversals = _reversals(originals, taken_back, settled.returned)
    issues = [item for act in credited for item in _issues(act, settled.awards.get(act.key))]
    issues += _restated_before(tx, [act for act in credited if act.issue_count > 1])
    ledger.post(tx, [*reversals, *issues], now=now, announce=False)
    _require_paid(tx, reversals)
    back, given = _by_act(reversals), _by_act(issues)
    news = [_news("reduction.reversed", act, back[act.key]) for act in taken_back if act.key in back]
    earned = {key: award.points for key, award in settled.awards.items()}
    news += [
        _news("reduction.issued", act, given[act.key], points=earned.get(act.key, 0))
        for act in credited
        if act.key in given
    ]
    outbox.announce(tx, news, now=now)
    return dict(settled.awards)


def _earning(act: Act) -> Earning:
    return Earning(
        act.holder_id,
        act.id,
        act.programme,
        act.partner,
        act.methodology,
        act.day,
        act.pending_days,
        act.reduction_g,
        act.offset_g,
        act.eac_wh,
        activities.claims_engagement(act.methodology, act.day),
        act.issue_count,
    )


def _issues(act: Act, award: Award | None) -> Iterator[Transaction]:
    """The issue of an act, and the bonus of each campaign behind it."""
    given = award.given if award else ()
    transfers = [
        Transfer(f"issuer.{account}", account, amount)
        for credit, account in CREDIT_ACCOUNTS.items()
        if (amount := getattr(act, credit))
    ]
    transfers += [lot.transfer for lot in given if lot.campaign is None]
    if transfers:
        yield _posted(act, ISSUE, f"issue:{act.id}:{act.issue_count}", transfers)
    for lot in given:
        if lot.campaign is not None:
            yield _posted(act, BONUS, f"bonus:{act.id}:{act.issue_count}:{lot.campaign}", [lot.transfer])


def _posted(act: Act, kind: str, key: str, transfers: Sequence[Transfer]) -> Transaction:
    return Transaction(new_id(), act.holder_id, act.programme, kind, key, tuple(transfers), activity_id=act.id)


def restatement(act: Act, before: Credited, after: Credited, *, sequence: int, basis_hash: bytes) -> Transaction:
    """The transaction of a difference, which is not nothing. Its key holds the activity and the new basis."""
    transfers = []
    for credit, account in CREDIT_ACCOUNTS.items():
        difference = getattr(after, credit) - getattr(before, credit)
        if difference > 0:
            transfers.append(Transfer(f"issuer.{account}", account, difference))
        elif difference < 0:
            transfers.append(Transfer(account, f"issuer.{account}", -difference))
    key = f"restate:{act.id}:{act.issue_count}:{sequence}:{basis_hash.hex()}"
    return Transaction(new_id(), act.holder_id, act.programme, RESTATEMENT, key, tuple(transfers), activity_id=act.id)


def chain_position(transaction: Transaction) -> tuple[int, int]:
    """Which issue of its act a transaction belongs to, and which restatement it posts: 0 for the issue itself and its
    bonuses."""
    numbers = transaction.idempotency_key.split(":")[2:4]
    return int(numbers[0]), int(numbers[1]) if transaction.kind == RESTATEMENT else 0


def _restated_before(tx: Session, acts: Sequence[Act]) -> list[Transaction]:
    """The restatements of acts that are issued once more, to be posted again."""
    known = activities.restatements_of(tx, [act.key for act in acts]) if acts else {}
    return [
        restatement(act, item.previous, item.credits, sequence=item.sequence, basis_hash=item.basis_hash)
        for act in acts
        for item in known.get(act.key, ())
    ]


def _lots_of(originals: Sequence[Transaction]) -> dict[tuple[UUID, UUID], str]:
    """Holder and lot → programme, of every lot these transactions opened."""
    return {
        (item.holder_id, transfer.lot_id): item.programme
        for item in originals
        for transfer in item.transfers
        if transfer.lot_id is not None
    }


def _reversals(
    originals: Sequence[Transaction],
    acts: Sequence[Act],
    returned: Mapping[tuple[UUID, UUID], Sequence[Transfer]],
) -> list[Transaction]:
    """The reversals of what these acts earned, at the amounts posted, with everything derived from them."""
    reasons = {act.id: act.reason for act in acts}
    reversals = []
    for item in originals:
        reason = reasons[item.activity_id] if item.activity_id else None
        transfers: list[Transfer] = []
        for transfer in item.transfers:
            if transfer.lot_id is None:
                transfers.append(Transfer(transfer.credit, transfer.debit, transfer.amount))
            else:
                transfers.extend(returned[item.holder_id, transfer.lot_id])
        if transfers:  # points alone that all lapsed leave nothing to take back
            reversals.append(ledger.reversal(item, id=new_id(), transfers=tuple(transfers), reason=reason))
    return reversals


def _require_paid(tx: Session, reversals: Sequence[Transaction]) -> None:
    """Raises Contended when points became available that were not seen when what they should pay became a debt."""
    owing = {
        (item.holder_id, item.programme)
        for item in reversals
        if any(transfer.credit == "points.debt" for transfer in item.transfers)
    }
    if points.owes_and_has(tx, owing):
        raise Contended


def _standing_chains(tx: Session, acts: Sequence[Act]) -> list[Transaction]:
    """The issue of each act, its bonuses and its restatements, where they have not been reversed yet."""
    if not acts:
        return []
    entries = ledger.entries_of_activities(tx, [act.key for act in acts])
    reversed_ids = {entry.transaction.reverses_id for entry in entries}
    return [
        entry.transaction
        for entry in entries
        if entry.transaction.kind in (ISSUE, BONUS, RESTATEMENT) and entry.transaction.id not in reversed_ids
    ]


def _by_act(transactions: Sequence[Transaction]) -> dict[ActivityKey, list[Transaction]]:
    found: dict[ActivityKey, list[Transaction]] = defaultdict(list)
    for item in transactions:
        assert item.activity_id is not None
        found[item.holder_id, item.activity_id].append(item)
    return found


def _news(topic: str, act: Act, posted: Sequence[Transaction], *, points: int = 0) -> Announcement:
    """What these transactions of an act come to; amounts are positive also when they are taken back."""
    changes = ledger.changes(posted)
    return Announcement(
        topic,
        act.holder_id,
        {
            "activity_id": str(act.id),
            "programme": act.programme,
            "methodology": act.methodology,
            "day": act.day.isoformat(),
            **{credit: abs(changes.get(account, 0)) for credit, account in CREDIT_ACCOUNTS.items()},
            "points": points,
            "reason": act.reason,
            "changes": changes,
        },
    )
