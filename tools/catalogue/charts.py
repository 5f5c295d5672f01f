"""Pictures of dated factor tables as inline SVG: steps over the days, and bars over the regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from markupsafe import Markup, escape

from methodologies.kernel.exact import fraction_of_text
from methodologies.kernel.parameters import Parameter, Row

WIDTH = 640
_COLOURS = ("one", "two", "three", "four")


@dataclass(frozen=True)
class Series:
    """A line of a step chart: (first day, value as published, number) in order of days."""

    label: str
    points: tuple[tuple[date, str, float], ...]


def charts_of(table: Parameter) -> list[tuple[str, Markup]]:
    """(caption, picture) of a table by region: the national values over time, then the newest of each region."""
    if "region" not in table.by:
        return []
    charts = []
    national = _national(table)
    if any(len(series.points) > 1 for series in national):
        charts.append((f"全国{table.title.zh}：按适用日期", steps(national)))
    for label, bars in _by_region(table):
        charts.append((f"各地区{table.title.zh}：{label}", bars_of(bars)))
    return charts


def _national(table: Parameter) -> list[Series]:
    groups: dict[str, list[Row]] = {}
    for row in table.current_rows():
        keys = dict(table.choosing(row))
        if keys.pop("region") == "national":
            label = "，".join(table.key_titles[key][value].zh for key, value in keys.items()) or "全国"
            groups.setdefault(label, []).append(row)
    return [
        Series(label, tuple(sorted((row.in_force_from, row.value_text, _value(row)) for row in rows)))
        for label, rows in groups.items()
    ]


def _by_region(table: Parameter) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """(what, bars) for every group of rows of one vintage that covers more than a few regions, newest only."""
    groups: dict[tuple[str, ...], dict[str, dict[str, Row]]] = {}
    for row in table.current_rows():
        keys = dict(row.keys)
        region = keys.pop("region")
        other = tuple(table.key_titles[key][keys[key]].zh for key in table.by if key != "region")
        [vintage] = [table.key_titles[key][keys[key]].zh for key in keys if key not in table.by]
        groups.setdefault(other, {}).setdefault(vintage, {})[region] = row
    found = []
    for other, vintages in groups.items():
        vintage = max(vintages)
        rows = vintages[vintage]
        if len(rows) > 3:
            bars = [
                (table.key_titles["region"][region].zh, row.value_text, _value(row)) for region, row in rows.items()
            ]
            found.append(("，".join([*other, vintage]), sorted(bars, key=lambda bar: -bar[2])))
    return found


def _value(row: Row) -> float:
    return float(row.value / row.unit.scale)


class _Plane:
    """Where days and values stand in a step chart."""

    LEFT, RIGHT, TOP, BOTTOM = 10, 110, 34, 34

    def __init__(self, all_series: Sequence[Series]) -> None:
        points = [point for series in all_series for point in series.points]
        self.days = sorted({day for day, _, _ in points})
        self.height = 80 + 60 * len(all_series)
        self.end = WIDTH - self.RIGHT
        self._low, self._high = min(value for _, _, value in points), max(value for _, _, value in points)
        self._span = (self.days[-1] - self.days[0]).days + 300

    def across(self, day: date) -> float:
        return self.LEFT + (self.end - self.LEFT) * (day - self.days[0]).days / self._span

    def down(self, value: float) -> float:
        share = (self._high - value) / ((self._high - self._low) or 1)
        return self.TOP + (self.height - self.TOP - self.BOTTOM) * share


def steps(all_series: Sequence[Series]) -> Markup:
    """Steps over the days: each value holds from its first day until the next."""
    plane, parts = _Plane(all_series), []
    for day in plane.days:
        x, foot = plane.across(day), plane.height - plane.BOTTOM
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{plane.TOP - 18}" y2="{foot}"/>')
        parts.append(f'<text class="axis" x="{x + 2:.1f}" y="{plane.height - 12}">{day}</text>')
    for series, colour in zip(all_series, _COLOURS, strict=False):
        parts += _step(series, colour, plane)
    return _picture(plane.height, parts, "；".join(_told(series) for series in all_series))


def _step(series: Series, colour: str, plane: _Plane) -> list[str]:
    path: list[str] = []
    parts = []
    y = 0.0
    for day, text, value in series.points:
        x, before, y = plane.across(day), y, plane.down(value)
        path += [f"L{x:.1f} {before:.1f}L{x:.1f} {y:.1f}" if path else f"M{x:.1f} {y:.1f}"]
        parts.append(f'<text class="value {colour}" x="{x + 4:.1f}" y="{y - 6:.1f}">{escape(text)}</text>')
    parts.append(f'<path class="step {colour}" d="{"".join(path)}L{plane.end} {y:.1f}"/>')
    return [*parts, _label(series.label, plane.end + 6, y + 4, colour)]


def _label(text: str, x: float, y: float, colour: str) -> str:
    """A label in lines of eight letters."""
    pieces = [text[at : at + 8] for at in range(0, len(text), 8)]
    lines = "".join(
        f'<tspan x="{x:.1f}" dy="{"1.2em" if index else "0"}">{escape(piece)}</tspan>'
        for index, piece in enumerate(pieces)
    )
    return f'<text class="label {colour}" x="{x:.1f}" y="{y:.1f}">{lines}</text>'


def _told(series: Series) -> str:
    return f"{series.label}：" + "，".join(f"{day} 起 {text}" for day, text, _ in series.points)


def bars_of(bars: Sequence[tuple[str, str, float]]) -> Markup:
    """One bar for each (label, text, value); the national one stands out."""
    row, left, right = 22, 80, 70
    longest = max(value for _, _, value in bars)
    parts = []
    for index, (label, text, value) in enumerate(bars):
        y, width = index * row, (WIDTH - left - right) * value / longest
        colour = "two" if label == "全国" else "one"
        parts.append(f'<text class="label" x="{left - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="bar {colour}" x="{left}" y="{y + 3}" width="{width:.1f}" height="16"/>')
        parts.append(f'<text class="value" x="{left + width + 6:.1f}" y="{y + 16}">{escape(text)}</text>')
    return _picture(len(bars) * row + 4, parts, "，".join(f"{label} {text}" for label, text, _ in bars))


def range_of(row: Row) -> Markup:
    """Where the credited value lies between the lowest and the highest that sources publish."""
    assert row.range is not None
    low, central, high = (fraction_of_text(text) for text in (row.range.low, row.range.central, row.range.high))
    assert low is not None and central is not None and high is not None
    span = (high - low) or 1

    def across(value: Fraction) -> float:
        return 10 + 140 * float((value - low) / span)

    value, middle = across(row.value / row.unit.scale), across(central)
    told = f"来源最低 {row.range.low}，中值 {row.range.central}，最高 {row.range.high}；采用 {row.value_text}"
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="range" viewBox="0 0 160 16" role="img" aria-label="{escape(told)}"><title>{escape(told)}</title>'
        '<line class="span" x1="10" x2="150" y1="8" y2="8"/>'
        f'<line class="centre" x1="{middle:.1f}" x2="{middle:.1f}" y1="3" y2="13"/>'
        f'<circle class="chosen" cx="{value:.1f}" cy="8" r="5"/></svg>'
    )


def _picture(height: int, parts: Sequence[str], told: str) -> Markup:
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )
