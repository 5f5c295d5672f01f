"""Rewards: what points can be redeemed for, and everything that happens from the wish to the thing in hand."""

from backend.rewards.catalogue import Offer, offer, require_reward, save_reward
from backend.rewards.errors import (
    CodeAlreadyShown,
    InvalidCodeFile,
    InvalidProvider,
    InvalidReward,
    NoCountedStock,
    NoSuchVoucher,
    ProviderExists,
    RewardEnded,
    RewardExists,
    RewardNotForAccount,
    RewardNotFound,
    RewardNotYet,
    SoldOut,
    StockTooLow,
    TermsTooEarly,
    UnknownBatch,
    UnknownProvider,
)
from backend.rewards.holdings import holdings
from backend.rewards.stock import change_stock, pieces_left, put_back, take
from backend.rewards.terms import Limit, Terms, save_terms
from backend.rewards.vouchers import ShownCode, reveal, take_code

__all__ = [
    "CodeAlreadyShown",
    "InvalidCodeFile",
    "InvalidProvider",
    "InvalidReward",
    "Limit",
    "NoCountedStock",
    "NoSuchVoucher",
    "Offer",
    "ProviderExists",
    "RewardEnded",
    "RewardExists",
    "RewardNotForAccount",
    "RewardNotFound",
    "RewardNotYet",
    "ShownCode",
    "SoldOut",
    "StockTooLow",
    "Terms",
    "TermsTooEarly",
    "UnknownBatch",
    "UnknownProvider",
    "change_stock",
    "holdings",
    "offer",
    "pieces_left",
    "put_back",
    "require_reward",
    "reveal",
    "save_reward",
    "save_terms",
    "take",
    "take_code",
]
