"""What car-free days refuse."""

from backend.errors import NotFound, Refusal


class PledgesNotTaken(Refusal):
    """The campaign has no car-free days."""

    code = "PLEDGES_NOT_TAKEN"
    status = 409
    title = "该活动没有无车日承诺 / This campaign takes no pledges"


class PledgeTooLate(Refusal):
    """The day is over, or not one of the campaign; `days` are those that can be pledged."""

    code = "PLEDGE_TOO_LATE"
    status = 409
    title = "该日期不可承诺或撤回 / This day cannot be pledged or taken back (any more)"


class NoPledge(NotFound):
    """The member did not pledge for this day."""
