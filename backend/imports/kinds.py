"""What the files are: their columns, and how a row becomes an act. Stations, cities and routes are read over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.row_files import Column

_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_LONGEST_NUMBER = 64
_CANCELLED = {"": False, "no": False, "0": False, "否": False, "yes": True, "1": True, "是": True, "已取消": True}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `began` and `ended` name the columns of the journey, `quantities` those the formula reads.

    `counts_riders`: how many rode along is not told, but counted from the rows of the trip.
    """

    name: str
    order_type: str
    methodology: str
    columns: tuple[Column, ...]
    began: str
    ended: str
    quantities: tuple[str, ...]
    counts_riders: bool = False

    @property
    def source(self) -> str:
        """What an agreement names, and what the acts come from."""
        return f"house:{self.name}"


_WHO = (
    Column("staff_no", ("工号", "员工编号")),
    Column("trip_id", ("行程编号", "班次编号", "行程号")),
    Column("cancelled", ("取消", "已取消"), required=False),
)

TRAVEL = Kind(
    name="travel",
    order_type="journey.taken",
    methodology="rail_travel",
    columns=(
        *_WHO,
        Column("departed_at", ("出发时间", "发车时间")),
        Column("arrived_at", ("到达时间", "抵达时间")),
        Column("rail_km", ("铁路里程", "铁路里程（公里）")),
        Column("air_km", ("航程", "航程（公里）")),
        Column("from", ("出发地", "出发站", "出发城市"), required=False),
        Column("to", ("目的地", "到达站", "到达城市"), required=False),
    ),
    began="departed_at",
    ended="arrived_at",
    quantities=("rail_km", "air_km"),
)

BOARDING = Kind(
    name="boarding",
    order_type="shuttle.boarded",
    methodology="shuttle_ride",
    columns=(
        *_WHO,
        Column("boarded_at", ("上车时间",)),
        Column("alighted_at", ("下车时间",)),
        Column("distance_km", ("里程", "乘坐里程", "里程（公里）")),
        Column("route", ("线路", "路线"), required=False),
    ),
    began="boarded_at",
    ended="alighted_at",
    quantities=("distance_km",),
    counts_riders=True,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be settled; `data` goes into the formula. A cancelled one says only whose trip it is."""

    line: int
    staff_no: str
    trip_id: str
    cancelled: bool
    began_at: datetime
    ended_at: datetime
    data: Mapping[str, str | int]


class Unusable(ValueError):
    """Why a row cannot be used, in a sentence that repeats nothing personal."""


def who_and_which(cells: Mapping[str, str]) -> tuple[str, str]:
    """Staff number and trip of a row. Raises Unusable."""
    for name in ("staff_no", "trip_id"):
        if not 1 <= len(cells[name]) <= _LONGEST_NUMBER:
            raise Unusable(f"{name}: 1 to {_LONGEST_NUMBER} characters are needed")
    return cells["staff_no"], cells["trip_id"]


def entry(kind: Kind, line: int, cells: Mapping[str, str], riders: int, *, now: datetime) -> Entry:
    """What a row says. Raises Unusable; what a quantity is worth is the methodology's to judge."""
    staff_no, trip_id = who_and_which(cells)
    cancelled = _CANCELLED.get(cells["cancelled"].lower())
    if cancelled is None:
        raise Unusable("cancelled: yes or no (是 or 否) is needed")
    if cancelled:
        return Entry(line, staff_no, trip_id, True, now, now, {})
    began_at, ended_at = (_instant(cells[name], name) for name in (kind.began, kind.ended))
    if ended_at <= began_at:
        raise Unusable(f"{kind.ended}: a journey ends after it began")
    data: dict[str, str | int] = {name: cells[name] for name in kind.quantities if cells[name]}
    data["duration_s"] = int((ended_at - began_at).total_seconds())
    if kind.counts_riders:
        data["riders"] = riders
    return Entry(line, staff_no, trip_id, False, began_at, ended_at, data)


def _instant(text: str, name: str) -> datetime:
    """A day with a time of day, in China where no offset says otherwise."""
    try:
        instant = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Unusable(f"{name}: a day and a time such as 2026-06-05 08:30 are needed") from None
    if ":" not in text or not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise Unusable(f"{name}: a time of day, and a year from {_FIRST_YEAR} to {_LAST_YEAR}, are needed")
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.SHANGHAI)
