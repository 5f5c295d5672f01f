"""Every scheduled job on one page, and the worker process that runs them.

Any number of workers settle events side by side; one of them, the elected leader, also runs the schedule. The election
is a lease in the database: whoever holds it renews it, and another takes over when it runs out.
"""

import gc
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Text, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from backend import (
    campaigns,
    clock,
    declarations,
    forest,
    idempotency,
    identity,
    member_messages,
    name_desk,
    outbox,
    partners,
    points,
    rewards,
    steps,
    sync,
)
from backend.database import Base, Instant, transaction
from backend.identity import public_names
from backend.lists import insert_rows
from backend.member_messages import Channel
from backend.settings import Settings
from backend.vault import Vault

LEASE = timedelta(seconds=15)
#: How long an idle worker waits before it looks into the inbox again.
IDLE_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Lease(Base):
    """Who may run the schedule, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled job: `run(tx, now)` does one bounded step and returns how much it did; 0 means done for now."""

    name: str
    every_seconds: int
    run: Callable[[Session, datetime], int]


JOBS = (
    Job("outbox.give_positions", 1, lambda tx, now: outbox.give_positions(tx)),
    Job("points.ripen", 10, lambda tx, now: points.ripen(tx, now=now)),
    Job("points.lapse", 60, lambda tx, now: points.lapse(tx, now=now)),
    Job("points.end_with_employment", 600, lambda tx, now: points.end_with_employment(tx, now=now)),
    Job("points.take_up_returned", 60, lambda tx, now: points.take_up_returned(tx)),
    Job("points.warn_of_budgets", 60, lambda tx, now: points.warn_of_budgets(tx, now=now)),
    Job("points.purge_cap_counts", 3_600, lambda tx, now: points.purge_cap_counts(tx, now=now)),
    Job("partners.wake_ready", 30, lambda tx, now: partners.wake_ready(tx, now=now)),
    Job("partners.erase_unowned", 3_600, lambda tx, now: partners.erase_unowned(tx, now=now)),
    Job("partners.erase_lists", 600, lambda tx, now: partners.reconciliation.erase_lists(tx, now=now)),
    Job("partners.expire_parked", 600, lambda tx, now: partners.expire_parked(tx, now=now)),
    Job("rewards.delete_recipients", 3_600, lambda tx, now: rewards.delete_recipients(tx, now=now)),
    Job("campaigns.purge_friend_codes", 3_600, lambda tx, now: campaigns.friends.purge_codes(tx, now=now)),
    Job("campaigns.mend_teams", 60, lambda tx, now: campaigns.teams.mend_teams(tx)),
    Job("steps.let_donate", 60, lambda tx, now: steps.let_donate(tx, now=now)),
    Job("declarations.delete_photos", 600, lambda tx, now: declarations.delete_photos(tx, now=now)),
    Job("campaigns.count_car_free", 60, lambda tx, now: campaigns.car_free.count_due(tx, now=now)),
    Job("sync.begin_comparisons", 3_600, lambda tx, now: sync.begin_comparisons(tx, now=now)),
    Job("idempotency.purge", 600, lambda tx, now: idempotency.purge(tx, now=now)),
    Job("campaigns.correct_finals", 10, lambda tx, now: campaigns.closing.correct_finals(tx, now=now)),
    Job("campaigns.pay", 10, lambda tx, now: campaigns.awards.pay(tx, now=now)),
    Job("member_messages.collect", 300, lambda tx, now: member_messages.collect_warnings(tx, now=now)),
    Job("member_messages.purge", 3_600, lambda tx, now: member_messages.purge_messages(tx, now=now)),
    Job("campaigns.count_heads", 60, lambda tx, now: campaigns.scoring.count_all_heads(tx, now=now)),
    Job("rewards.forget_devices", 3_600, lambda tx, now: rewards.forget_devices(tx, now=now)),
    Job("identity.purge_spent", 3_600, lambda tx, now: identity.purge_spent(tx, now=now)),
    Job("identity.purge_consent_changes", 86_400, lambda tx, now: identity.purge_consent_changes(tx, now=now)),
)


