"""Agreements 协议: what an employer or a school signed, so that records come in without a consent of each member.

`signing` begins and ends an agreement and tells which days it covers; `references` is what a source that rests on one
calls an account: a staff number, a class code.
"""

from backend.identity.agreements.references import (
    end_reference,
    name_account,
    name_for_days,
    recently_named,
    reference_index,
    referred_receivers,
)
from backend.identity.agreements.signing import (
    END,
    SIGN,
    AgreementView,
    agreements_of,
    decide,
    hold_agreements,
    request,
    request_end,
    sign,
)

__all__ = [
    "END",
    "SIGN",
    "AgreementView",
    "agreements_of",
    "decide",
    "end_reference",
    "hold_agreements",
    "name_account",
    "name_for_days",
    "recently_named",
    "reference_index",
    "referred_receivers",
    "request",
    "request_end",
    "sign",
]
