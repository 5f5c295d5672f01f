"""What operators do and are told at a terminal: one module per group of commands. `cli.py` puts them on its page."""

from backend.commands import (
    agreements,
    approvals,
    calendar,
    declarations,
    members,
    messages,
    operators,
    partners,
    points,
    redemptions,
    restatement,
    reviews,
    rewards,
    roster,
    steps,
    sync,
)

__all__ = [
    "agreements",
    "approvals",
    "calendar",
    "declarations",
    "members",
    "messages",
    "operators",
    "partners",
    "points",
    "redemptions",
    "restatement",
    "reviews",
    "rewards",
    "roster",
    "steps",
    "sync",
]
