"""Which groups of acts a report may show: none about fewer people than the floor, nor by taking one from another.

A report sums up the same acts in several ways: by day, by scenario and grade, by department. Each way is a partition
of them. Two rules hold for whatever is shown:

1. Each group of a partition is about at least `floor` people. Kinds with fewer go together, and if these are still too
   few, another kind joins them. So what is left of the total when groups are taken away is about as many.
2. The difference of any two figures is about nobody or about at least `floor` people: those with an act that stands in
   one of the two and not in the other. Where it is not so, groups of the finer partition go together until it is.

What is counted is people who did something: somebody who did nothing hides nobody. Pure.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations

Kind = Hashable
#: Partition → its groups of kinds; every kind is in one of them.
Groups = dict[str, list[frozenset[Kind]]]


class Crossed:
    """Who did something, by two partitions at a time.

    Of each pair of kinds at most `floor` people are remembered: whether a union of cells is about so many can be told
    from that, and the memory it takes does not grow with the people.
    """

    def __init__(self, partitions: Sequence[str], floor: int) -> None:
        if len(partitions) < 2 or floor < 1:
            raise ValueError("two partitions at least, and a floor of one person")
        self.partitions, self.floor = tuple(partitions), floor
        self._cells: dict[tuple[str, str], dict[Kind, dict[Kind, set[Hashable]]]] = {
            pair: defaultdict(dict) for pair in permutations(partitions, 2)
        }

    def add(self, kinds: Mapping[str, Kind], person: Hashable) -> None:
        """Somebody did something that is of this kind in each partition."""
        for one, other in combinations(self.partitions, 2):
            row = self._cells[one, other][kinds[one]]
            cell = row.get(kinds[other])
            if cell is None:
                cell = row[kinds[other]] = self._cells[other, one][kinds[other]][kinds[one]] = set()
            if len(cell) < self.floor:
                cell.add(person)

    def kinds(self, partition: str) -> list[Kind]:
        """The kinds of which there is an act."""
        return list(self._cells[partition, self._other(partition)])

    def people(self, partition: str, group: Collection[Kind]) -> int:
        """How many people did something of these kinds; `floor` stands for that many or more."""
        rows = self._cells[partition, self._other(partition)]
        return self._count(cell for kind in group for cell in rows[kind].values())

    def apart(self, one: str, group: Collection[Kind], other: str, other_group: Collection[Kind]) -> int:
        """How many people have an act in one of the two groups and not in the other; `floor`: that many or more."""
        return self._count(
            cell
            for first, mine, second, theirs in ((one, group, other, other_group), (other, other_group, one, group))
            for kind in mine
            for beside, cell in self._cells[first, second][kind].items()
            if beside not in theirs
        )

    def _other(self, partition: str) -> str:
        return next(name for name in self.partitions if name != partition)

    def _count(self, cells: Iterable[set[Hashable]]) -> int:
        found: set[Hashable] = set()
        for cell in cells:
            found |= cell
            if len(found) >= self.floor:
                return self.floor
        return len(found)


def groups_of(crossed: Crossed) -> Groups:
    """The groups of each partition that may be shown; none of any where there are too few people altogether."""
    groups = {name: _of_enough_people(crossed, name) for name in crossed.partitions}
    if not all(groups.values()):
        return {name: [] for name in crossed.partitions}
    while (clash := next(_clashes(crossed, groups), None)) is not None:
        name, group = clash
        groups[name] = _joined(crossed, name, groups[name], group)
    return groups


def _of_enough_people(crossed: Crossed, name: str) -> list[frozenset[Kind]]:
    """The kinds of a partition, those of too few people put together."""
    kinds = sorted(crossed.kinds(name), key=str)
    alone = [frozenset([kind]) for kind in kinds if crossed.people(name, [kind]) >= crossed.floor]
    rest = frozenset(kind for kind in kinds if crossed.people(name, [kind]) < crossed.floor)
    if not rest:
        return alone
    if crossed.people(name, rest) >= crossed.floor:
        return [*alone, rest]
    return _joined(crossed, name, [*alone, rest], rest) if alone else []


def _clashes(crossed: Crossed, groups: Groups) -> Iterator[tuple[str, frozenset[Kind]]]:
    """The groups that have to be put together with others, because a difference tells too much."""
    for one, other in combinations(crossed.partitions, 2):
        finer = one if len(groups[one]) >= len(groups[other]) else other
        for group in groups[one]:
            for other_group in groups[other]:
                if 0 < crossed.apart(one, group, other, other_group) < crossed.floor:
                    yield finer, group if finer == one else other_group


def _joined(
    crossed: Crossed, name: str, groups: Sequence[frozenset[Kind]], group: frozenset[Kind]
) -> list[frozenset[Kind]]:
    """The group together with the one of the fewest kinds beside it; those already put together are taken first."""
    others = [found for found in groups if found != group]
    partner = min(others, key=lambda found: (len(found) == 1, sorted(map(str, found))))
    return [*(found for found in others if found != partner), partner | group]
