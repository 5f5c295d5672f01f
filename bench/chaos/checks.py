"""What may never be seen: in any snapshot during the run, and at its end."""

import threading
import time
from collections.abc import Mapping

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from backend import database, ledger, points, rewards

#: A worker that died delivering notices holds its destination for two minutes.
LONGEST_CLAIM_S = 150.0
#: Rows that no snapshot may show.
NEVER = {
    "an act counts although another one owns what it claims": """
        SELECT a.id FROM claim_contenders c
        JOIN activities a ON a.holder_id = c.holder_id AND a.id = c.activity_id WHERE a.status = 'issued'""",
    "a claim is owned by an act that was taken back or refused": """
        SELECT a.id FROM claims c JOIN activities a ON a.holder_id = c.holder_id AND a.id = c.activity_id
        WHERE a.status NOT IN ('issued', 'outdone', 'kept')""",
    "two trips of one member overlap and both count": """
        SELECT a.id FROM activities a JOIN activities b
        ON a.holder_id = b.holder_id AND a.id <> b.id AND a.started_at < b.ended_at AND b.started_at < a.ended_at
        WHERE a.status = 'issued' AND b.status = 'issued'""",
    "two acts of one line of an order count": """
        SELECT partner, order_no, line FROM activities WHERE status = 'issued'
        GROUP BY partner, order_no, line HAVING count(*) > 1""",
    "something was taken back twice": """
        SELECT reverses_id FROM ledger_transactions WHERE reverses_id IS NOT NULL
        GROUP BY reverses_id HAVING count(*) > 1""",
    "an act counts and is not in the books, or the other way round": """
        SELECT a.id FROM activities a LEFT JOIN (
            SELECT holder_id, activity_id, count(*) FILTER (WHERE kind = 'issue')
                                         - count(*) FILTER (WHERE kind = 'issue.reversed') AS standing
            FROM ledger_transactions GROUP BY holder_id, activity_id) t
        ON t.holder_id = a.holder_id AND t.activity_id = a.id
        WHERE coalesce(t.standing, 0)
           <> CASE WHEN a.status = 'issued' AND a.reduction_g + a.offset_g + a.eac_wh > 0 THEN 1 ELSE 0 END""",
    "somebody owes points and has points": """
        SELECT d.holder_id FROM balances d JOIN balances a ON a.holder_id = d.holder_id AND a.programme = d.programme
        WHERE d.account = 'points.debt' AND d.amount > 0 AND a.account = 'points.available' AND a.amount > 0""",
    "a settled event does not say what became of it": "SELECT id FROM inbox WHERE state = 'done' AND outcome IS NULL",
    "an event was given up": "SELECT id FROM inbox WHERE state = 'dead'",
}

#: Credits and the instant of their commit; PostgreSQL keeps it (track_commit_timestamp).
_CREDITS = """
    WITH credits AS (
        SELECT t.id, t.holder_id, t.posted_at, a.recorded_at, a.partner, a.scene,
               pg_xact_commit_timestamp(t.xmin) AS committed_at
        FROM ledger_transactions t JOIN activities a ON a.holder_id = t.holder_id AND a.id = t.activity_id
        WHERE t.kind = 'issue'),
    changes AS (
        SELECT holder_id, partner, scene, granted, changed_at, pg_xact_commit_timestamp(xmin) AS committed_at
        FROM consent_changes)
"""
#: Rows that the end may not show: whoever withdrew is not credited, in what was committed and in what is told of it.
NEVER_BOTH = {
    "credited after a withdrawal was confirmed": f"""{_CREDITS}
        SELECT c.id FROM credits c WHERE (
            SELECT w.granted FROM changes w WHERE w.holder_id = c.holder_id AND w.partner = c.partner
            AND w.scene = c.scene AND w.committed_at < c.committed_at ORDER BY w.committed_at DESC LIMIT 1
        ) IS NOT TRUE""",
    "credited before a withdrawal, and the record tells the opposite": f"""{_CREDITS}
        SELECT c.id FROM credits c JOIN changes w
        ON w.holder_id = c.holder_id AND w.partner = c.partner AND w.scene = c.scene
        WHERE NOT w.granted AND w.committed_at > c.committed_at AND w.changed_at < c.posted_at""",
    "credited after the last link had ended": f"""{_CREDITS}
        SELECT c.id FROM credits c WHERE c.posted_at = c.recorded_at AND NOT EXISTS (
            SELECT FROM partner_links l WHERE l.holder_id = c.holder_id AND l.partner = c.partner
            AND (l.ended_at IS NULL OR pg_xact_commit_timestamp(l.xmin) > c.committed_at))""",
}


