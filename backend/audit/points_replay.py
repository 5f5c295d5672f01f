"""Replay of points: what every issued act was given, once more from its credits, its rule and its campaigns."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from backend import activities, points
from backend.activities import Act
from backend.points import Multiplier, Rule


def points_differences(tx: Session, acts: Sequence[Act]) -> list[dict[str, object]]:
    """Acts (as they were recorded) whose lots that stand hold other points than rule, multipliers and cuts give.

    Restating grams leaves points as they are, so it is the recorded credits that earn.
    """
    issued = {act.key: act for act in acts if act.status == "issued"}
    if not issued:
        return []
    known, campaigns = points.rules(tx), _by_version(points.multiplier_versions(tx))
    lots, cuts = points.standing_lots(tx, issued), points.cuts_of(tx, issued)
    found = []
    for key, act in issued.items():
        cut = [item for item in cuts.get(key, ()) if item.issue_count == act.issue_count]
        meant = _meant(act, known, campaigns, lots.get(key, ()), cut)
        given = {lot.campaign or "": lot.amount for lot in lots.get(key, ())}
        for campaign in sorted(meant.keys() | given.keys()):
            if meant.get(campaign, 0) != given.get(campaign, 0):
                field = f"points of {campaign}" if campaign else "points"
                recorded, again = given.get(campaign, 0), meant.get(campaign, 0)
                found.append({"activity_id": str(act.id), "field": field, "recorded": recorded, "recomputed": again})
    return found


def _meant(
    act: Act,
    known: Sequence[Rule],
    campaigns: Mapping[tuple[str, str, int], Multiplier],
    lots: Sequence[Any],
    cuts: Sequence[Any],
) -> dict[str, int]:
    """Campaign (empty: the act itself) → the points it should have been given."""
    versions = {item.rule_version for item in (*lots, *cuts)}
    of_programme = [rule for rule in known if rule.programme == act.programme]
    named = [rule for rule in of_programme if rule.version in versions]
    rule = named[0] if len(named) == 1 else None if versions else points.rule_on(of_programme, act.programme, act.day)
    if rule is None:
        return {}
    credits = act.reduction_g, act.offset_g, act.eac_wh
    engagement = activities.claims_engagement(act.methodology, act.day)
    earned = rule.points_for(act.methodology, *credits, engagement=engagement)
    meant = {"": _after(earned, [cut for cut in cuts if not cut.campaign])}
    for campaign, multiplier in _multipliers(act, campaigns, lots).items():
        applies = multiplier.applies(act.programme, act.methodology, act.day)
        bonus = multiplier.bonus_of(meant[""]) if applies else 0
        meant[campaign] = _after(bonus, [cut for cut in cuts if cut.campaign == campaign])
    return meant


def _multipliers(act: Act, campaigns: Mapping[tuple[str, str, int], Multiplier], lots: Sequence[Any]) -> dict[str, Any]:
    """Campaign → its multiplier: the version a lot names, and where there is no lot, the newest."""
    newest = {item.campaign: item for key, item in sorted(campaigns.items()) if key[0] == act.programme}
    bonuses = [lot for lot in lots if lot.campaign is not None]
    return newest | {lot.campaign: campaigns[act.programme, lot.campaign, lot.multiplier_version] for lot in bonuses}


def _by_version(versions: Sequence[Multiplier]) -> dict[tuple[str, str, int], Multiplier]:
    return {(item.programme, item.campaign, item.version): item for item in versions}


def _after(earned: int, cuts: Sequence[Any]) -> int:
    """What is left of earned points once caps and budgets cut them; each cut begins where the one before it ended."""
    for cut in cuts:
        if cut.earned != earned:
            return -1  # a cut of something else: never what a lot holds
        earned = cut.granted
    return earned
