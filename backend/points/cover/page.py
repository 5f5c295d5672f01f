"""The cover page as a printable document: Chinese first, a small picture, no scripts, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}small,.en{color:#55655c}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid #cfd8d2}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,svg{break-inside:avoid}}
"""
_WIDTH, _ROW = 640, 22


def cover_html(said: Mapping[str, Any]) -> str:
    """The whole page from what `cover_of` says."""
    title = said["title"]
    parts = [
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title["zh"])} 积分公示</title>',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>',
        f"<h1>{escape(title['zh'])} 积分公示</h1>",
        f'<p class="en" lang="en">{escape(title["en"])}: points and what stands behind them</p>',
        f'<p>截至 {said["day"]}（北京时间）。<small lang="en">As of {said["day"]}, from the books.</small></p>',
        *_section("在外积分与预算", "Outstanding points and budget", [*_balance(said), *_amounts(said)]),
        *_section("按月到期的积分", "Points by the month in which they lapse", [*_months(said), *_later(said)]),
        *_section("说明", "Notes", _notes(said)),
        "</body></html>",
    ]
    return "\n".join(parts)


def _section(zh: str, en: str, body: list[str]) -> Iterator[str]:
    yield f'<h2>{zh} <small lang="en">{en}</small></h2>'
    yield from body


def _balance(said: Mapping[str, Any]) -> Iterator[str]:
    """Outstanding points beside the budget: bars of one scale."""
    bars = [("在外积分 outstanding", said["outstanding"]["points"], "#2f7d4f")]
    if budget := said["budget"]:
        bars += [
            ("预算 budget", budget["points"], "#9db8a6"),
            ("已发放 drawn", budget["drawn"], "#5f9a77"),
            ("剩余 left", budget["left"], "#c9dccf"),
        ]
    yield _picture(bars, "在外积分与预算 / outstanding points against the budget")


def _amounts(said: Mapping[str, Any]) -> Iterator[str]:
    held, rows = said["outstanding"], []
    for zh, en, points in (
        ("待生效", "pending", held["pending"]),
        ("可用", "available", held["available"]),
        ("兑换中", "reserved", held["reserved"]),
        ("会员待扣回（不计入在外积分）", "owed by members, not part of what is outstanding", said["debt"]),
    ):
        rows.append(_row(zh, en, points))
    if said["days_left"] is not None:
        rows.append(_row("按近期速度，预算可用天数", "days the budget lasts at the present rate", said["days_left"]))
    yield f"<table>{''.join(rows)}</table>"


def _row(zh: str, en: str, number: int) -> str:
    return f'<tr><td>{zh} <small lang="en">{en}</small></td><td class="n">{number:,}</td></tr>'


def _months(said: Mapping[str, Any]) -> Iterator[str]:
    bars = [(item["month"], item["points"], "#2f7d4f") for item in said["expiring"]]
    yield _picture(bars, "按月到期的积分 / points by the month in which they lapse")


def _later(said: Mapping[str, Any]) -> Iterator[str]:
    if said["expiring_later"]:
        yield f"<table>{_row('更晚到期', 'later', said['expiring_later'])}</table>"


def _picture(bars: list[tuple[str, int, str]], label: str) -> str:
    """Horizontal bars of one scale, each with its number."""
    largest = max((points for _, points, _ in bars), default=0) or 1
    room = _WIDTH - 320
    drawn = []
    for line, (name, points, colour) in enumerate(bars):
        y = line * _ROW
        drawn.append(
            f'<text x="0" y="{y + 15}" font-size="13">{escape(name)}</text>'
            f'<rect x="180" y="{y + 3}" width="{points * room // largest}" height="{_ROW - 6}" fill="{colour}"/>'
            f'<text x="{_WIDTH}" y="{y + 15}" font-size="13" text-anchor="end">{points:,}</text>'
        )
    size = f"0 0 {_WIDTH} {len(bars) * _ROW}"
    inside = f"<title>{label}</title>{''.join(drawn)}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img">{inside}</svg>'


def _notes(said: Mapping[str, Any]) -> list[str]:
    notes = list(said["not_stated"].values())
    if aside := said["set_aside"]:
        yuan, fen = divmod(aside["fen"], 100)
        each, each_fen = divmod(aside["fen_per_1000_points"], 100)
        notes.append(
            {
                "zh": f"发行方声明每 1,000 积分预留 {each:,}.{each_fen:02} 元，在外积分合计 {yuan:,}.{fen:02} 元。",
                "en": f"The issuer states to have set aside CNY {each:,}.{each_fen:02} for 1,000 points: "
                f"CNY {yuan:,}.{fen:02} for what is outstanding.",
            }
        )
    if lapse := said["expected_lapse"]:
        notes.append(
            {
                "zh": f"估计：以往到期的 {lapse['ended']:,} 积分中有 {lapse['lapsed']:,} 未被使用；"
                f"照此，现有积分中约 {lapse['points']:,} 将过期。",
                "en": f"An estimate: of {lapse['ended']:,} points whose life is over {lapse['lapsed']:,} were never "
                f"used; at that share {lapse['points']:,} of the present ones will lapse.",
            }
        )
    notes.append(
        {
            "zh": "数字取自每日快照，由账目逐笔汇总；到期月份为积分最后可用之日所在月份。",
            "en": "The numbers are a daily snapshot, summed from the books; a month is that of the last day of use.",
        }
    )
    return [f'<p>{escape(note["zh"])} <small lang="en">{escape(note["en"])}</small></p>' for note in notes]
