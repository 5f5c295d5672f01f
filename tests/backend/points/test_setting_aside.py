"""What is stated to be set aside, and the switch of the cover page, when several operators act at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from backend import clock, operator_log, points
from tests.backend.operating import signed_in
from tests.backend.world import World


def test_statements_and_switches_at_once_follow_one_another(postgresql_url: str) -> None:
    world = World(postgresql_url)
    zhao, today, crowd = signed_in(world, "zhao", "finance"), clock.today(), 6
    start = threading.Barrier(2 * crowd)

    def act(number: int) -> None:
        start.wait()
        with world.house.transaction() as tx:
            if number % 2:
                points.show_cover(tx, "members", True, operator=zhao, reason="asked", now=clock.now())
            else:
                points.set_aside(tx, "members", number, today, now=clock.now())

    with ThreadPoolExecutor(2 * crowd) as pool:
        list(pool.map(act, range(2 * crowd)))
    with world.house.transaction() as tx:
        numbers = [
            tx.scalars(text(f"SELECT sequence FROM {table} ORDER BY sequence")).all()
            for table in ("points_set_aside", "points_cover_switches")
        ]
        log = [row.action for row in operator_log.read(tx)]
    assert numbers == [list(range(1, crowd + 1)), [1]], "shown once, however many said so"
    assert log == ["points.cover_shown"]
