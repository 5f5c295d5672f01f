"""What the long run looks for is found when it is there: each check is shown a database that has the fault."""

import pytest
from sqlalchemy import Connection, text

from bench.chaos.checks import NEVER, NEVER_BOTH, rows_of
from tests.backend.world import World, cancel, days_ago, trade_in, trip

#: Everybody withdraws everything, as far as the record tells, at the moment they agreed.
WITHDRAWN = """
    INSERT INTO consent_changes (id, holder_id, partner, scene, granted, text_version, source, decided_by, changed_at)
    SELECT gen_random_uuid(), holder_id, partner, scene, FALSE, text_version, source, decided_by, changed_at
    FROM consent_changes"""
#: Fault → statements that make it, in a world where Alice rode (T1, T2) and traded in a phone that Bob claims as well.
PLANTED = {
    "an act counts although another one owns what it claims": ["UPDATE activities SET status = 'issued'"],
    "a claim is owned by an act that was taken back or refused": ["UPDATE activities SET status = 'refused'"],
    "two trips of one member overlap and both count": [
        "UPDATE activities SET ended_at = ended_at + interval '2 hours' WHERE order_no = 'T1'"
    ],
    "two acts of one line of an order count": ["UPDATE activities SET order_no = 'T1' WHERE order_no = 'T2'"],
    "something was taken back twice": [
        """INSERT INTO ledger_transactions
        (holder_id, id, programme, kind, idempotency_key, input_hash, reverses_id, posted_at)
        SELECT a.holder_id, gen_random_uuid(), t.programme, t.kind, 'again', t.input_hash, t.reverses_id, t.posted_at
        FROM ledger_transactions t JOIN activities a ON a.holder_id <> t.holder_id
        WHERE t.reverses_id IS NOT NULL LIMIT 1"""
    ],
    "an act counts and is not in the books, or the other way round": [
        "UPDATE activities SET status = 'taken_back' WHERE order_no = 'T1'"
    ],
    "somebody owes points and has points": [
        """INSERT INTO balances SELECT holder_id, programme, unnest(ARRAY['points.debt', 'points.available']), 1
        FROM balances WHERE account = 'reduction' AND amount > 0"""
    ],
    "a settled event does not say what became of it": ["UPDATE inbox SET outcome = NULL"],
    "an event was given up": ["UPDATE inbox SET state = 'dead'"],
    # What was withdrawn or ended is committed now, and what was credited is committed after it.
    "credited after a withdrawal was confirmed": [
        WITHDRAWN,
        "COMMIT",
        "UPDATE ledger_transactions SET reason = reason",
        "COMMIT",
    ],
    "credited before a withdrawal, and the record tells the opposite": [
        WITHDRAWN,
        "COMMIT",
    ],
    "credited after the last link had ended": [
        "UPDATE partner_links SET ended_at = linked_at",
        "COMMIT",
        "UPDATE ledger_transactions SET reason = reason",
        "COMMIT",
    ],
}


@pytest.fixture
def open_books(postgresql_url: str) -> World:
    """Some acts, and tables that let themselves be changed."""
    world = World(postgresql_url)
    for name in ("alice", "bob"):
        world.person(name)
    for number in (1, 2):
        world.send("transit", trip(f"T{number}", "alice", at=days_ago(3, 7 + number)))
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    world.send("zhuanzhuan", trade_in("D2", "bob", "SN-1"))
    world.send("zhuanzhuan", trade_in("D3", "bob", "SN-3"))
    world.settle()
    world.send("zhuanzhuan", cancel("D3", "bob"))
    world.settle()
    with world.house.transaction() as tx:
        for table in ("ledger_transactions", "consent_changes"):
            tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    return world


def test_every_fault_is_seen_and_nothing_else(open_books: World) -> None:
    queries = NEVER | NEVER_BOTH
    assert set(PLANTED) == set(queries)
    engine = open_books.house.sessions.kw["bind"]
    for fault, statements in PLANTED.items():
        with engine.connect() as connection:
            if statements[-1] != "COMMIT":
                assert rows_of(connection, queries[fault]) == [], fault
            _run(connection, statements)
            assert rows_of(connection, queries[fault]), fault
            connection.rollback()


def _run(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        if statement == "COMMIT":
            connection.commit()
        else:
            connection.execute(text(statement))