def purging(settings: Settings) -> Job:
    """The job whose measure the operator chooses: announcements and deliveries that are old enough."""
    kept, dead_kept = timedelta(days=settings.notices_kept_days), timedelta(days=settings.dead_notices_kept_days)
    return Job(
        "sync.purge",
        3_600,
        lambda tx, now: sync.purge(
            tx, kept=kept, dead_kept=dead_kept, now=now, followed=campaigns.scoring.followed_by_all(tx)
        ),
    )


@dataclass(frozen=True, slots=True)
class Errand:
    """What takes its time or calls the outside: it runs apart from transactions, on the leader, and makes its own."""

    name: str
    every_seconds: int
    run: Callable[[sessionmaker[Session], Vault, Collection[str]], object]


ERRANDS = (
    Errand("steps.pull", 3_600, lambda sessions, vault, hosts: steps.pull_due(sessions, vault, allowed_hosts=hosts)),
    Errand("forest.end_withdrawn", 60, lambda sessions, vault, hosts: forest.end_withdrawn(sessions, vault)),
    Errand(
        "partners.reconcile",
        3_600,
        lambda sessions, vault, hosts: partners.reconciliation.daily_round(sessions, vault, allowed_hosts=hosts),
    ),
    Errand(
        "points.snapshot_liabilities",
        600,
        lambda sessions, vault, hosts: points.snapshot_liabilities(sessions, clock.now()),
    ),
    Errand(
        "roster.pull",
        600,
        lambda sessions, vault, hosts: identity.roster.pull_due(sessions, vault, allowed_hosts=hosts),
    ),
    Errand(
        "campaigns.close",
        30,
        lambda sessions, vault, hosts: campaigns.closing.close_due(sessions, vault.statement_key),
    ),
    Errand("campaigns.count_challenges", 60, lambda sessions, vault, hosts: campaigns.challenges.refresh(sessions)),
    Errand(
        "campaigns.finish_challenges",
        60,
        lambda sessions, vault, hosts: campaigns.challenges.finish_due(sessions, vault),
    ),
    Errand("rewards.expire", 60, lambda sessions, vault, hosts: rewards.expire(sessions, clock.now())),
)


def messaging(channel: Channel, stop: "Stop") -> Errand:
    """The errand that sends messages to members over this channel; told to stop, it begins no further one."""

    def send(sessions: sessionmaker[Session], vault: Vault, hosts: Collection[str]) -> None:
        member_messages.send_due(sessions, vault, channel, stopping=lambda: stop.wanted)

    return Errand("member_messages.send", 10, send)


def checking_names(names: public_names.NameDesk, stop: "Stop") -> Errand:
    """The errand that asks again about names nobody could check; told to stop, it asks about no further one."""

    def check(sessions: sessionmaker[Session], vault: Vault, hosts: Collection[str]) -> None:
        names.check_waiting(stopping=lambda: stop.wanted)

    return Errand("names.check_waiting", 60, check)


def scoring(stop: "Stop", accelerator: campaigns.boards.Accelerator | None) -> tuple[Errand, ...]:
    """The errands that bring the scores of campaigns up with the books, compare them with the acts, and fill boards;
    told to stop, they end behind the batch in hand. Boards hear of what changed."""
    tell = partial(campaigns.boards.apply, accelerator)

    def follow(sessions: sessionmaker[Session], vault: Vault, hosts: Collection[str]) -> None:
        campaigns.scoring.follow_all(sessions, tell=tell, stopping=lambda: stop.wanted)

    def compare(sessions: sessionmaker[Session], vault: Vault, hosts: Collection[str]) -> None:
        campaigns.scoring.compare_all(sessions, tell=tell, stopping=lambda: stop.wanted)

    filling = Errand("campaigns.fill_boards", 2, lambda *_: campaigns.boards.keep(accelerator))
    return Errand("campaigns.follow", 1, follow), Errand("campaigns.compare", 21_600, compare), filling