def seen(engine: Engine, never: Mapping[str, str] = NEVER) -> list[str]:
    """What one consistent snapshot shows that may never be: the books as the trial balance proves them, and `never`."""
    with Session(engine) as tx:
        database.read_one_moment(tx)
        wrong = (*ledger.differences(tx), *points.differences(tx), *rewards.differences(tx))
        faults = [f"trial balance: {row}" for row in wrong]
        found = {fault: rows_of(tx.connection(), query) for fault, query in never.items()}
    return faults + [f"{fault}: {', '.join(rows)}" for fault, rows in found.items() if rows]


def rows_of(connection: Connection, query: str) -> list[str]:
    """What names the first rows that a query finds."""
    return [str(row[0]) for row in connection.execute(text(query)).fetchmany(3)]


class Watch(threading.Thread):
    """Looks at a consistent snapshot every few seconds. `looks`: how often; `faults`: what it saw."""

    def __init__(self, engine: Engine, every_s: float) -> None:
        super().__init__(daemon=True)
        self.looks = 0
        self.faults: list[str] = []
        self._engine, self._every_s = engine, every_s
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self.faults += seen(self._engine)
            except Exception as error:
                self.faults.append(f"a look failed: {error!r}")
            self.looks += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


#: What there may be while it is being worked on, and may not stay.
UNDONE = {
    "events wait": "SELECT count(*) FROM inbox WHERE state = 'waiting'",
    "announcements have no position": "SELECT count(*) FROM outbox WHERE position IS NULL",
    "lots are ripe and pending": "SELECT count(*) FROM points_lots WHERE stage = 'pending' AND available_at <= now()",
    "announcements were not passed on": """
        SELECT count(*) FROM sync_destinations d JOIN outbox o ON o.position > d.position""",
    "orders have an unknown outcome": """
        SELECT count(*) FROM reward_orders WHERE state IN ('waiting', 'placing', 'withdrawing')""",
    "notices wait or were given up": "SELECT count(*) FROM sync_deliveries WHERE state IN ('waiting', 'dead')",
}
#: What nobody may leave behind.
REMAINS = {
    "sessions of ended processes are open": """
        SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^(worker-|web$)'""",
    "transactions are prepared and never ended": "SELECT count(*) FROM pg_prepared_xacts",
}


def wait_until_settled(engine: Engine) -> None:
    """Until nothing is undone any more, or nothing has moved for longer than a dead worker's claim lasts."""
    least, ends = None, time.monotonic() + LONGEST_CLAIM_S
    while time.monotonic() < ends:
        left = sum(_counts(engine, UNDONE).values())
        if not left:
            return
        if least is None or left < least:
            least, ends = left, time.monotonic() + LONGEST_CLAIM_S
        time.sleep(0.5)


def limbo(engine: Engine) -> list[str]:
    """What is undone, or left of processes that died, when everything is settled and every process has ended."""
    return [f"{count} {what}" for what, count in _counts(engine, UNDONE | REMAINS).items() if count]


def _counts(engine: Engine, queries: Mapping[str, str]) -> dict[str, int]:
    with engine.connect() as connection:
        return {what: connection.execute(text(query)).scalar_one() for what, query in queries.items()}
