"""变更历史: what came into force or went out of it, and on which day, read from the dated parts of the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from methodologies import Methodology
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.products import Product
from tools.catalogue import words
from tools.catalogue.rows import ShownRow


@dataclass(frozen=True)
class Change:
    """One thing that changed: in a sentence, with the anchor it is about on the same page."""

    day: date
    kind: str
    text: str
    anchor: str


def by_day(changes: Iterable[Change]) -> list[tuple[date, list[Change]]]:
    """The changes of each day, newest day first."""
    ordered = sorted(changes, key=lambda change: change.day, reverse=True)
    return [(day, list(group)) for day, group in groupby(ordered, key=lambda change: change.day)]


def changes_of(methodology: Methodology, rows: dict[str, list[ShownRow]]) -> Iterator[Change]:
    """Versions, limits and rows of one methodology."""
    for version in methodology.versions:
        anchor = f"version-{version.version}"
        yield Change(version.in_force_from, "版本", f"版本 {version.version} 生效", anchor)
        if version.in_force_until:
            ended = version.in_force_until + timedelta(days=1)
            yield Change(ended, "版本", f"版本 {version.version} 停用", anchor)
    for limit in methodology.limits:
        yield Change(limit.in_force_from, "上限", f"上限生效：{limit.title.zh}", f"limit-{limit.code}")
    for name, parameter in methodology.definition.parameters.items():
        yield from changes_of_rows(parameter, rows[name])


def changes_of_rows(parameter: Parameter, rows: list[ShownRow]) -> Iterator[Change]:
    """Rows coming into force, and corrections."""
    for row in rows:
        value = words.with_unit(str(row.document["value"]), parameter.unit.text)
        which = f"（{row.key_text}）" if row.key_text else ""
        kind, verb = ("更正", "更正为") if row.document["replaces"] else ("因子", "取值")
        text = f"{parameter.title.zh}{which}{verb} {value}"
        yield Change(row.first_day, kind, text, f"row-{row.document['row_hash']}")
        if row.ended:
            ended = row.ended + timedelta(days=1)
            yield Change(ended, "因子", f"{parameter.title.zh}{which}不再适用", f"row-{row.document['row_hash']}")


def changes_of_product(product: Product, rows: list[ShownRow]) -> Iterator[Change]:
    """Footprint sheets and certificates of one product."""
    for row in rows:
        value = words.with_unit(str(row.document["value"]), str(row.document["unit"]))
        verb = "更正为" if row.document["replaces"] else "登记为"
        yield Change(row.first_day, "碳足迹", f"整机碳足迹{verb} {value}", f"row-{row.document['row_hash']}")
    for certificate in product.certificates:
        anchor = f"certificate-{certificate.hash}"
        yield Change(certificate.in_force_from, "证书", "自本日起据证书计算", anchor)
        if certificate.valid_until:
            yield Change(certificate.valid_until + timedelta(days=1), "证书", "证书已过有效期", anchor)
