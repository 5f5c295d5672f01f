"""A report as a file: CSV, or a workbook; the same report gives the same bytes."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import xlsxwriter

from backend import activities, clock
from backend.csv_cells import csv_line, safe_cell
from backend.employer.releasing import Report

Line = tuple[str, ...]

FIGURES: Line = (
    *("月份 month", "范围三类别 Scope 3 category", "部门 department", "行类型 row", "方法学 methodology"),
    *("版本 version", "证据等级 evidence grade", "行程数 journeys", "活动数据 distance", "单位 unit"),
    *("排放量 emissions kgCO2e", "避免的排放量 avoided kgCO2e (reported apart)"),
)
FACTORS: Line = (
    *("方法学 methodology", "版本 version", "参数 parameter", "名称 title", "值 value", "单位 unit"),
    *("生效日 in force from", "来源 sources", "行哈希 row hash"),
)
#: What a reader has to know, Chinese and English.
NOTES = (
    "按《GHG Protocol 企业价值链（范围三）核算与报告标准》：类别 6 为商务差旅，类别 7 为员工通勤。 / "
    "GHG Protocol Scope 3 Standard: category 6 is business travel, category 7 employee commuting.",
    "仅含已记录的行程，不是全部行程；避免的排放量另行报告，不得从排放量中扣除。 / "
    "Only journeys that were recorded, not all that were made; what was avoided is reported apart and never deducted.",
    "空的排放量表示方法学来源只公布净减排因子。 / "
    "No figure for emissions: the source of the methodology publishes a net factor only.",
    "每个数字至少涉及 {floor} 人；人数不足的部门和方式与其他合并，不单独列示。 / "
    "Every figure is about {floor} people or more; smaller departments and ways of travelling stand with others.",
    "本月报表只发布一次；此后到达或撤回的行程不在任何报表中。 / "
    "A month is released once; what arrives or is taken back later is in no report.",
)


def csv_file(report: Report, *, factors: bool = False) -> bytes:
    """The figures, or the factors behind them, as CSV in UTF-8 with a byte order mark, as spreadsheets like it."""
    head, lines = (FACTORS, _factors(report)) if factors else (FIGURES, _figures(report))
    return ("\ufeff" + "".join(map(csv_line, (head, *lines)))).encode()


def workbook(report: Report) -> bytes:
    """Figures, factors and notes, a sheet each."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    book.set_properties({"created": report.released_at.replace(tzinfo=None, microsecond=0)})
    bold = book.add_format({"bold": True})
    notes = [(note.format(floor=report.group_floor),) for note in NOTES]
    notes.append((f"发布时间 released: {clock.iso(report.released_at)}",))
    sheets = (("数据 Figures", FIGURES, _figures(report)), ("因子 Factors", FACTORS, _factors(report)))
    for title, head, lines in (*sheets, ("说明 Notes", (report.programme,), iter(notes))):
        sheet = book.add_worksheet(title)
        sheet.set_column(0, len(head) - 1, 20)
        for number, line in enumerate((head, *lines)):
            for column, text in enumerate(line):
                sheet.write_string(number, column, safe_cell(text), *([] if number else [bold]))
    book.close()
    return out.getvalue()


def _figures(report: Report) -> Iterator[Line]:
    month = report.month.isoformat()[:7]
    for category in report.content["categories"]:
        number = str(category["category"])
        if not category["rows"]:
            yield (month, number, "", "未达最少人数，不列示 too few people, not shown", *[""] * 8)
        for row in category["rows"]:
            part = "部门 department" if row["whole"] else "其余部门合计 other departments together"
            way = [activities.methodology_title(row["methodology"])["zh"], row["version"], row["grade"]]
            named = way if row["methodology"] else ["多种方式合并 several ways together", "", ""]
            yield (month, number, row["department"] or "/", part, *named, *_amounts(row))
        for row in category["totals"]:
            yield (month, number, row["department"] or "/", "合计 total", "", "", "", *_amounts(row))


def _amounts(row: dict[str, Any]) -> Line:
    return (
        *(str(row["acts"]), row["distance"] or "", row["unit"] or ""),
        *(_kilograms(row["project_g"]), _kilograms(row["reduction_g"])),
    )


def _kilograms(grams: str | int | None) -> str:
    if grams is None:
        return ""
    sign, whole = ("-", -int(grams)) if int(grams) < 0 else ("", int(grams))
    return f"{sign}{whole // 1000}.{whole % 1000:03}"


def _factors(report: Report) -> Iterator[Line]:
    names = ("methodology", "version", "parameter", "title", "value", "unit", "in_force_from", "sources", "row_hash")
    for factor in report.content["factors"]:
        yield tuple(str(factor[name]) for name in names)