def take_lease(tx: Session, name: str, owner: str, *, now: datetime) -> bool:
    """Take or renew a lease; False while somebody else holds it."""
    row = {"name": name, "owner": owner, "until": now + LEASE}
    if insert_rows(tx, Lease, [row], on_conflict=("name",), returning=("name",)):
        return True
    statement = (
        update(Lease)
        .values(owner=owner, until=now + LEASE)
        .where(Lease.name == name, or_(Lease.owner == owner, Lease.until <= now))
        .returning(Lease.name)
        .execution_options(synchronize_session=False)
    )
    return tx.scalar(statement) is not None


def run_errand(
    sessions: sessionmaker[Session], vault: Vault, hosts: Collection[str], errand: Errand, owner: str
) -> None:
    """Run an errand if the lease is ours; what goes wrong is logged, and it is tried again when its time comes."""
    try:
        with transaction(sessions) as tx:
            if not take_lease(tx, "schedule", owner, now=clock.now()):
                return
        errand.run(sessions, vault, hosts)
    except Exception as error:
        log.error("errand_failed", name=errand.name, exc_info=error)


def run_job(sessions: sessionmaker[Session], job: Job, owner: str) -> None:
    """Run a job step by step while there is work and the lease is ours."""
    while True:
        with transaction(sessions) as tx:
            if not take_lease(tx, "schedule", owner, now=clock.now()):
                return
            done = job.run(tx, clock.now())
        if not done:
            return
        log.info("job", name=job.name, done=done)


class Stop:
    """Whether the worker was told to stop. A plain mark: a signal handler must not touch a lock its thread may hold."""

    def __init__(self) -> None:
        self.wanted = False

    def listen(self) -> None:
        """Stop at SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.now())

    def now(self) -> None:
        self.wanted = True


def calm_garbage_collector() -> None:
    """Look for garbage less often: a batch makes many objects that live to its end, and looking costs a sixth of it."""
    gc.set_threshold(10_000, 10, 10)


def work(sessions: sessionmaker[Session], vault: Vault, stop: Stop, settings: Settings) -> None:
    """The worker process: settle events, deliver notices, finish orders and run the schedule until stopped."""
    calm_garbage_collector()
    owner = str(uuid4())
    scheduler = BackgroundScheduler(timezone=clock.SHANGHAI)
    for job in (*JOBS, purging(settings)):
        _schedule(scheduler, run_job, job, sessions, job, owner)
    channel = member_messages.channel_of(settings, sessions, vault)
    checking = checking_names(name_desk(settings, sessions, vault), stop)
    accelerator = campaigns.boards.accelerator(settings.redis_url, sessions)
    for errand in (*ERRANDS, messaging(channel, stop), checking, *scoring(stop, accelerator)):
        _schedule(scheduler, run_errand, errand, sessions, vault, settings.sandbox_hosts, errand, owner)
    courier = sync.courier(sessions, vault, settings.sandbox_hosts)
    finisher = rewards.finisher(sessions, vault, rewards.Doors(settings.sandbox_hosts, settings.sandbox))
    scheduler.start()
    courier.start()
    finisher.start()
    try:
        while not stop.wanted:
            if not _settle_once(sessions, vault):
                time.sleep(IDLE_SECONDS)
    finally:
        courier.stop()
        finisher.stop()
        scheduler.shutdown()


def _schedule(scheduler: BackgroundScheduler, run: Callable[..., None], what: Job | Errand, *arguments: object) -> None:
    """From now on, every so often, never twice at once."""
    scheduler.add_job(
        run,
        "interval",
        seconds=what.every_seconds,
        args=arguments,
        id=what.name,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,  # late is better than only when its time comes again, which may be hours
        next_run_time=clock.now(),
    )


def _settle_once(sessions: sessionmaker[Session], vault: Vault) -> int:
    try:
        return partners.settle_waiting(sessions, vault)
    except Exception as error:  # whatever it is, the worker stays: the events are still waiting
        log.error("settling_failed", exc_info=error)
        return 0
