"""Rewards: what points can be redeemed for, and everything that happens from the wish to the thing in hand."""

from backend.rewards.catalogue import Offer, offer, require_reward, save_reward
from backend.rewards.errors import (
    AlreadyCarriedOut,
    CodeAlreadyShown,
    InvalidCodeFile,
    InvalidProvider,
    InvalidRecipient,
    InvalidReward,
    NoCountedStock,
    NoDailyList,
    NoSuchVoucher,
    OutcomeKnown,
    ProviderExists,
    RewardEnded,
    RewardExists,
    RewardNotForAccount,
    RewardNotFound,
    RewardNotYet,
    SandboxOnly,
    SoldOut,
    StockTooLow,
    TermsTooEarly,
    UnknownBatch,
    UnknownProvider,
)
from backend.rewards.finisher import Finisher
from backend.rewards.handovers import HandoverView, carry_out, handover_of, open_handovers, read_recipient
from backend.rewards.holdings import holdings
from backend.rewards.orders import OrderView, count_stuck
from backend.rewards.orders import stuck as stuck_orders
from backend.rewards.outside import (
    Doors,
    ProviderView,
    add_provider,
    outside_providers,
    retire_provider,
    rotate_provider_key,
)
from backend.rewards.providers import OUTSIDE
from backend.rewards.recipients import delete_recipients, recipient_of
from backend.rewards.reconciling import Compared, OrderDifference, reconcile_orders
from backend.rewards.settling import OUTCOME, decide_outcome, request_outcome
from backend.rewards.stock import change_stock, pieces_left, put_back, take
from backend.rewards.terms import Limit, Terms, save_terms
from backend.rewards.vouchers import ShownCode, reveal, take_code

#: The kinds of providers outside the house.
OUTSIDE_KINDS = tuple(sorted(OUTSIDE))

__all__ = [
    "OUTCOME",
    "OUTSIDE_KINDS",
    "AlreadyCarriedOut",
    "CodeAlreadyShown",
    "Compared",
    "Doors",
    "Finisher",
    "HandoverView",
    "InvalidCodeFile",
    "InvalidProvider",
    "InvalidRecipient",
    "InvalidReward",
    "Limit",
    "NoCountedStock",
    "NoDailyList",
    "NoSuchVoucher",
    "Offer",
    "OrderDifference",
    "OrderView",
    "OutcomeKnown",
    "ProviderExists",
    "ProviderView",
    "RewardEnded",
    "RewardExists",
    "RewardNotForAccount",
    "RewardNotFound",
    "RewardNotYet",
    "SandboxOnly",
    "ShownCode",
    "SoldOut",
    "StockTooLow",
    "Terms",
    "TermsTooEarly",
    "UnknownBatch",
    "UnknownProvider",
    "add_provider",
    "carry_out",
    "change_stock",
    "count_stuck",
    "decide_outcome",
    "delete_recipients",
    "handover_of",
    "holdings",
    "offer",
    "open_handovers",
    "outside_providers",
    "pieces_left",
    "put_back",
    "read_recipient",
    "recipient_of",
    "reconcile_orders",
    "request_outcome",
    "require_reward",
    "retire_provider",
    "reveal",
    "rotate_provider_key",
    "save_reward",
    "save_terms",
    "stuck_orders",
    "take",
    "take_code",
]
