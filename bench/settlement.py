"""Settling in batches of 500, against hand-written SQL that leaves the same rows behind.

Ours does the whole work: opens and reads the events, screens, quantifies, claims, issues, settles as points, announces.
The reference (`bench.rewriting`) knows every row beforehand and only writes; it comes twice, sending its arrays as text
(what psycopg does unless told otherwise) and in binary (much faster). Rounds alternate, in one process and in two. Rows
and bytes of every table are compared at the end of the rounds in one process, where they are the same rows.
"""

import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import psycopg

from backend import House, build_house, jobs, partners
from backend.settings import Settings
from bench.events import fill_inbox, populated_house
from bench.report import Progress, Rounds, seconds
from bench.rewriting import Batch, Recorder, Round, Sizes, Writer, sizes
from bench.server import Databases

BATCH, PER_ROUND, ROUNDS, MEMBERS = 500, 2_000, 7, 400
PROCESSES = 2
TARGET = 0.4
#: How the reference sends arrays, and what the result is called.
REFERENCES = {"text": "settlement", "binary": "settlement, reference in binary"}


def run(databases: Databases) -> None:
    """Measure and report."""
    progress = Progress("settlement", 2 * ROUNDS + 3)
    progress.step("a populated database")
    databases.make("members")
    _disconnect(populated_house(databases.url("members"), MEMBERS))
    for name in ("ours", "ours_in_two", *REFERENCES, *(f"{encoding}_in_two" for encoding in REFERENCES)):
        databases.make(name, like="members")
    written = _in_one_process(databases, progress)
    _in_two_processes(databases, progress, written)


def _in_one_process(databases: Databases, progress: Progress) -> list[bytes]:
    """Measure and report; returns the rounds, pickled: kept as objects, they would cost the collector time in ours."""
    jobs.calm_garbage_collector()  # as the worker does
    house = _house(databases, "ours")
    rounds = {encoding: Rounds(PER_ROUND) for encoding in REFERENCES}
    written: list[bytes] = []
    with ExitStack() as connections:
        source = connections.enter_context(psycopg.connect(databases.conninfo("ours"), autocommit=True))
        targets = {name: connections.enter_context(psycopg.connect(databases.conninfo(name))) for name in REFERENCES}
        recorder, writers = Recorder(source), {name: Writer(target, name) for name, target in targets.items()}
        for number in range(ROUNDS + 1):
            progress.step(f"round {number} of {ROUNDS}" if number else "warming up")
            fill_inbox(house, PER_ROUND, MEMBERS, first=number * PER_ROUND)
            done = recorder.begin_round()
            ours = _settle_and_keep(house, recorder, done)
            written.append(pickle.dumps(done))
            for encoding, writer in writers.items():
                writer.receive(done.waiting)
                theirs = seconds(partial(_write, writer, done.batches))
                if number:
                    rounds[encoding].add(ours, theirs)
        at_end = sizes(source), {name: sizes(target) for name, target in targets.items()}
    _disconnect(house)
    total = {"rows": sum(size[0] for size in at_end[0].values()), "bytes": sum(size[1] for size in at_end[0].values())}
    for encoding, name in REFERENCES.items():
        same = _same(name, at_end[0], at_end[1][encoding])
        rounds[encoding].report(name, TARGET, unit="events/s", same_rows_and_bytes=same, **total)
    return written


def _settle_and_keep(house: House, recorder: Recorder, into: Round) -> float:
    """Settle everything that waits and keep what each batch wrote; returns the seconds without the keeping."""
    took = 0.0

    def settle() -> int:
        nonlocal took
        begun = perf_counter()
        settled = partners.settle_waiting(house.sessions, house.vault, limit=BATCH)
        took += perf_counter() - begun
        return settled

    while batch := recorder.watch(settle):
        into.batches.append(batch)
    return took


def _write(writer: Writer, batches: Sequence[Batch]) -> None:
    for batch in batches:
        writer.write(batch)


def _in_two_processes(databases: Databases, progress: Progress, written: list[bytes]) -> None:
    """The same events by two processes, against two that write what one process has written before."""
    rounds = {encoding: Rounds(PER_ROUND) for encoding in REFERENCES}
    for number, pickled in enumerate(written):
        progress.step(f"two processes, round {number} of {ROUNDS}" if number else "two processes, warming up")
        house = _house(databases, "ours_in_two")
        fill_inbox(house, PER_ROUND, MEMBERS, first=number * PER_ROUND)
        _disconnect(house)
        ours = _at_once([partial(_prepare_settling, databases)] * PROCESSES)
        done: Round = pickle.loads(pickled)
        for encoding in REFERENCES:
            with psycopg.connect(databases.conninfo(f"{encoding}_in_two")) as target:
                Writer(target, encoding).receive(done.waiting)
            # The first round brings what later ones refer to, so it is written in order.
            shares = [done.batches[share::PROCESSES] for share in range(PROCESSES)] if number else [done.batches]
            theirs = _at_once([partial(_prepare_writing, databases, encoding, share) for share in shares])
            if number:
                rounds[encoding].add(ours, theirs)
    for encoding, name in REFERENCES.items():
        rounds[encoding].report(f"{name}, two processes", TARGET, unit="events/s")


def _prepare_settling(databases: Databases) -> Callable[[], None]:
    jobs.calm_garbage_collector()
    house = _house(databases, "ours_in_two")
    with house.transaction() as tx:  # connected
        partners.inbox_state(tx)

    def settle() -> None:
        while partners.settle_waiting(house.sessions, house.vault, limit=BATCH):
            pass

    return settle


def _prepare_writing(databases: Databases, encoding: str, batches: Sequence[Batch]) -> Callable[[], None]:
    return partial(_write, Writer(psycopg.connect(databases.conninfo(f"{encoding}_in_two")), encoding), batches)


def _at_once(preparations: Sequence[Callable[[], Callable[[], None]]]) -> float:
    """Let each work be prepared in a process of its own, start all at once; returns the seconds until all are done."""
    context = get_context("fork")  # what is to be written is there already
    barrier = context.Barrier(len(preparations) + 1)
    workers = [context.Process(target=_worker, args=(prepare, barrier)) for prepare in preparations]
    for worker in workers:
        worker.start()
    barrier.wait(60)
    begun = perf_counter()
    for worker in workers:
        worker.join()
    took = perf_counter() - begun
    assert all(worker.exitcode == 0 for worker in workers), "a process failed"
    return took


def _worker(prepare: Callable[[], Callable[[], None]], barrier: Any) -> None:
    work = prepare()
    barrier.wait(60)
    work()


def _house(databases: Databases, name: str) -> House:
    return build_house(Settings.for_tests(database_url=databases.url(name)))


def _disconnect(house: House) -> None:
    house.sessions.kw["bind"].dispose()


def _same(name: str, ours: Sizes, theirs: Sizes) -> bool:
    """Whether every table has the same rows and bytes; those that differ are told."""
    for table in ours:
        if ours[table] != theirs[table]:
            print(f"{name}: {table} differs, (rows, bytes) {ours[table]} and {theirs[table]}", file=sys.stderr)
    return ours == theirs
