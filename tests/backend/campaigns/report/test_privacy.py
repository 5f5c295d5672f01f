"""No figure of a report is about fewer people than the floor, nor is the difference of any two."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.campaigns.report.privacy import Crossed, groups_of

PARTITIONS = ("day", "kind", "department")
ACTS = st.lists(
    st.tuples(st.integers(0, 12), *(st.sampled_from(kinds) for kinds in ("MTWF", ["metro", "bus", "bike"], "ABC"))),
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(acts=ACTS, floor=st.integers(1, 6))
def test_neither_a_figure_nor_the_difference_of_two_is_about_too_few_people(acts, floor):
    crossed = Crossed(PARTITIONS, floor)
    for person, *kinds in acts:
        crossed.add(dict(zip(PARTITIONS, kinds, strict=True)), person)
    groups = groups_of(crossed)
    everybody = {person for person, *_ in acts}
    if len(everybody) < floor or not acts:
        assert not any(groups.values())
        return
    figures = [frozenset(range(len(acts)))]  # the total is shown as well
    for place, name in enumerate(PARTITIONS, start=1):
        kinds = {act[place] for act in acts}
        assert sorted(kind for group in groups[name] for kind in group) == sorted(kinds)  # each stands in one group
        figures += [frozenset(n for n, act in enumerate(acts) if act[place] in group) for group in groups[name]]
    people = lambda numbers: len({acts[number][0] for number in numbers})  # noqa: E731
    assert all(people(figure) >= floor for figure in figures)
    for one, other in combinations(figures, 2):
        assert one == other or people(one ^ other) >= floor


def test_kinds_of_enough_people_stay_apart():
    crossed = Crossed(("day", "kind"), 5)
    for person in range(10):
        crossed.add({"day": person % 2, "kind": "metro" if person < 5 else "bus"}, person)
        crossed.add({"day": 2, "kind": "rare" if person < 2 else "metro"}, person)
    found = {name: {tuple(sorted(group)) for group in groups} for name, groups in groups_of(crossed).items()}
    assert found == {"day": {(0,), (1,), (2,)}, "kind": {("bus", "rare"), ("metro",)}}
