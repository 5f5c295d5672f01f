"""The report of a term as a page to print: one HTML file, with nothing from another address and no script."""

from html import escape

from backend import activities
from backend.school.totals import Figure, Totals

_SCENARIOS = {"trips": "低碳出行 Trips", "hand_ins": "回收与捐赠 Hand-ins", "electricity": "节电 Electricity"}
_STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #999;padding:.3em .6em;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}@media print{body{margin:0}}"
)


def page(term: str, told: Totals) -> str:
    """The report of a term as HTML."""
    about = told.about
    title = f"{about.school_title} {about.grade} 年级 {about.number} 班 · {term} 学期减碳报告"
    average = "班级人数不足，不公布 withheld" if told.average_g is None else f"{told.average_g:,} 克 g"
    facts = (
        ("起止 Days", f"{told.first_day} – {told.last_day}"),
        ("在班人数 Seats", f"{told.seats}"),
        ("减排合计 Total", f"{told.reduction_g:,} 克 g"),
        ("人均 Per pupil", average),
    )
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    heads = ("场景 Scenario", "方法学 Methodology", "版本 Version", "证据 Grade", "次数 Acts", "减排 g")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><table>{rows}</table>"
        f"<h2>明细 Figures</h2><table><tr>{head}</tr>{''.join(map(_row, told.figures))}</table>"
        "<p>证据等级：E3 设备或系统记录，E2 教师确认。不含任何学生个人信息。<br>"
        "Evidence: E3 recorded by a device or system, E2 confirmed by a teacher. Nothing here is about a single pupil."
        "</p></body></html>"
    )


def _row(figure: Figure) -> str:
    scenario = _SCENARIOS.get(figure.scenario, figure.scenario)
    texts = (scenario, activities.methodology_title(figure.methodology)["zh"], figure.version, figure.grade)
    numbers = (f"{figure.acts:,}", f"{figure.reduction_g:,}")
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f"<tr>{cells}{''.join(f'<td class=n>{number}</td>' for number in numbers)}</tr>"
