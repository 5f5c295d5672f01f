"""Activities: orders and their lines, quantification, claims, and who wins when acts contend."""

from backend.activities.deciding import Decision, decide
from backend.activities.errors import ActRefused, Contended
from backend.activities.orders import (
    CANCELLED,
    CORRECTED,
    ORIGINAL,
    WHOLE_ORDER,
    LineState,
    OrderKey,
    OrderState,
    lock_orders,
    save_lines,
)
from backend.activities.policy import LONGEST_TRIP
from backend.activities.products import (
    PURCHASE,
    Earning,
    describe_product,
    earning,
    product_labelled,
    product_sold_as,
    purchase_data,
    registered_products,
)
from backend.activities.quantification import (
    Quantified,
    canonical_data,
    claims_engagement,
    day_rules,
    exact_text,
    library,
    quantify,
)
from backend.activities.reading import (
    Explained,
    act_of_holder,
    acts_of,
    baseline_type,
    explain,
    methodology_title,
    monitored_data,
    standing,
)
from backend.activities.reasons import REASONS, sentence
from backend.activities.records import Act, ActivityKey, load, record, record_bases, save_statuses
from backend.activities.replay import Recomputed, basis_of, recompute_all

__all__ = [
    "CANCELLED",
    "CORRECTED",
    "LONGEST_TRIP",
    "ORIGINAL",
    "PURCHASE",
    "REASONS",
    "WHOLE_ORDER",
    "Act",
    "ActRefused",
    "ActivityKey",
    "Contended",
    "Decision",
    "Earning",
    "Explained",
    "LineState",
    "OrderKey",
    "OrderState",
    "Quantified",
    "Recomputed",
    "act_of_holder",
    "acts_of",
    "baseline_type",
    "basis_of",
    "canonical_data",
    "claims_engagement",
    "day_rules",
    "decide",
    "describe_product",
    "earning",
    "exact_text",
    "explain",
    "library",
    "load",
    "lock_orders",
    "methodology_title",
    "monitored_data",
    "product_labelled",
    "product_sold_as",
    "purchase_data",
    "quantify",
    "recompute_all",
    "record",
    "record_bases",
    "registered_products",
    "save_lines",
    "save_statuses",
    "sentence",
    "standing",
]
