"""How gathered steps become trees."""

from uuid import UUID

from backend.forest.policy import Open, next_tree

ANN, BOB = UUID(int=1), UUID(int=2)


def test_a_tree_is_paid_by_the_earliest_donations() -> None:
    given = [Open(ANN, UUID(int=11), 4_000), Open(BOB, UUID(int=12), 0), Open(BOB, UUID(int=13), 9_000)]
    assert next_tree(given, 13_001) is None
    assert next_tree(given, 10_000) == [Open(ANN, UUID(int=11), 4_000), Open(BOB, UUID(int=13), 6_000)]
    assert next_tree(given, 4_000) == [Open(ANN, UUID(int=11), 4_000)]
