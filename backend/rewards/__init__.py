"""Rewards: what points can be redeemed for, and everything that happens from the wish to the thing in hand."""

from backend.rewards.catalogue.code_files import CodeFile, open_code_file
from backend.rewards.catalogue.codes import (
    check_codes,
    import_codes,
    withdraw_batch,
)
from backend.rewards.catalogue.describing import (
    read_reward,
    read_terms,
    read_texts,
)
from backend.rewards.catalogue.models import DELIVERED_UNITS, KINDS
from backend.rewards.catalogue.offers import Offer, require_reward, retire_reward, save_reward, set_texts
from backend.rewards.catalogue.overview import describe_reward, left_of_each, reward_states
from backend.rewards.catalogue.proposing import (
    SHOW_AGAIN,
    TERMS,
    add_reward,
    decide_show_again,
    decide_terms,
    propose_terms,
    request_show_again,
)
from backend.rewards.catalogue.stock import change_stock
from backend.rewards.catalogue.terms import Limit, Terms, save_terms
from backend.rewards.errors import (
    CodeAlreadyShown,
    InvalidCodeFile,
    InvalidRecipient,
    NoSuchVoucher,
    RewardEnded,
    RewardExists,
    RewardNotForAccount,
    RewardNotFound,
    RewardNotYet,
    SoldOut,
)
from backend.rewards.holdings import holdings
from backend.rewards.orders.finisher import finisher
from backend.rewards.orders.handovers import carry_out, open_handovers, read_recipient
from backend.rewards.orders.outside import (
    Doors,
    add_provider,
    move_provider,
    outside_providers,
    provider_keys_end,
    retire_provider,
    rotate_provider_key,
)
from backend.rewards.orders.preparing import order_counts
from backend.rewards.orders.preparing import stuck as stuck_orders
from backend.rewards.orders.recipients import delete_recipients, recipient_of
from backend.rewards.orders.reconciling import reconcile_orders
from backend.rewards.orders.settling import OUTCOME, decide_outcome, request_outcome
from backend.rewards.providers import OUTSIDE
from backend.rewards.proving import differences
from backend.rewards.redemptions.cancelling import cancel
from backend.rewards.redemptions.changing import approve, expire, forget_devices, in_review, refund, refuse
from backend.rewards.redemptions.desk import Desk
from backend.rewards.redemptions.donations import Donation, donations
from backend.rewards.redemptions.errors import (
    DeviceNeeded,
    LimitReached,
    PriceChanged,
    RecipientNeeded,
    RecipientNotNeeded,
    RedemptionChanged,
    SharingNotAccepted,
    TooLateToCancel,
)
from backend.rewards.redemptions.forgetting import forget
from backend.rewards.redemptions.limits import LIMITS, decide_limits, request_limits, save_limits
from backend.rewards.redemptions.policy import Limits
from backend.rewards.redemptions.redeeming import redeem
from backend.rewards.redemptions.revealing import show_code
from backend.rewards.redemptions.taking import Wish
from backend.rewards.redemptions.telling import holder_of
from backend.rewards.redemptions.telling import in_full as redemption_in_full
from backend.rewards.redemptions.telling import several as redemptions
from backend.rewards.shelf import MOST_TOLD, ShelfItem, shelf, shelf_item
from backend.rewards.shelf import SENTENCES as REASONS

#: The kinds of providers outside the house.
OUTSIDE_KINDS = tuple(sorted(OUTSIDE))

__all__ = [
    "DELIVERED_UNITS",
    "KINDS",
    "LIMITS",
    "MOST_TOLD",
    "OUTCOME",
    "OUTSIDE_KINDS",
    "REASONS",
    "SHOW_AGAIN",
    "TERMS",
    "CodeAlreadyShown",
    "CodeFile",
    "Desk",
    "DeviceNeeded",
    "Donation",
    "Doors",
    "InvalidCodeFile",
    "InvalidRecipient",
    "Limit",
    "LimitReached",
    "Limits",
    "NoSuchVoucher",
    "Offer",
    "PriceChanged",
    "RecipientNeeded",
    "RecipientNotNeeded",
    "RedemptionChanged",
    "RewardEnded",
    "RewardExists",
    "RewardNotForAccount",
    "RewardNotFound",
    "RewardNotYet",
    "SharingNotAccepted",
    "ShelfItem",
    "SoldOut",
    "Terms",
    "TooLateToCancel",
    "Wish",
    "add_provider",
    "add_reward",
    "approve",
    "cancel",
    "carry_out",
    "change_stock",
    "check_codes",
    "decide_limits",
    "decide_outcome",
    "decide_show_again",
    "decide_terms",
    "delete_recipients",
    "describe_reward",
    "differences",
    "donations",
    "expire",
    "finisher",
    "forget",
    "forget_devices",
    "holder_of",
    "holdings",
    "import_codes",
    "in_review",
    "left_of_each",
    "move_provider",
    "open_code_file",
    "open_handovers",
    "order_counts",
    "outside_providers",
    "propose_terms",
    "provider_keys_end",
    "read_recipient",
    "read_reward",
    "read_terms",
    "read_texts",
    "recipient_of",
    "reconcile_orders",
    "redeem",
    "redemption_in_full",
    "redemptions",
    "refund",
    "refuse",
    "request_limits",
    "request_outcome",
    "request_show_again",
    "require_reward",
    "retire_provider",
    "retire_reward",
    "reward_states",
    "rotate_provider_key",
    "save_limits",
    "save_reward",
    "save_terms",
    "set_texts",
    "shelf",
    "shelf_item",
    "show_code",
    "stuck_orders",
    "withdraw_batch",
]
