"""The pool of voucher codes: files imported whole or not at all, batches withdrawn, what is left."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import CursorResult, LargeBinary, func, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.ids import new_id
from backend.lists import insert_rows, recordset
from backend.rewards.catalogue.code_files import MOST_CODES, CodeFile, CodeRow
from backend.rewards.catalogue.models import FREE, POOL, WITHDRAWN, CodeBatch, VoucherCode
from backend.rewards.catalogue.offers import require_reward
from backend.rewards.catalogue.vouchers import pool_context
from backend.rewards.errors import InvalidCodeFile, NoCountedStock, UnknownBatch
from backend.vault import Vault

#: Faults that are told of one file.
MOST_TOLD = 20
_PIECE = 5_000
#: Codes are the same when only case, blanks and hyphens tell them apart: they are typed in by hand.
_NO_DIFFERENCE = str.maketrans("", "", " -\u00ad\u2010\u2011")

Step = Callable[[int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CodeReport:
    """What was found in a file: `codes` good ones, and how many `faults`, of which the first are told by line."""

    codes: int
    faults: int
    lines: list[dict[str, object]]


def fingerprint(vault: Vault, code: str) -> bytes:
    """32 bytes by which a code is found again in the whole house, and from which nobody can read it."""
    return vault.index("voucher code", code.translate(_NO_DIFFERENCE).casefold())


def check_codes(
    tx: Session, vault: Vault, file: CodeFile, *, expires_on: date | None, today: date, step: Step = lambda done: None
) -> CodeReport:
    """Try a file without writing: what could be imported, and every fault.

    A code that stands twice in the file, or that the house has or ever had for any reward, is a fault.
    """
    first: dict[bytes, int] = {}
    faults, known = _Faults(), 0
    for number, piece in enumerate(_pieces(file.rows())):
        sound: dict[bytes, int] = {}
        for row in piece:
            fault = row.fault or _out_of_date(row.expires_on or expires_on, today)
            mark = b"" if fault else fingerprint(vault, row.code)
            if mark in first:
                fault = f"the same code as in line {first[mark]}"
            if fault:
                faults.add(row.line, fault)
            else:
                first[mark] = sound[mark] = row.line
        for mark in sorted(_known(tx, list(sound)), key=sound.__getitem__):
            known += 1
            faults.add(sound[mark], "the house has or had this code already")
        step(number * _PIECE + len(piece))
    if len(first) > MOST_CODES:
        faults.add(0, f"more than {MOST_CODES} codes")
    return CodeReport(len(first) - known, faults.count, faults.lines)


class _Faults:
    """Counts the faults of a file and keeps the first."""

    def __init__(self) -> None:
        self.count = 0
        self.lines: list[dict[str, object]] = []

    def add(self, line: int, problem: str) -> None:
        self.count += 1
        if len(self.lines) < MOST_TOLD:
            self.lines.append({"line": line, "problem": problem})


def _pieces(rows: Iterable[T]) -> Iterator[list[T]]:
    rows = iter(rows)
    while piece := list(islice(rows, _PIECE)):
        yield piece


def _out_of_date(expires_on: date | None, today: date) -> str | None:
    if expires_on is None:
        return "no day on which it expires: say --expires"
    return "expired already" if expires_on < today else None


def _known(tx: Session, marks: list[bytes]) -> set[bytes]:
    if not marks:
        return set()
    given = recordset(tx, "given", {"fingerprint": LargeBinary()}, [(mark,) for mark in marks])
    query = select(VoucherCode.fingerprint).join(given, VoucherCode.fingerprint == given.c.fingerprint)
    return set(tx.scalars(query))


def import_codes(
    tx: Session,
    vault: Vault,
    reward: str,
    file: CodeFile,
    *,
    expires_on: date | None,
    operator_id: UUID | None,
    now: datetime,
    step: Step = lambda done: None,
) -> tuple[UUID, int]:
    """Add every code of a file to a reward's pool, or none; returns the batch and how many they are.

    Raises RewardNotFound, NoCountedStock for a reward that is no pool, InvalidCodeFile.
    """
    if require_reward(tx, reward).stock_kind != POOL:
        raise NoCountedStock(reward=reward)
    report = check_codes(tx, vault, file, expires_on=expires_on, today=clock.day_of(now), step=step)
    if report.faults or not report.codes:
        raise InvalidCodeFile(codes=report.codes, faults=report.faults, lines=report.lines)
    batch = {
        "id": new_id(),
        "reward": reward,
        "file_sha256": file.sha256,
        "codes": report.codes,
        "operator_id": operator_id,
        "imported_at": now,
    }
    insert_rows(tx, CodeBatch, [batch])
    written = 0
    for piece in _pieces(_sealed(vault, file, batch, expires_on)):
        inserted = insert_rows(tx, VoucherCode, piece, on_conflict=("fingerprint",), returning=("id",))
        if len(inserted) < len(piece):
            raise InvalidCodeFile(lines=[{"line": 0, "problem": "somebody imported some of these codes meanwhile"}])
        written += len(inserted)
        step(report.codes + written)
    return UUID(str(batch["id"])), written


def _sealed(
    vault: Vault, file: CodeFile, batch: Mapping[str, Any], expires_on: date | None
) -> Iterator[dict[str, Any]]:
    context = pool_context(batch["reward"])
    for row in file.rows():
        yield {
            "id": new_id(),
            "reward": batch["reward"],
            "batch_id": batch["id"],
            "fingerprint": fingerprint(vault, row.code),
            "sealed_code": vault.house.seal(_plain(row), context),
            "expires_on": row.expires_on or expires_on,
            "state": FREE,
        }


def _plain(row: CodeRow) -> bytes:
    said = {"code": row.code} | ({"pin": row.pin} if row.pin else {})
    return json.dumps(said, ensure_ascii=False).encode()


def withdraw_batch(tx: Session, batch_id: UUID, *, now: datetime) -> tuple[str, int]:
    """Give out nothing more of a batch; returns its reward and how many codes were still free. Raises UnknownBatch.

    Codes that members have stay theirs.
    """
    batch = tx.get(CodeBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None or batch.withdrawn_at is not None:
        raise UnknownBatch(batch=batch_id)
    batch.withdrawn_at = now
    statement = update(VoucherCode).where(VoucherCode.batch_id == batch_id, VoucherCode.state == FREE)
    done = tx.execute(statement.values(state=WITHDRAWN).execution_options(synchronize_session=False))
    return batch.reward, cast("CursorResult[Any]", done).rowcount


def batches_of(tx: Session, reward: str) -> list[CodeBatch]:
    """The imported files of a reward, oldest first."""
    return list(tx.scalars(select(CodeBatch).where(CodeBatch.reward == reward).order_by(CodeBatch.id)))


def free_codes(tx: Session, reward: str, usable_until: date, *, at_most: int) -> int:
    """How many codes can be given out that can be used on that day at least; counts no further than `at_most`."""
    some = select(VoucherCode.id).where(
        VoucherCode.reward == reward, VoucherCode.state == FREE, VoucherCode.expires_on >= usable_until
    )
    return tx.scalar(select(func.count()).select_from(some.limit(at_most).subquery())) or 0
