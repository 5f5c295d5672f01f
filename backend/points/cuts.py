"""What a cap or a budget cut from the points of an act: recorded for good, and told in words."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import bilingual
from backend.lists import insert_rows, recordset
from backend.points.models import PointsCut

CAP_CODES = {"day": "POINTS_CAP_DAY", "week": "POINTS_CAP_WEEK", "month": "POINTS_CAP_MONTH"}
USED_UP, ENDED = "POINTS_BUDGET_USED_UP", "POINTS_BUDGET_ENDED"
_WHY = {
    "POINTS_CAP_DAY": ("当日积分上限“{0}”为 {1} 积分", "the cap {0} is {1} points a day"),
    "POINTS_CAP_WEEK": ("当周积分上限“{0}”为 {1} 积分", "the cap {0} is {1} points a week"),
    "POINTS_CAP_MONTH": ("当月积分上限“{0}”为 {1} 积分", "the cap {0} is {1} points a month"),
    USED_UP: ("积分预算“{0}”已用完", "the points budget {0} is used up"),
    ENDED: ("积分预算“{0}”已结束", "the points budget {0} has ended"),
}
#: Why points were cut.
CUT_CODES = tuple(_WHY)
_HALVES = ((0, "zh"), (1, "en"))


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut (see `PointsCut`)."""

    holder_id: UUID
    activity_id: UUID
    issue_count: int
    campaign: str
    code: str
    programme: str
    rule_version: int
    bound_by: str
    limit_points: int | None
    budget: int | None
    earned: int
    granted: int

    @property
    def sentence(self) -> dict[str, str]:
        """What was cut and why, for the member."""
        what = (
            (f"“{self.campaign}”加成积分", f"bonus points of {self.campaign}") if self.campaign else ("积分", "points")
        )
        title = bilingual.halves(self.bound_by) if self.budget is not None else {"zh": self.bound_by}
        zh, en = (_WHY[self.code][n].format(title.get(half, self.bound_by), self.limit_points) for n, half in _HALVES)
        return {
            "zh": f"应得 {self.earned} {what[0]}，实得 {self.granted} 积分：{zh}。减排量照常入账。",
            "en": f"{self.earned} {what[1]} earned, {self.granted} given: {en}. Reductions are credited in full.",
        }


def record(tx: Session, cuts: Sequence[Cut], *, now: datetime) -> None:
    """Write cuts; their acts are issued in the same transaction."""
    insert_rows(tx, PointsCut, [asdict(cut) | {"cut_at": now} for cut in cuts])


def cuts_of(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[Cut]]:
    """The cuts of these (holder, activity), in the order of their issues; activities without any are left out."""
    found: dict[tuple[UUID, UUID], list[Cut]] = {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    query = select(*(getattr(PointsCut, name) for name in Cut.__dataclass_fields__)).join(
        given, (PointsCut.holder_id == given.c.holder_id) & (PointsCut.activity_id == given.c.activity_id)
    )
    # The act comes before its bonuses, and a cap cuts before a budget does.
    order = (PointsCut.issue_count, PointsCut.campaign, PointsCut.code.desc())
    for row in tx.execute(query.order_by(*order)):
        found.setdefault((row.holder_id, row.activity_id), []).append(Cut(*row))
    return found
