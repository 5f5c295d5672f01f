"""A file in the pipeline, page by page: each page is a transaction of its own, tried and undone unless it is applied.

A trip of a person is one line of an order. The same row again changes nothing; a row that says something else is the
next revision of its line; a row marked as cancelled ends it for good. A row that is no longer there says nothing.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import BinaryIO

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, identity, settlement
from backend.database import retried
from backend.identity import Receiver
from backend.ids import new_id
from backend.imports.kinds import Entry, Kind, Unusable, entry, who_and_which
from backend.row_files import Row, read_rows
from backend.settlement import Draft, Statement
from backend.vault import Vault

PAGE = 500
#: Above every revision a row can get.
_FINAL = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a row.

    `status`: new, changed, unchanged, cancelled, broken (it cannot be read), or what settlement says of what does not
    count. `code` is a reason, `problem` a sentence about a broken row.
    """

    line: int
    status: str
    code: str | None = None
    problem: str | None = None
    reduction_g: int = 0


class Import:
    """One file for one programme. Raises UnreadableFile while it is read."""

    def __init__(
        self, sessions: sessionmaker[Session], vault: Vault, programme: str, kind: Kind, file: BinaryIO, digest: str
    ) -> None:
        self._sessions, self._vault, self._programme, self._kind = sessions, vault, programme, kind
        self._file, self._digest = file, digest
        self._riders = self._count_riders()

    def run(self, show: Callable[[int], None], *, applied: bool) -> Iterator[Told]:
        """Go through the file; what became of each row, page by page."""
        seen: dict[tuple[str, str], int] = {}
        page: list[Entry] = []
        for row in read_rows(self._file, self._kind.columns):
            told = self._read(row, seen) if isinstance(row, Row) else Told(row.line, "broken", problem=row.reason)
            if isinstance(told, Told):
                yield told
                continue
            page.append(told)
            if len(page) == PAGE:
                yield from self._settle(page, applied)
                show(row.line)
                page = []
        if page:
            yield from self._settle(page, applied)
            show(page[-1].line)

    def _count_riders(self) -> dict[str, int]:
        """Trip → how many different people its rows name, cancelled ones left out. Goes through the whole file once."""
        people: defaultdict[str, set[str]] = defaultdict(set)
        for row in read_rows(self._file, self._kind.columns):
            if isinstance(row, Row) and self._kind.counts_riders:
                try:
                    read = entry(self._kind, row.line, row.cells, 1, now=clock.now())
                except Unusable:
                    read = None
                if read is not None and not read.cancelled:
                    people[read.trip_id].add(read.staff_no)
        return {trip: len(names) for trip, names in people.items()}

    def _read(self, row: Row, seen: dict[tuple[str, str], int]) -> Entry | Told:
        try:
            key = who_and_which(row.cells)
            if key in seen:
                raise Unusable(f"the same trip of the same person stands in line {seen[key]}")
            seen[key] = row.line
            return entry(self._kind, row.line, row.cells, self._riders.get(key[1], 0), now=clock.now())
        except Unusable as problem:
            return Told(row.line, "broken", problem=str(problem))

    def _settle(self, page: Sequence[Entry], applied: bool) -> list[Told]:
        def attempt(tx: Session) -> list[Told]:
            trial = tx.begin_nested()
            told = self._settle_in(tx, page, now=clock.now())
            if applied:
                trial.commit()
            else:
                trial.rollback()
            return told

        return retried(self._sessions, attempt, also_after=(activities.Contended,))

    def _settle_in(self, tx: Session, page: Sequence[Entry], *, now: datetime) -> list[Told]:
        indexes = [identity.agreements.reference_index(self._vault, self._programme, item.staff_no) for item in page]
        named = [
            (self._programme, index, clock.day_of(item.began_at)) for item, index in zip(page, indexes, strict=True)
        ]
        receivers = identity.agreements.referred_receivers(tx, set(named))
        orders = activities.standing_lines(tx, self._kind.source, {self._order_no(item) for item in page})
        before = {(line.order_no, line.line): line for lines in orders.values() for line in lines}
        told: dict[int, Told] = {}
        waiting: list[tuple[Entry, Statement]] = []
        for item, index, name in zip(page, indexes, named, strict=True):
            statement = self._statement(item, index, receivers.get(name), now)
            line = before.get((statement.order_no, statement.line))
            if item.cancelled and line is None:
                told[item.line] = Told(item.line, "broken", problem="cancelled: this trip of this person never came")
            elif line is not None and line.content_hash == statement.content_hash:
                told[item.line] = Told(item.line, "unchanged", line.reason)
            else:
                waiting.append((item, _after(statement, line)))
        outcomes = settlement.settle(tx, self._vault, [statement for _, statement in waiting], now=now)
        for (item, statement), outcome in zip(waiting, outcomes, strict=True):
            status = outcome.status
            if status == "issued":
                status = "new" if statement.revision == 1 else "changed"
            told[item.line] = Told(item.line, status, outcome.code, reduction_g=outcome.reduction_g)
        return [told[item.line] for item in page]

    def _order_no(self, item: Entry) -> str:
        """Two employers may call their trips alike."""
        return f"{self._programme}/{item.trip_id}"

    def _statement(self, item: Entry, index: bytes, receiver: Receiver | None, now: datetime) -> Statement:
        """The line is named by the keyed index of the staff number: the number itself is readable nowhere."""
        order_no, line = self._order_no(item), index.hex()[:32]
        named = {"partner": self._kind.source, "order_no": order_no, "line": line, "trip_id": f"{order_no}/{line}"}
        window = (item.began_at, item.ended_at)
        draft = Draft(self._kind.methodology, item.data, named, item.began_at, "E3", 0, *window)
        said = [item.cancelled] if item.cancelled else [*(clock.iso(at) for at in window), dict(item.data)]
        evidence = {"source": self._kind.source, "file_sha256": self._digest, "line": item.line}
        return Statement(
            source_id=new_id(),
            partner=self._kind.source,
            order_no=order_no,
            line=line,
            revision=_FINAL if item.cancelled else 1,
            rank=activities.CANCELLED if item.cancelled else activities.ORIGINAL,
            order_type=self._kind.order_type,
            receiver=receiver,
            content_hash=self._vault.index("import", order_no, line, json.dumps(said, sort_keys=True)),
            evidence=json.dumps(evidence | {"imported_at": clock.iso(now)}, sort_keys=True),
            translate=None if item.cancelled else partial(_drafted, draft),
            rests_on=activities.AGREEMENT,
        )


def _drafted(draft: Draft, _order_type: str) -> Draft:
    return draft


def _after(statement: Statement, line: activities.StandingLine | None) -> Statement:
    """The statement as the next revision of its line; what was cancelled stays so."""
    if line is None or statement.rank == activities.CANCELLED or line.revision == _FINAL:
        return statement
    return replace(statement, revision=line.revision + 1)
