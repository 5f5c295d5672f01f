"""A comparison as a page for a review: what changes from which day, and what it means for the personas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from methodologies.kernel.model import ENGAGEMENT
from methodologies.review.comparing import ADDED, CORRECTED, EDITED, REMOVED, Change
from methodologies.review.effects import Amount, Comparison, Effect, Year, percent_text, unit_of
from methodologies.review.text_tables import Column, aligned, markdown

_KINDS_ZH = {ADDED: "新增", CORRECTED: "更正", EDITED: "修改", REMOVED: "删除"}
_REWRITES_ZH = {
    "PUBLISHED_CHANGED": "改写已发布内容",
    "PUBLISHED_REMOVED": "删去已发布内容",
    "BACKDATED": "倒填生效日",
}
_CHANGES = [
    Column("方法学 methodology"),
    Column("内容 what"),
    Column("改动 change"),
    Column("之前 before"),
    Column("之后 after"),
    Column("生效日 from"),
    Column("注意 beware"),
]
_EFFECTS = [
    Column("人物 persona"),
    Column("权益类型 claim type"),
    Column("单位 unit"),
    Column("之前 before", right=True),
    Column("之后 after", right=True),
    Column("差 difference", right=True),
    Column("%", right=True),
    Column("来自 because of"),
]
_REFUSALS = [
    Column("人物 persona"),
    Column("方法学 methodology"),
    Column("拒绝代码 refusal"),
    Column("笔数 acts", right=True),
]
NO_DIFFERENCES = "没有差异 no differences"

_Table = Callable[[Sequence[Column], Sequence[Sequence[str]]], list[str]]


def review_text(comparison: Comparison, against: str, *, as_markdown: bool = False) -> str:
    """The page. `against` says what the tree was compared with; `as_markdown` makes it fit for pasting."""
    if not comparison.changes:
        return f"{NO_DIFFERENCES} ({against})"
    heading, table = ("### ", markdown) if as_markdown else ("", aligned)
    rewriting = sum(bool(change.rewrites) for change in comparison.changes)
    lines = [f"{heading}方法学变更评审 Methodology review: {against}", ""]
    lines += [f"{len(comparison.changes)} 处改动 changes; {rewriting} 处会改写过去 would rewrite the past", ""]
    lines += table(_CHANGES, [_change_row(change) for change in comparison.changes])
    for year in comparison.years:
        lines += ["", f"{heading}对十二个人物一年的影响 Effect on the personas: {year.first} – {year.last}", ""]
        lines += table(_EFFECTS, [row for effect in year.effects for row in _effect_rows(effect)])
        lines += _refusals(year, table)
    return "\n".join(lines)


def _change_row(change: Change) -> list[str]:
    after = change.after
    if change.before and change.before == after:
        after = "（数值未变，只改文字）"
    warning = f"⚠ {_REWRITES_ZH[change.rewrites]} {change.rewrites}" if change.rewrites else ""
    day = change.day.isoformat() if change.day else "所有日子 every day"
    what = change.address.removeprefix(change.owner).strip() or change.owner
    return [change.title_zh, what, _KINDS_ZH[change.kind], change.before or "—", after or "—", day, warning]


def _effect_rows(effect: Effect) -> Iterator[list[str]]:
    """One row per claim type; engagement, which is never more than zero, only when there is nothing else."""
    totals = effect.totals()
    shown = [total for total in totals if total.claim_type != ENGAGEMENT] or totals[:1]
    for total in shown or [Amount("", "—", 0, 0)]:
        moved = ", ".join(f"{one.methodology} {one.difference:+,}" for one in effect.moved(total.claim_type))
        yield [
            effect.persona.title.zh,
            total.claim_type,
            unit_of(total.claim_type),
            f"{total.before:,}",
            f"{total.after:,}",
            f"{total.difference:+,}" if total.difference else "0",
            percent_text(total.before, total.after) or "—",
            moved,
        ]


def _refusals(year: Year, table: _Table) -> list[str]:
    rows = [
        [effect.persona.title.zh, methodology, code, f"{sign}{times:,}"]
        for effect in year.effects
        for sign, found in (("+", effect.appear), ("-", effect.vanish))
        for (methodology, code), times in found.items()
    ]
    heading = "新出现（+）与消失（-）的拒绝 Refusals that appear or vanish"
    return ["", heading, "", *table(_REFUSALS, rows)] if rows else []
