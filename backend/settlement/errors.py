"""What settlement says no with."""

from backend.errors import Refusal


class NothingToReverse(Refusal):
    code = "NOTHING_TO_REVERSE"
    status = 409
    title = "该行为从未入账，无需冲正 / This act was never credited, there is nothing to take back"


class ReversalIsFinal(Refusal):
    code = "REVERSAL_IS_FINAL"
    status = 409
    title = "冲正不能再冲正 / A reversal cannot be reversed"
