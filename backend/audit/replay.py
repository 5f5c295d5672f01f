"""Replay: every issued gram once more, from what was recorded."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from backend import activities, ledger, points, settlement
from backend.audit.points_replay import points_differences


@dataclass(slots=True)
class Replay:
    """How many activities were recomputed, and everything that differed."""

    activities: int = 0
    differences: list[dict[str, object]] = field(default_factory=list)


def replay(tx: Session) -> Replay:
    """Recompute every quantified activity, and compare what is credited with what the ledger says it issued, and what
    it earned with its lots. What rests on a grant instead of an act is compared with that."""
    result = Replay()
    batch: list[activities.Act] = []  # with the numbers that stand
    recorded: list[activities.Act] = []  # with those it was issued with
    for recomputed in activities.recompute_all(tx):
        result.activities += 1
        act = recomputed.act
        for name, (before, again) in recomputed.differences.items():
            result.differences.append(
                {"activity_id": str(act.id), "field": name, "recorded": str(before), "recomputed": str(again)}
            )
        batch.append(recomputed.latest)
        recorded.append(act)
        if len(batch) >= 1_000:
            result.differences += [*_ledger_differences(tx, batch), *points_differences(tx, recorded)]
            batch, recorded = [], []
    result.differences += [*_ledger_differences(tx, batch), *points_differences(tx, recorded)]
    result.differences += points.grant_differences(tx)
    return result


def _ledger_differences(tx: Session, acts: list[activities.Act]) -> list[dict[str, object]]:
    """What stands in the ledger against the credits that stand: all of them while the act is issued, none otherwise."""
    standing: dict[tuple[object, str], int] = {}
    signs: dict[tuple[str, str], int] = {}
    for account in settlement.CREDIT_ACCOUNTS.values():
        signs |= {(f"issuer.{account}", account): 1, (account, f"issuer.{account}"): -1}
    for entry in ledger.entries_of_activities(tx, [act.key for act in acts]):
        for transfer in entry.transaction.transfers:
            sign = signs.get((transfer.debit, transfer.credit))
            if sign is not None:
                asset = ledger.CHART[transfer.debit].asset
                key = (entry.transaction.activity_id, asset)
                standing[key] = standing.get(key, 0) + sign * transfer.amount
    found: list[dict[str, object]] = []
    for act in acts:
        issued = act.status == "issued"
        for credit, account in settlement.CREDIT_ACCOUNTS.items():
            asset = ledger.CHART[account].asset
            meant, booked = getattr(act, credit) if issued else 0, standing.get((act.id, asset), 0)
            if meant != booked:
                found.append({"activity_id": str(act.id), "field": asset, "recorded": meant, "ledger": booked})
    return found
