"""Nothing an employer is shown is about fewer people than the floor, whatever is added to or taken from what."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.employer.privacy import Block, Shown, blocks, is_within, shown, totals

PATHS = st.lists(st.sampled_from("ABC"), max_size=3).map("/".join)
KINDS = st.sampled_from(["metro E3", "metro E1", "bus E3", "carpool E2"])
ACTS = st.lists(st.tuples(st.integers(0, 25), PATHS, KINDS), max_size=90)


def cells_of(acts):
    cells = defaultdict(set)
    for person, path, kind in acts:
        cells[path, kind].add(person)
    return cells


def published(cells, floor):
    """Every figure of a report as the set of the cells it sums: rows, and the total of every node that has one."""
    rows = shown(cells, floor)
    paths = {path for path, _ in cells}

    def summed(figures):
        return frozenset((p, k) for p, k in cells for f in figures if p in f.block.paths and k in f.kinds)

    return rows, [summed([row]) for row in rows] + [summed(parts) for parts in totals(rows, paths).values()]


@settings(max_examples=300, deadline=None)
@given(acts=ACTS, floor=st.integers(1, 12))
def test_no_combination_of_figures_is_about_fewer_people_than_the_floor(acts, floor):
    """Cells that stand in the same figures cannot be told apart by any linear combination of them, and one that gives
    cells a weight of their own gives it to all of these. So what can be isolated is made of such classes."""
    cells = cells_of(acts)
    _, figures = published(cells, floor)
    classes = defaultdict(set)
    for cell, people in cells.items():
        classes[tuple(cell in figure for figure in figures)] |= people
    for standing_in, people in classes.items():
        assert len(people) >= floor or not any(standing_in)


@settings(max_examples=150, deadline=None)
@given(acts=ACTS, floor=st.integers(1, 12))
def test_nothing_is_held_back_but_a_whole_report_below_the_floor(acts, floor):
    """Everybody's acts stand in exactly one row, and the top has a total, unless all together are too few."""
    cells = cells_of(acts)
    rows, _ = published(cells, floor)
    everybody = set().union(*cells.values()) if cells else set()
    if len(everybody) < floor or not everybody:
        assert rows == []
        return
    for path, kind in cells:
        assert sum(path in row.block.paths and kind in row.kinds for row in rows) == 1
    assert "" in totals(rows, {path for path, _ in cells})


def test_a_small_department_hides_with_its_parent_and_takes_the_smallest_block_with_it():
    people = {
        "总部": set(range(3)),
        "总部/研发": set(range(100, 120)),
        "总部/财务": set(range(200, 212)),
        "总部/法务": set(range(300, 302)),
        "工厂": set(range(400, 410)),
    }
    assert blocks(people, 10) == [
        Block("工厂", True, frozenset({"工厂"})),
        Block("总部", False, frozenset({"总部", "总部/法务", "总部/财务"})),
        Block("总部/研发", True, frozenset({"总部/研发"})),
    ]
    # Ten different people: somebody who moved within the month is one of them, not two.
    assert blocks({"A": set(range(6)), "B": set(range(3, 9))}, 10) == []


def test_rare_ways_go_together_and_take_a_frequent_one_with_them():
    cells = {
        ("A", "metro"): set(range(30)),
        ("A", "bus"): set(range(12)),
        ("A", "carpool"): {1, 2},
    }
    block = Block("A", True, frozenset({"A"}))
    assert shown(cells, 10) == [Shown(block, frozenset({"metro"})), Shown(block, frozenset({"bus", "carpool"}))]
    assert is_within("A/B", "A") and not is_within("AB", "A")
