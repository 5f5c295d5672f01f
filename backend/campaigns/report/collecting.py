"""What a report adds up: the issued acts around a campaign, read once, page by page.

Only acts of the methodologies and grades that count in the campaign, before, during and after alike, so that the three
can be compared. Grams are those credited: caps of a board bound scores, never credits.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import activities, clock, identity, points
from backend.activities import CountedAct
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import SMALLEST_GROUP
from backend.campaigns.reading import CampaignView
from backend.campaigns.report.privacy import Crossed, Kind
from backend.campaigns.scoring import groups, participants_of

#: As long as the campaign before it, the campaign, as long after it.
BEFORE, DURING, AFTER = "before", "during", "after"
PHASES = (BEFORE, DURING, AFTER)
#: Who takes part, and everybody else in the programme.
PARTICIPANTS, OTHERS = "participants", "others"
#: How the acts of a campaign are divided, beside by the kinds of its groups. A way: (methodology, evidence grade).
DAY, WAY = "day", "way"


@dataclass(slots=True)
class Tally:
    """What some acts come to. `people`: how many accounts they are of."""

    people: int = 0
    acts: int = 0
    grams: int = 0
    points: int = 0

    def add(self, act: CountedAct, points_given: int) -> None:
        self.acts, self.grams, self.points = self.acts + 1, self.grams + act.reduction_g, self.points + points_given


@dataclass(slots=True)
class Collected:
    """Sums of acts. `divided`: what participants did during the campaign, by partition and kind; `around`: by phase
    and who; `crossed`: which of `divided` may be shown. `participants`: who takes part, with acts or without."""

    participants: int
    crossed: Crossed
    divided: dict[str, dict[Kind, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))
    around: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))


def phases(campaign: CampaignView, now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """From when until when each phase lasts, as far as it has come."""
    length = campaign.ends_at - campaign.starts_at
    whole = {
        BEFORE: (campaign.starts_at - length, campaign.starts_at),
        DURING: (campaign.starts_at, campaign.ends_at),
        AFTER: (campaign.ends_at, campaign.ends_at + length),
    }
    return {name: (first, max(first, min(last, now))) for name, (first, last) in whole.items()}


def collect(tx: Session, campaign: CampaignView, *, now: datetime) -> Collected:
    """Read everything once. Memory grows with days, methodologies and groups, not with people or acts."""
    partitions = [DAY, WAY, *(kind for kind in campaign.terms.groups() if kind != "class")]
    taking_part = select(func.count()).where(
        CampaignParticipant.campaign == campaign.code, CampaignParticipant.left_at.is_(None)
    )
    found = Collected(tx.scalar(taking_part) or 0, Crossed(partitions, SMALLEST_GROUP))
    spans = phases(campaign, now)
    first, last = clock.day_of(spans[BEFORE][0]), clock.day_of(spans[AFTER][1])
    sums = _Sums(tx, campaign, spans, found)
    for page in activities.issued_by_holders(tx, campaign.programme, first=first, last=last):
        sums.add(page)
    return found


class _Sums:
    """Adds acts that come in the order of their holders."""

    def __init__(
        self, tx: Session, campaign: CampaignView, spans: Mapping[str, tuple[datetime, datetime]], found: Collected
    ) -> None:
        self._tx, self._campaign, self._spans, self._found = tx, campaign, spans, found
        self._holder: UUID | None = None
        self._seen: set[Hashable] = set()

    def add(self, page: Iterable[CountedAct]) -> None:
        """Add a page."""
        known = [(act, phase) for act in page if self._matters(act) and (phase := self._phase(act))]
        rows = participants_of(self._tx, self._campaign.code, {act.holder_id for act, _ in known})
        taking_part = {holder_id: row for holder_id, row in rows.items() if row.left_at is None}
        mine = [act for act, phase in known if phase == DURING and act.holder_id in taking_part]
        given = points.given_for(self._tx, [(act.holder_id, act.id) for act in mine])
        kinds = self._kinds(taking_part, mine)
        together = identity.merging.together(self._tx, {act.holder_id for act in mine})
        for act, phase in known:
            who = PARTICIPANTS if act.holder_id in taking_part else OTHERS
            earned = given.get((act.holder_id, act.id), 0)
            self._count((phase, who), self._found.around[phase, who], act, earned)
            if phase != DURING or who != PARTICIPANTS:
                continue
            for partition, kind in kinds[act.id].items():
                self._count((partition, kind), self._found.divided[partition][kind], act, earned)
            self._found.crossed.add(kinds[act.id], together.get(act.holder_id, (act.holder_id,))[0])

    def _matters(self, act: CountedAct) -> bool:
        counting = self._campaign.terms.counting
        of_methodology = counting.methodologies is None or act.methodology in counting.methodologies
        return of_methodology and (counting.grades is None or act.grade in counting.grades)

    def _phase(self, act: CountedAct) -> str | None:
        return next((name for name, (first, last) in self._spans.items() if first <= act.occurred_at < last), None)

    def _kinds(self, participants: Mapping[UUID, Any], acts: Iterable[CountedAct]) -> dict[UUID, dict[str, Kind]]:
        """Act → what it is in each partition; "" for one that is in no group of a kind."""
        listed = list(acts)
        days = {(act.holder_id, act.day) for act in listed}
        keys = groups.keys_by_day(self._tx, self._campaign, participants, days)
        found: dict[UUID, dict[str, Kind]] = {}
        for act in listed:
            mine: dict[str, Kind] = {DAY: act.day, WAY: (act.methodology, act.grade)}
            of_groups = dict(keys[act.holder_id, act.day])
            found[act.id] = mine | {
                kind: of_groups.get(kind, "") for kind in self._found.crossed.partitions if kind not in mine
            }
        return found

    def _count(self, place: Hashable, tally: Tally, act: CountedAct, earned: int) -> None:
        """Add an act to a tally, and its holder unless they are counted there already."""
        if act.holder_id != self._holder:
            self._holder, self._seen = act.holder_id, set()
        if place not in self._seen:
            self._seen.add(place)
            tally.people += 1
        tally.add(act, earned)
