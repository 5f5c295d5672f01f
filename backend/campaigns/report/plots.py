"""Which plots a report has, and what stands in them. The same figures give the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend import activities
from backend.campaigns.report.pictures import bars, columns

#: How many groups a plot shows; all stand in the table.
_MOST_BARS = 30
GROUPS = {
    "department": "各部门减排量 / Reduction by department",
    "city": "各城市减排量 / Reduction by city",
    "team": "各小队减排量 / Reduction by team",
}
PHASES = {"before": "活动前 before", "during": "活动中 during", "after": "活动后 after"}
WHO = {"participants": "参与者 participants", "others": "其他成员 others"}


def plots(said: Mapping[str, Any]) -> dict[str, str]:
    """File name → picture; none of what the report has no figures for."""
    found: dict[str, str] = {}
    if said["days"]:
        days = said["days"]
        people = [(_label(row), row["people"], f"{row['people']:,}") for row in days if row["people"] is not None]
        grams = [(_label(row), row["grams"], kilograms(row["grams"])) for row in days]
        found["people-by-day.svg"] = columns("每日参与人数 / People by day", people)
        found["grams-by-day.svg"] = columns("每日减排量 / Reduction by day", grams)
    if said["ways"]:
        found["scenarios.svg"] = bars("各场景与证据等级的减排量 / Reduction by scenario and grade", _ways(said["ways"]))
    if any(row["daily_g"] is not None for row in said["phases"]):
        title = "活动前、中、后的日均减排量 / Reduction per day before, during and after"
        found["before-during-after.svg"] = bars(title, _phases(said["phases"]))
    for kind, rows in said["groups"].items():
        if rows:
            shown = sorted(rows, key=lambda row: -row["grams"])[:_MOST_BARS]
            found[f"{kind}.svg"] = bars(
                GROUPS[kind], [(row["title"]["zh"], [("", row["grams"])], kilograms(row["grams"])) for row in shown]
            )
    return found


def kilograms(grams: int) -> str:
    """Grams as kilograms with one decimal, rounded down towards zero."""
    sign, tenths = "-" if grams < 0 else "", abs(grams) // 100
    return f"{sign}{tenths // 10:,}.{tenths % 10} kg"


def _label(row: Mapping[str, Any]) -> str:
    return str(row["key"])[5:] if row["key"] else row["title"]["zh"]


def _ways(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, int]], str]]:
    """A bar for each methodology with a piece for each grade; what stands together has a bar of its own."""
    pieces: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        code = row.get("methodology")
        label = activities.methodology_title(code)["zh"] if code else row["title"]["zh"]
        pieces.setdefault(label, []).append((row.get("grade", "—"), row["grams"]))
    ordered = sorted(pieces.items(), key=lambda item: (-sum(grams for _, grams in item[1]), item[0]))
    return [(label, mine, kilograms(sum(grams for _, grams in mine))) for label, mine in ordered]


def _phases(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, int]], str]]:
    drawn = []
    for row in rows:
        if row["daily_g"] is not None:
            percent = f" ({row['percent']} %)" if row["percent"] is not None else ""
            label, text = f"{WHO[row['who']]} · {PHASES[row['phase']]}", kilograms(row["daily_g"]) + percent
            drawn.append((label, [(WHO[row["who"]], row["daily_g"])], text))
    return drawn
