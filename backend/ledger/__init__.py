"""The ledger: transfers of whole grams and points between named accounts, and the only writer of balances."""

from backend.ledger.announcing import TOPICS, balances_before, changes
from backend.ledger.chart import CHART, EAC, OFFSET, POINTS, REDUCTION, STEPS, Account
from backend.ledger.errors import IdempotencyConflict, InsufficientBalance, InvalidTransfer
from backend.ledger.reading import (
    Entry,
    Move,
    Posted,
    all_balances,
    entries,
    entries_of_activities,
    entry,
    hold_balances,
    holdings,
    is_reversal,
    moves_of,
    posted_for,
)
from backend.ledger.service import balances, post, system_balances
from backend.ledger.summing import Issued, issued_by_lot, net_issued_points, programme_totals
from backend.ledger.transactions import Transaction, Transfer, reversal
from backend.ledger.trial_balance import differences

__all__ = [
    "CHART",
    "EAC",
    "OFFSET",
    "POINTS",
    "REDUCTION",
    "STEPS",
    "TOPICS",
    "Account",
    "Entry",
    "IdempotencyConflict",
    "InsufficientBalance",
    "InvalidTransfer",
    "Issued",
    "Move",
    "Posted",
    "Transaction",
    "Transfer",
    "all_balances",
    "balances",
    "balances_before",
    "changes",
    "differences",
    "entries",
    "entries_of_activities",
    "entry",
    "hold_balances",
    "holdings",
    "is_reversal",
    "issued_by_lot",
    "moves_of",
    "net_issued_points",
    "post",
    "posted_for",
    "programme_totals",
    "reversal",
    "system_balances",
]
