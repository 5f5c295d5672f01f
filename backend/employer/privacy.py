"""Which figures may be shown: none by which anybody could work out a group of fewer people than the floor.

Whatever an employer is shown is a sum of *blocks*. Blocks share nothing, and each is about at least `floor` people. So
whatever is added to and taken from each other (a parent less its children, a total less its parts, one row less
another) is again made of whole blocks: no combination of figures is about fewer people than the smallest block.

1. Departments, from the bottom up. Those with fewer people than the floor go together with the rest of their parent. Is
   that still too few, the smallest block below the same parent joins them; if there is none, they go up one level.
   Whoever is left at the top below the floor is not shown, and neither is any sum with them.
2. Within a block, ways of travelling (methodology, version, evidence grade) with fewer people than the floor go
   together. Is that too few, the way with the fewest people joins them.

What is counted is people who did something, not people employed: nine who did nothing hide nobody. Pure.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

#: A department's path, and what was done there by whom: people by kind.
Path = str
People = Set[Any]
Cells = Mapping[tuple[Path, Any], People]

TOP = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Some departments under one node of the tree. `whole`: it is all that lies at and below the node."""

    node: Path
    whole: bool
    paths: frozenset[Path]


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of some kinds in some departments, as one figure; `kinds` of more than one stay together."""

    block: Block
    kinds: frozenset[Hashable]


def shown(cells: Cells, floor: int) -> list[Shown]:
    """The figures that may be shown, in the order of the tree; every one shares no cell with another."""
    everybody: dict[Path, set[Hashable]] = defaultdict(set)
    for (path, _), people in cells.items():
        everybody[path] |= people
    found = []
    for block in blocks(everybody, floor):
        kinds: dict[Hashable, set[Hashable]] = defaultdict(set)
        for (path, kind), people in cells.items():
            if path in block.paths:
                kinds[kind] |= people
        found += [Shown(block, group) for group in _groups(kinds, floor)]
    return found


def blocks(people: Mapping[Path, People], floor: int) -> list[Block]:
    """The departments with somebody in them, put together so that each block has `floor` people at least."""
    if floor < 1:
        raise ValueError("a floor is at least one person")
    peopled = {path: set(who) for path, who in people.items() if who}
    children: dict[Path, list[Path]] = defaultdict(list)
    for node in sorted({node for path in peopled for node in _upwards(path)} - {TOP}):
        children[_parent(node)].append(node)
    made, _ = _gather(TOP, peopled, children, floor)
    ordered = sorted(made, key=lambda block: (block[0], sorted(block[1])))
    return [Block(node, _is_whole(node, paths, peopled), frozenset(paths)) for node, paths in ordered]


_Made = list[tuple[Path, set[Path]]]


def _gather(
    node: Path, people: Mapping[Path, set[Hashable]], children: Mapping[Path, list[Path]], floor: int
) -> tuple[_Made, set[Path]]:
    """The blocks at and below a node, and the departments that are too few for one."""
    made: _Made = []
    rest = {node} if node in people else set()
    for child in children.get(node, ()):
        below, left_over = _gather(child, people, children, floor)
        made += below
        rest |= left_over
    count = _count(rest, people)
    if not count:
        return made, rest
    if count < floor:
        if not made:
            return made, rest
        smallest = min(made, key=lambda block: (_count(block[1], people), block[0], sorted(block[1])))
        made.remove(smallest)
        rest |= smallest[1]
    return [*made, (node, rest)], set()


def _groups(kinds: Mapping[Hashable, set[Hashable]], floor: int) -> list[frozenset[Hashable]]:
    """The kinds of a block, put together so that each group has `floor` people at least; the block has as many."""
    by_size = sorted((kind for kind in kinds if kinds[kind]), key=lambda kind: (len(kinds[kind]), str(kind)))
    alone = [kind for kind in by_size if len(kinds[kind]) >= floor]
    together = [kind for kind in by_size if len(kinds[kind]) < floor]
    while together and alone and _count(together, kinds) < floor:
        together.append(alone.pop(0))
    groups = [frozenset([kind]) for kind in sorted(alone, key=str)]
    return [*groups, frozenset(together)] if together else groups


def _count(names: Collection[Hashable], people: Mapping[Hashable, set[Hashable]] | Mapping[Path, set[Hashable]]) -> int:
    """How many different people stand under these names."""
    found: set[Hashable] = set()
    for name in names:
        found |= people[name]  # type: ignore[index]
    return len(found)


def totals(figures: Sequence[Shown], people: Collection[Path]) -> dict[Path, list[Shown]]:
    """For each node of the tree whose departments all lie in blocks of their own: the figures that sum to it."""
    made = {figure.block for figure in figures}
    found = {}
    for node in sorted({node for path in people for node in _upwards(path)}):
        inside = {path for path in people if is_within(path, node)}
        parts = {block for block in made if block.paths <= inside}
        if parts and inside == {path for block in parts for path in block.paths}:
            found[node] = [figure for figure in figures if figure.block in parts]
    return found


def is_within(path: Path, node: Path) -> bool:
    """Whether a department is this node or lies below it."""
    return node == TOP or path == node or path.startswith(node + "/")


def _is_whole(node: Path, paths: Set[Path], people: Collection[Path]) -> bool:
    return all(path in paths for path in people if is_within(path, node))


def _parent(path: Path) -> Path:
    return path.rpartition("/")[0]


def _upwards(path: Path) -> list[Path]:
    """The path and every node above it, up to the top."""
    found = [path]
    while found[-1]:
        found.append(_parent(found[-1]))
    return found
