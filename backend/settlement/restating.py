"""重述 Restating issued acts when a published number was corrected: the difference is posted, nothing is edited.

Every issued act of a methodology version is computed again by the library as it is now, with its own data, profile,
grade and day. Where the credits differ from those that stand, the difference becomes a new ledger transaction beside
the issue. Points that were earned stay as they are. What the library now refuses is reported and left alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, ledger, outbox
from backend.activities import Act, Library, Requantified, Restatement, RestatementRun, Scope
from backend.database import retried, transaction
from backend.ledger import Transaction
from backend.outbox import Announcement
from backend.settlement import issuing

BATCH = 500


@dataclass(frozen=True, slots=True)
class Change:
    """An issued act whose credits differ: with the numbers that stand, and with those of the library as it is now."""

    standing: Act
    again: Requantified
    sequence: int

    @property
    def credits(self) -> activities.Credited:
        """What the act is credited with from now on."""
        return activities.credits_of(self.again.act)


@dataclass(frozen=True, slots=True)
class RefusedAct:
    """An issued act that the library as it is now would not quantify, with the code it gives."""

    holder_id: UUID
    activity_id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a list of issued acts; those whose credits stay the same are in neither part."""

    changes: Sequence[Change] = ()
    refused: Sequence[RefusedAct] = ()


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands, counted from its beginning; `batch` is what the batch just committed did.

    `total` is how many acts there are to examine, as counted when this process took the run up; `finished` says that
    there are no more. `taken_up`: the run had been interrupted before.
    """

    run_id: UUID
    examined: int
    restated: int
    refused: int
    total: int
    finished: bool
    taken_up: bool
    batch: Judged


#: Is told of each state in the transaction that brings it about, which ends with it.
Witness = Callable[[Session, RunState], None]


def judge(tx: Session, acts: Sequence[Act], library: Library) -> Judged:
    """Compute issued acts again by this library, and compare with the credits that stand."""
    restated = activities.restatements_of(tx, [act.key for act in acts])
    changes, refused = [], []
    for act in acts:
        known = restated.get(act.key, ())
        standing, again = activities.latest(act, known), activities.requantify(act, library)
        if isinstance(again, str):
            refused.append(RefusedAct(act.holder_id, act.id, again))
        elif activities.credits_of(again.act) != activities.credits_of(standing):
            changes.append(Change(standing, again, len(known) + 1))
    return Judged(changes, refused)


def restate(
    sessions: sessionmaker[Session],
    methodology: str,
    version: str,
    *,
    library: Library | None = None,
    limit: int = BATCH,
    witness: Witness = lambda tx, state: None,
) -> Iterator[RunState]:
    """Restate the acts of a version, a batch of at most `limit` acts per transaction; yields after each commit.

    The first state comes before the first batch. Whoever stops asking interrupts the run: the next one by the same
    library goes on behind the last committed batch. A run over acts that are right already changes nothing. Raises
    MethodologyError and UnknownVersion.
    """
    library = library or activities.library()
    scope = activities.scope_of(library, methodology, version)
    with transaction(sessions) as tx:
        found = activities.open_run(tx, scope, activities.library_digest(library), now=clock.now())
        total = max(activities.count_issued(tx, scope), found.examined)
        run = _Run(found.id, scope, library, limit, total, taken_up=found.examined > 0, witness=witness)
        state = run.state(found, Judged())
        witness(tx, state)
    yield state
    while not state.finished:
        state = run.patiently(sessions)
        yield state


@dataclass(frozen=True, slots=True)
class _Run:
    """A run in the hands of this process."""

    id: UUID
    scope: Scope
    library: Library
    limit: int
    total: int
    taken_up: bool
    witness: Witness

    def patiently(self, sessions: sessionmaker[Session]) -> RunState:
        """The next batch, committed; a deadlock is no fault of it, so it is tried again."""
        return retried(sessions, self._batch)

    def _batch(self, tx: Session) -> RunState:
        run = activities.hold_run(tx, self.id)
        if run.finished_at is not None:
            return self.state(run, Judged())
        page = activities.issued_after(tx, self.scope, run.cursor, self.limit)
        held = activities.hold(tx, [act.key for act in page])
        judged = judge(tx, [act for act in held if act.status == "issued"], self.library)
        now = clock.now()
        _post(tx, judged.changes, self.id, now=now)
        run.examined += len(page)
        run.restated += len(judged.changes)
        run.refused += len(judged.refused)
        if page:
            run.cursor_holder_id, run.cursor_activity_id = page[-1].key
        if len(page) < self.limit:
            run.finished_at = now
        state = self.state(run, judged)
        self.witness(tx, state)
        return state

    def state(self, run: RestatementRun, batch: Judged) -> RunState:
        """Where the run stands after this batch."""
        total, finished = max(self.total, run.examined), run.finished_at is not None
        counts = run.examined, run.restated, run.refused, total
        return RunState(self.id, *counts, finished, self.taken_up, batch)


def _post(tx: Session, changes: Sequence[Change], run_id: UUID, *, now: datetime) -> None:
    """The difference of each act as a transaction, the restatement that says why, and the news of it."""
    if not changes:
        return
    transactions = [
        issuing.restatement(
            change.standing,
            activities.credits_of(change.standing),
            change.credits,
            sequence=change.sequence,
            basis_hash=bytes.fromhex(change.again.basis.hash),
        )
        for change in changes
    ]
    ledger.post(tx, transactions, now=now, announce=False)
    activities.record_bases(tx, {change.again.basis.hash: change.again.basis for change in changes}.values())
    records = [_record(change, run_id, posted.id, now) for change, posted in zip(changes, transactions, strict=True)]
    activities.record_restatements(tx, records)
    told = zip(changes, records, transactions, strict=True)
    outbox.announce(tx, [_news(change, item, posted) for change, item, posted in told], now=now)


def _record(change: Change, run_id: UUID, transaction_id: UUID, now: datetime) -> Restatement:
    before, after = change.standing, change.again.act
    assert before.basis_hash is not None and after.basis_hash is not None
    return Restatement(
        holder_id=before.holder_id,
        activity_id=before.id,
        sequence=change.sequence,
        run_id=run_id,
        previous_basis_hash=before.basis_hash,
        previous=activities.credits_of(before),
        basis_hash=after.basis_hash,
        baseline=after.baseline,
        project=after.project,
        leakage=after.leakage,
        reduction=after.reduction,
        credits=change.credits,
        transaction_id=transaction_id,
        restated_at=now,
    )


def _news(change: Change, item: Restatement, posted: Transaction) -> Announcement:
    act = change.standing
    return Announcement(
        "reduction.restated",
        act.holder_id,
        {
            "activity_id": str(act.id),
            "programme": act.programme,
            "methodology": act.methodology,
            "day": act.day.isoformat(),
            **asdict(item.credits),
            "previous": asdict(item.previous),
            "run_id": str(item.run_id),
            "changes": ledger.changes([posted]),
        },
    )
