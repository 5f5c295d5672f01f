"""Awarding: the lots that credited acts earn, under the caps of their rule and within the budgets that cover them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.ids import new_id
from backend.ledger import Transfer
from backend.lists import insert_rows
from backend.points.budgets.drawing import Drawn, Returned, Wanted, draw
from backend.points.caps import Counts, keys_of
from backend.points.cuts import CAP_CODES, ENDED, USED_UP, Cut
from backend.points.lots import LotKey
from backend.points.models import Lot
from backend.points.policy import Cap, Multiplier, Rule, Rulebook, available_at, expires_at


@dataclass(frozen=True, slots=True)
class Earning:
    """An act that was credited and earns points by the rule of its day. Grams and watt-hours are whole.

    `engagement`: its methodology claims taking part, so that it earns points without any of them. `issue_count`: how
    often it has been issued, this time included.
    """

    holder_id: UUID
    activity_id: UUID
    programme: str
    partner: str
    methodology: str
    day: date
    pending_days: int
    reduction_g: int
    offset_g: int
    eac_wh: int
    engagement: bool
    issue_count: int

    def points_by(self, rule: Rule) -> int:
        """What the act earns by this rule."""
        credits = self.reduction_g, self.offset_g, self.eac_wh
        return rule.points_for(self.methodology, *credits, engagement=self.engagement)


@dataclass(frozen=True, slots=True)
class Given:
    """A lot: the points of an act itself, or the bonus of a campaign on them."""

    lot_id: UUID
    points: int
    campaign: str | None = None

    @property
    def transfer(self) -> Transfer:
        return Transfer("issuer.points", "points.pending", self.points, self.lot_id)


@dataclass(frozen=True, slots=True)
class Award:
    """What an act was given, lot by lot: the points of the act itself first, then its bonuses by campaign."""

    rule_version: int
    given: Sequence[Given]

    @property
    def points(self) -> int:
        """All of it together."""
        return sum(lot.points for lot in self.given)


@dataclass(slots=True)
class Part:
    """The points of an act itself, or one bonus on them, while it is found out how many they become.

    `earned` by rule or multiplier; `capped` is what caps leave of it, `granted` what budgets leave of that.
    """

    earned: int
    multiplier: Multiplier | None = None
    capped: int = 0
    granted: int = 0
    cap: Cap | None = None
    drawn: Drawn | None = None


@dataclass(slots=True)
class Wish:
    """An act that earns points, with its rule and the caps it is counted under."""

    earning: Earning
    rule: Rule
    caps: Sequence[Cap]
    parts: list[Part] = field(default_factory=list)

    @property
    def key(self) -> LotKey:
        return self.earning.holder_id, self.earning.activity_id

    @property
    def count_keys(self) -> list[tuple[UUID, str, str, str, date]]:
        """The counts of its caps."""
        return keys_of(self.earning.holder_id, self.earning.programme, self.caps, self.earning.day)


def wishes(book: Rulebook, earnings: Sequence[Earning]) -> list[Wish]:
    """What these acts earn by the rules of their days, in their order; acts that earn nothing are left out."""
    found = []
    for earning in earnings:
        rule = book.rule_on(earning.programme, earning.day)
        points = earning.points_by(rule) if rule else 0
        if rule is None or points == 0:
            continue
        bonuses = book.bonuses_on(earning.programme, earning.methodology, earning.day)
        parts = [Part(points), *(Part(0, multiplier) for multiplier in bonuses)]
        found.append(Wish(earning, rule, rule.caps_on(earning.methodology), parts))
    return found


def award(tx: Session, wanted: Sequence[Wish], counts: Counts, returned: Sequence[Returned]) -> list[Cut]:
    """Find out how much each wish is given, and open its lots; returns what was cut.

    Caps come first, act by act in their order; then budgets, which are held once for all wishes and for what is
    `returned` to them. A bonus is on what the act is given, so it shrinks with it.
    """
    for wish in wanted:
        _under_caps(wish, counts)
    pairs = [(wish, part) for wish in wanted for part in wish.parts]
    drawn = draw(tx, [_wanted(wish, part) for wish, part in pairs], returned) if pairs or returned else []
    for (_, part), answer in zip(pairs, drawn, strict=True):
        part.drawn, part.granted = answer, answer.points
    excess = [item for wish in wanted for item in _settle(wish, counts)]
    if excess:
        draw(tx, (), excess)
    return [cut for wish in wanted for cut in _cuts(wish)]


def open_lots(tx: Session, wanted: Sequence[Wish]) -> dict[LotKey, Award]:
    """A lot for every part that was given anything; the caller posts their transfers. Keyed by holder, activity."""
    awards: dict[LotKey, Award] = {}
    rows: list[dict[str, Any]] = []
    for wish in wanted:
        given = []
        for part in wish.parts:
            if part.granted:
                row = _lot(wish, part)
                rows.append(row)
                given.append(Given(row["id"], part.granted, row["campaign"]))
        if given:
            awards[wish.key] = Award(wish.rule.version, given)
    insert_rows(tx, Lot, rows)
    return awards


def _under_caps(wish: Wish, counts: Counts) -> None:
    base, keys = wish.parts[0], wish.count_keys
    for part in wish.parts:
        if part.multiplier is not None:
            part.earned = part.multiplier.bonus_of(base.capped)
        part.capped, part.cap = counts.room(keys, wish.caps, part.earned)
        counts.add(keys, part.capped)


def _wanted(wish: Wish, part: Part) -> Wanted:
    campaign = part.multiplier.campaign if part.multiplier else None
    return Wanted(wish.earning.programme, wish.earning.partner, campaign, wish.earning.day, part.capped)


def _settle(wish: Wish, counts: Counts) -> Iterator[Returned]:
    """Shrink the bonuses of an act whose own points a budget cut, and give back what they drew too much."""
    base, counted = wish.parts[0], sum(part.capped for part in wish.parts)
    for part in wish.parts:
        if part.multiplier is not None and base.granted < base.capped:
            part.earned = min(part.earned, part.multiplier.bonus_of(base.granted))
            part.capped = min(part.capped, part.earned)
            if part.granted > part.capped:
                assert part.drawn is not None
                yield Returned(part.drawn.drawn_from, part.granted - part.capped)
                part.granted = part.capped
    counts.add(wish.count_keys, sum(part.granted for part in wish.parts) - counted)


def _cuts(wish: Wish) -> Iterator[Cut]:
    for part in wish.parts:
        campaign = part.multiplier.campaign if part.multiplier else ""
        issue = *wish.key, wish.earning.issue_count, campaign
        rule = wish.rule.programme, wish.rule.version
        if part.cap is not None and part.capped < part.earned:
            cap, code = part.cap, CAP_CODES[part.cap.period]
            yield Cut(*issue, code, *rule, cap.code, cap.points, None, part.earned, part.capped)
        if part.granted < part.capped:
            assert part.drawn is not None and part.drawn.cut is not None
            budget = part.drawn.cut
            code = ENDED if budget.why == "ended" else USED_UP
            yield Cut(*issue, code, *rule, budget.title, None, budget.budget, part.capped, part.granted)


def _lot(wish: Wish, part: Part) -> dict[str, Any]:
    earning, multiplier = wish.earning, part.multiplier
    ripe = available_at(earning.day, earning.pending_days)
    return {
        "holder_id": earning.holder_id,
        "id": new_id(),
        "programme": earning.programme,
        "activity_id": earning.activity_id,
        "partner": earning.partner,
        "methodology": earning.methodology,
        "day": earning.day,
        "rule_version": wish.rule.version,
        "campaign": multiplier.campaign if multiplier else None,
        "multiplier_version": multiplier.version if multiplier else None,
        "drawn_from": part.drawn.drawn_from if part.drawn else None,
        "amount": part.granted,
        "remaining": part.granted,
        "reserved": 0,
        "expired": 0,
        "stage": "pending",
        "available_at": ripe,
        "expires_at": expires_at(ripe, wish.rule),
    }
