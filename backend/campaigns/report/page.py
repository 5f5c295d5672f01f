"""The report as a printable document: Chinese first, plots within, no scripts, nothing from elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from backend.campaigns.report.plots import PHASES, WHO, kilograms

_STYLE = """
body{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}small,.en{color:#55655c}
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;padding:.3rem .5rem}
th,td{border-bottom:1px solid #cfd8d2}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;margin:.4rem 0}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,svg{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_GROUP_TITLES = {"department": ("各部门", "Departments"), "city": ("各城市", "Cities"), "team": ("各小队", "Teams")}


def report_html(said: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    """The whole page, from what `figures.report` says and the plots of it."""
    title = said["title"]
    return "\n".join(
        [
            f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title["zh"])} 报告</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>',
            f"<h1>{escape(title['zh'])} 活动报告</h1>",
            f'<p class="en" lang="en">{escape(title["en"])}: campaign report</p>',
            f'<p>{said["starts_at"]} – {said["ends_at"]} <small lang="en">as of {said["as_of"]} (UTC)</small></p>',
            *_section("参与", "Participation", [*_total(said), *_plot(plots, "people-by-day.svg")]),
            *_section("按日", "By day", [*_plot(plots, "grams-by-day.svg"), _table("日期", "Day", said["days"])]),
            *_section(
                "按场景与证据等级",
                "By scenario and evidence grade",
                [*_plot(plots, "scenarios.svg"), _table("场景", "Scenario", said["ways"])],
            ),
            *_section(
                "活动前、中、后",
                "Before, during and after",
                [*_plot(plots, "before-during-after.svg"), _phases(said["phases"])],
            ),
            *_groups(said["groups"], plots),
            *_section("说明", "Notes", _notes(said)),
            "</body></html>",
        ]
    )


def _section(zh: str, en: str, body: Iterable[str]) -> Iterator[str]:
    yield f'<h2>{zh} <small lang="en">{en}</small></h2>'
    yield from body


def _plot(plots: Mapping[str, str], name: str) -> Iterator[str]:
    if name in plots:
        yield plots[name]


def _total(said: Mapping[str, Any]) -> Iterator[str]:
    total = said["total"] or dict.fromkeys(("people", "acts", "grams", "points"))
    rows = [
        ("参与者", "participants", said["participants"]),
        ("有计入行为的参与者", "participants with acts that count", total["people"]),
        ("计入的行为", "acts that count", total["acts"]),
        ("核证减排量（克）", "verified reduction, grams", total["grams"]),
        ("积分", "points", total["points"]),
    ]
    lines = (f'<tr><td>{zh} <small lang="en">{en}</small></td>{_number(number)}</tr>' for zh, en, number in rows)
    yield f"<table>{''.join(lines)}</table>"


def _table(zh: str, en: str, rows: Sequence[Mapping[str, Any]]) -> str:
    heads = (("人数", "people"), ("行为", "acts"), ("克", "grams"), ("积分", "points"))
    head = _head(zh, en) + "".join(_head(*names, number=True) for names in heads)
    lines = (
        f"<tr><td>{_title(row['title'])}</td>{''.join(_number(row[name]) for _, name in heads)}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _phases(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = (("人数", "people"), ("行为", "acts"), ("日均", "per day"), ("与活动前相比", "of before"))
    head = _head("阶段", "Phase") + "".join(_head(*names, number=True) for names in heads)
    lines = []
    for row in rows:
        daily = kilograms(row["daily_g"]) if row["daily_g"] is not None else "—"
        percent = f"{row['percent']} %" if row["percent"] is not None else "—"
        numbers = (
            _number(row["people"]) + _number(row["acts"]) + f'<td class="n">{daily}</td><td class="n">{percent}</td>'
        )
        lines.append(f"<tr><td>{WHO[row['who']]} · {PHASES[row['phase']]}</td>{numbers}</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _groups(groups: Mapping[str, Sequence[Mapping[str, Any]]], plots: Mapping[str, str]) -> Iterator[str]:
    for kind, rows in groups.items():
        zh, en = _GROUP_TITLES[kind]
        yield from _section(zh, en, [*_plot(plots, f"{kind}.svg"), _table("名称", "Name", rows)])


def _head(zh: str, en: str, *, number: bool = False) -> str:
    return f'<th{" class=n" if number else ""}>{zh} <small lang="en">{en}</small></th>'


def _number(number: int | None) -> str:
    return f'<td class="n">{"—" if number is None else f"{number:,}"}</td>'


def _title(title: Mapping[str, str]) -> str:
    english = f' <small lang="en">{escape(title["en"])}</small>' if title["en"] != title["zh"] else ""
    return escape(title["zh"]) + english


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    floor = said["smallest_group"]
    for zh, en in (
        (
            f"少于 {floor} 人的数字不单独列出，也不能由两个数字相减得出：它们并入“其他”，或以“—”表示。",
            f"No figure is about fewer than {floor} people, nor is the difference of any two: such figures stand "
            "together as “others”, or as “—”.",
        ),
        (
            "数字取自账目现状：签发后被冲正的不计，重述的按重述后的克数。榜单的每日上限不减少此处的克数。",
            "From the books as they stand: what was reversed is not in it, what was restated is as restated. Daily "
            "limits of boards take nothing off the grams here.",
        ),
        (
            "活动前、后各与活动等长，按同样的方法学与等级统计。前后差异不等于活动的效果；“其他成员”供对照。",
            "Before and after are as long as the campaign, of the same methodologies and grades. A difference is not "
            "the effect of the campaign; everybody else stands beside it for comparison.",
        ),
    ):
        yield f'<p>{zh} <small lang="en">{en}</small></p>'
