"""What a library changes against the one that is published: the parameters, from which day, and which past it rewrites.

Compared is everything the published lock pins, so nothing that decides a gram can change unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from methodologies.kernel.library import Library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.products import FOLDER as PRODUCTS
from methodologies.kernel.tables import FOLDER
from methodologies.review.entries import Entry, published_entries
from methodologies.review.published import discrepancies
from methodologies.review.wording import is_wording

_TITLES_ZH = {
    FOLDER: "共用因子表",
    PRODUCTS: "产品登记",
    "product": "产品登记",
    "evidence_grades": "证据等级",
    "profile": "基准线方案",
    "equivalences": "等价物",
    "equivalence": "等价物",
}
ADDED, CORRECTED, EDITED, REMOVED = "added", "corrected", "edited", "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `address` is that of the lock, `owner` its first word: a methodology, ``factors``,
    ``products``, ``product``, ``evidence_grades``, ``profile``, ``equivalences`` or ``equivalence``; `title_zh`
    is what members call that.

    `day` is the first day it decides anything, None where it holds for all days of its methodology. `rewrites` is
    empty, or why the past would have another answer: PUBLISHED_CHANGED, PUBLISHED_REMOVED, BACKDATED.
    """

    address: str
    owner: str
    title_zh: str
    kind: str
    before: str
    after: str
    day: date | None
    rewrites: str

    def as_json(self) -> dict[str, str | None]:
        return {
            "address": self.address,
            "title_zh": self.title_zh,
            "kind": self.kind,
            "before": self.before or None,
            "after": self.after or None,
            "in_force_from": self.day.isoformat() if self.day else None,
            "rewrites": self.rewrites or None,
        }


def changes(published: Library, proposed: Library) -> list[Change]:
    """Every difference, in the order of the tree; a methodology that comes or goes is one change."""
    old, new = _by_address(published), _by_address(proposed)
    places = {(entry.address, entry.hash): entry.place for entry in published_entries(published)}
    rewrites = {one.address: one.code for one in discrepancies(proposed, places) if one.code != "NOT_LOCKED"}
    come = [_whole(methodology, ADDED) for methodology in proposed if methodology.code not in published.codes]
    gone = [_whole(methodology, REMOVED) for methodology in published if methodology.code not in proposed.codes]
    whole = {change.owner for change in come + gone}
    titles = _TITLES_ZH | {one.code: one.title_zh for one in [*published, *proposed]}
    parts = [
        _change(address, titles, before, after, rewrites.get(address, ""))
        for address in dict.fromkeys([*new, *old])
        if _owner(address) not in whole
        for before, after in _pairs(old.get(address, []), new.get(address, []), old)
    ]
    return come + gone + parts


def _by_address(library: Library) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in published_entries(library):
        found.setdefault(entry.address, []).append(entry)
    return found


def _owner(address: str) -> str:
    return address.split()[0]


def _whole(methodology: Methodology, kind: str) -> Change:
    says, day = methodology.title_zh, methodology.versions[0].in_force_from
    before, after, rewrites = ("", says, "") if kind == ADDED else (says, "", "PUBLISHED_REMOVED")
    return Change(methodology.code, methodology.code, says, kind, before, after, day, rewrites)


def _pairs(
    old: list[Entry], new: list[Entry], published: dict[str, list[Entry]]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """What stood under one address and is gone, beside what stands there instead; a correction beside the published row
    it names."""
    gone = [entry for entry in old if entry.hash not in {other.hash for other in new}]
    for after in new:
        if after.hash in {other.hash for other in old}:
            continue
        yield (gone.pop(0) if gone else _with_hash(after.replaces, published)), after
    for before in gone:
        yield before, None


def _change(
    address: str, titles: Mapping[str, str], before: Entry | None, after: Entry | None, rewrites: str
) -> Change:
    kind = EDITED if before and after else REMOVED if before else ADDED
    if after and after.replaces and (before is None or before.hash == after.replaces):
        kind = CORRECTED
    days = [entry.day for entry in (before, after) if entry and entry.day]
    return Change(
        address,
        _owner(address),
        titles[_owner(address)],
        kind,
        before.says if before else "",
        after.says if after else "",
        min(days, default=None),
        rewrites,
    )


def _with_hash(hash_: str, published: dict[str, list[Entry]]) -> Entry | None:
    """The published row a correction names; None when it corrects one that is itself new."""
    return next((entry for entries in published.values() for entry in entries if entry.hash == hash_), None)


def first_days(change: Change, published: Library, proposed: Library) -> Iterator[date]:
    """The first day on which each methodology that the change reaches may answer otherwise.

    What holds for all days, or comes with a methodology as a whole, is looked at where every row of that methodology
    has come into force."""
    for methodology in _reached(change, published, proposed):
        started = methodology.versions[0].in_force_from
        if change.day is None or change.address == methodology.code:
            yield _all_in_force(methodology)
        else:
            yield max(change.day, started)


def _reached(change: Change, published: Library, proposed: Library) -> list[Methodology]:
    known = {methodology.code: methodology for methodology in [*published, *proposed]}
    if is_wording(change.address):
        return []
    if change.owner in known:
        return [known[change.owner]]
    if change.owner == "evidence_grades":
        return list(known.values())
    if change.owner not in (FOLDER, PRODUCTS):
        return []  # a profile, a product, an equivalence decides no gram: rows and versions do
    return [one for one in known.values() if _takes(one, change.address.split())]


def _takes(methodology: Methodology, words: list[str]) -> bool:
    """Whether a methodology reads this row of a shared table: ``factors row <table> <key>=<value> … <day>``."""
    parameter = methodology.definition.parameters.get(words[2])
    if parameter is None or not parameter.shared:
        return False
    return {f"{key}={value}" for key, value in parameter.fixed} <= set(words)


def _all_in_force(methodology: Methodology) -> date:
    days = {version.in_force_from for version in methodology.versions}
    return max(days.union(*(one.starting_days() for one in methodology.definition.parameters.values())))
