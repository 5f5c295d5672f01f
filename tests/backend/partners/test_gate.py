"""The gate writes without asking first whether its connection still lives."""

import psycopg
from sqlalchemy import make_url

from tests.backend.world import World, trade_in


def test_an_event_is_taken_in_after_the_database_was_restarted(postgresql_url: str) -> None:
    """Every pooled connection is dead: the statement is said again on a fresh one."""
    world = World(postgresql_url)
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    url = make_url(postgresql_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    world.send("zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    world.settle()
    assert world.balances(alice)["reduction"] == 2 * 23_750
