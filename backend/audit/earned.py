"""The points part of a receipt: what an act earned by which rule and multiplier, what was cut and why, what is left."""

from typing import Any

from sqlalchemy.orm import Session

from backend import bilingual, clock, points, settlement
from backend.activities import Act
from backend.ledger import Entry
from backend.points import Rule


def points_of(tx: Session, act: Act, issue: Entry | None) -> dict[str, Any] | None:
    """What the act earned with this issue, or with this bonus beside it; None where no rule was in force."""
    if issue is None:
        return None
    of_issue, _ = settlement.chain_position(issue.transaction)
    lots = {lot.id: lot for lot in points.lots_of(tx, act.holder_id, act.id)}
    named = (lots.get(transfer.lot_id) for transfer in issue.transaction.transfers if transfer.lot_id)
    lot = next((lot for lot in named if lot), None)
    rule = _rule(tx, act, issue, lot.rule_version if lot else None)
    if rule is None:
        return None
    campaign = lot.campaign if lot and lot.campaign else ""
    cuts = [
        cut
        for cut in points.cuts_of(tx, [act.key]).get(act.key, ())
        # What is cut from a bonus altogether leaves no entry of its own, so the issue tells of all.
        if cut.issue_count == of_issue and cut.campaign in ({campaign} if campaign else {"", cut.campaign})
    ]
    return {
        "points": lot.amount if lot else 0,
        "rule": {
            "version": rule.version,
            "announced_on": rule.announced_on,
            "in_force_from": rule.in_force_from,
            "points_per_gram": str(rule.rate_of(act.methodology)),
            "fixed_points": rule.fixed_points.get(act.methodology, 0),
            "expires_after_days": rule.expires_after_days,
            "note": rule.note,
        },
        "multiplier": _multiplier(tx, lot),
        "cuts": [told_cut(cut) for cut in cuts],
        "available_at": lot.available_at if lot else None,
        "expires_at": lot.expires_at if lot else None,
        "lot": _lot(lot) if lot else None,
    }


def points_given(tx: Session, act: Act) -> dict[str, Any]:
    """What an issued act was given with its last issue, its bonuses included, and what was cut of it."""
    cuts = points.cuts_of(tx, [act.key]).get(act.key, [])
    lots = points.standing_lots(tx, [act.key]).get(act.key, [])
    rule = points.rule_on(points.rules(tx), act.programme, act.day)
    versions = [lot.rule_version for lot in lots] + [cut.rule_version for cut in cuts]
    version = versions[0] if versions else rule.version if rule else None
    return {
        "points": sum(lot.amount for lot in lots),
        "bonus_points": sum(lot.amount for lot in lots if lot.campaign is not None),
        "rule_version": version,
        "cuts": [told_cut(cut) for cut in cuts if cut.issue_count == act.issue_count],
    }


def told_cut(cut: Any) -> dict[str, Any]:
    """A cut with its sentence."""
    return {
        "code": cut.code,
        "campaign": cut.campaign or None,
        "earned": cut.earned,
        "granted": cut.granted,
        "rule_version": cut.rule_version,
        **cut.sentence,
    }


def _rule(tx: Session, act: Act, issue: Entry, version: int | None) -> Rule | None:
    """The rule a lot names; without a lot, the one of the act's day among those announced when it was issued."""
    known = [rule for rule in points.rules(tx) if rule.programme == act.programme]
    if version is not None:
        return next(rule for rule in known if rule.version == version)
    posted = clock.day_of(issue.posted_at)
    announced = [rule for rule in known if rule.version == 1 or rule.announced_on <= posted]
    return points.rule_on(announced, act.programme, act.day)


def _multiplier(tx: Session, lot: Any) -> dict[str, Any] | None:
    if lot is None or lot.campaign is None:
        return None
    item = points.multiplier(tx, lot.programme, lot.campaign, lot.multiplier_version)
    told = {"campaign": item.campaign, "title": bilingual.halves(item.title), "factor": str(item.factor)}
    return told | {"version": item.version, "first_day": item.first_day, "last_day": item.last_day}


def _lot(lot: Any) -> dict[str, Any]:
    return {
        "id": lot.id,
        "stage": lot.stage,
        "remaining": lot.remaining,
        "expired": lot.expired,
        "used": lot.amount - lot.remaining - lot.expired,
    }
