"""How gathered steps become trees. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Open:
    """A donation that is not wholly in trees yet: how many of its steps are still free."""

    holder_id: UUID
    donation_id: UUID
    free: int


def next_tree(donations: Sequence[Open], price: int) -> list[Open] | None:
    """The steps that make up one tree, taken from the earliest donations; None while they do not suffice."""
    if sum(donation.free for donation in donations) < price:
        return None
    parts, missing = [], price
    for donation in donations:
        taken = min(donation.free, missing)
        if taken:
            parts.append(Open(donation.holder_id, donation.donation_id, taken))
        missing -= taken
    return parts
