"""What a redemption may become, what limits it, and when a person looks at it first. Pure."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from backend import clock
from backend.rewards.interfaces import NOT_SHIPPED
from backend.rewards.redemptions.errors import LimitReached

#: In review by an operator; points kept, not sent yet; sent, or being sent, with an unknown outcome; and the ends.
REVIEW, RESERVED, REQUESTED = "review", "reserved", "requested"
CONFIRMED, CANCELLED, EXPIRED, REFUNDED = "confirmed", "cancelled", "expired", "refunded"
STATES = (REVIEW, RESERVED, REQUESTED, CONFIRMED, CANCELLED, EXPIRED, REFUNDED)
#: The points are kept and nothing was sent: it ends by itself when its time is over.
HELD = (REVIEW, RESERVED)
#: The points are kept.
KEPT_STATES = (*HELD, REQUESTED)
#: What uses limits up: what came to nothing does not.
STANDING = (*KEPT_STATES, CONFIRMED)
#: What became of a member's wish to cancel what is at a provider (`withdrawal`): asked until it says, or not agreed to.
ASKED, DENIED = WITHDRAWALS = ("asked", "denied")
#: Whose doing a step was.
MEMBER, OPERATOR, HOUSE, PROVIDER = ACTORS = ("member", "operator", "house", "provider")

#: Into which states a redemption may go from each.
STEPS = {
    REVIEW: (RESERVED, CONFIRMED, CANCELLED, EXPIRED),
    RESERVED: (REQUESTED, CANCELLED, EXPIRED),
    REQUESTED: (CONFIRMED, CANCELLED),
    CONFIRMED: (REFUNDED,),
    CANCELLED: (),
    EXPIRED: (),
    REFUNDED: (),
}

#: What each state means to the member.
SENTENCES = {
    REVIEW: "正在人工审核，积分已为您预留 / Being reviewed by a person; your points are kept for it",
    RESERVED: "已受理，积分已预留，等待发送 / Accepted and your points are kept; it is about to be sent",
    REQUESTED: "已提交供应方，正在等待结果 / Sent to the provider; waiting for the outcome",
    CONFIRMED: "兑换成功 / Redeemed",
    CANCELLED: "已取消，积分已退回 / Cancelled; your points came back",
    EXPIRED: "已过期，积分已退回 / Expired; your points came back",
    REFUNDED: "已退款，积分已退回 / Refunded; your points came back",
}

#: What is said instead while a provider is asked to withdraw it, and once it does not.
WITHDRAWAL_SENTENCES = {
    ASKED: "已申请取消，正在等待供应方答复 / You asked to cancel it; waiting for the provider's answer",
    DENIED: "兑换成功；供应方未同意取消 / Redeemed; the provider did not agree to cancel it",
}

#: Why a redemption is in its state.
WHY = {
    "MANY_AT_ONCE": "短时间内兑换较多，为账户安全先行审核 / Many redemptions in a short time: reviewed for safety",
    "NEW_ACCOUNT": "新账户的较大兑换先行审核 / A large redemption of a new account is reviewed first",
    "REVIEW_APPROVED": "审核通过 / The review approved it",
    "REVIEW_REFUSED": "审核未通过 / The review refused it",
    "REVIEW_EXPIRED": "未能在期限内完成审核 / The review was not finished in time",
    "RESERVATION_EXPIRED": "未能在期限内发送 / It could not be sent in time",
    "MEMBER_CANCELLED": "您取消了兑换 / You cancelled it",
    "PROVIDER_REFUSED": "供应方拒绝了该兑换 / The provider refused it",
    "PROVIDER_WITHDRAWN": "供应方未收到或已撤回，不会再发货 / The provider withdrew it and will not deliver",
    "PROVIDER_CANCELLED": "供应方未能完成 / The provider could not carry it out",
    "NOT_DELIVERED": "经向供应方核实，未能交付 / We asked the provider and found that it was not delivered",
    "OPERATOR_REFUNDED": "客服为您退款 / The house refunded it",
    "MEMBER_FORGOTTEN": "账户已注销 / The account was deleted",
}


def may_cancel(state: str, *, waits: bool = False, status: str | None = None, withdrawal: str | None = None) -> bool:
    """Whether cancelling can change anything: nothing was sent, or `waits` to be carried out by operators, or its
    provider (`status`: how far that is) can be asked to withdraw it and has not been."""
    if state in HELD or (state == CONFIRMED and waits):
        return True
    return withdrawal is None and (state == REQUESTED or (state == CONFIRMED and status == NOT_SHIPPED))


@dataclass(frozen=True, slots=True)
class Limits:
    """A programme's limits per account and per device, and what goes to review; None is no limit.

    At most `points_per_day` on a Shanghai day, `person_count` within `person_minutes`, `device_count` within
    `device_minutes` from one device. To review goes what comes after `review_count` within `review_minutes`, and more
    than `new_points` of an account younger than `new_days`. A review ends after `review_hours`, a reservation after
    `reserved_hours`.
    """

    points_per_day: int | None = None
    person_count: int | None = None
    person_minutes: int | None = None
    device_count: int | None = None
    device_minutes: int | None = None
    review_count: int | None = None
    review_minutes: int | None = None
    new_days: int | None = None
    new_points: int | None = None
    review_hours: int = 72
    reserved_hours: int = 24

    @property
    def counts_anything(self) -> bool:
        """Whether earlier redemptions of the account have to be looked at."""
        return any((self.points_per_day, self.person_count, self.review_count))

    def earliest(self, now: datetime) -> datetime:
        """Since when they have to be."""
        minutes = max(self.person_minutes or 0, self.review_minutes or 0)
        return min(clock.start_of(clock.day_of(now)), now - timedelta(minutes=minutes))


#: Limits that mean nothing without each other.
PAIRS = (
    *(("person_count", "person_minutes"), ("device_count", "device_minutes")),
    *(("review_count", "review_minutes"), ("new_days", "new_points")),
)
LIMIT_NAMES = tuple(field.name for field in fields(Limits))


@dataclass(frozen=True, slots=True)
class Before:
    """What an account redeemed before in a programme: points that stand of this Shanghai day, redemptions that stand
    within the person's window, and redemptions however they ended within the window of the review."""

    points_today: int = 0
    in_window: int = 0
    lately: int = 0


def check(limits: Limits, before: Before, points: int, now: datetime) -> None:
    """Raises LimitReached when one more redemption is too much for its account."""
    if limits.points_per_day is not None and before.points_today + points > limits.points_per_day:
        raise LimitReached(
            limit="POINTS_PER_DAY",
            allowed=limits.points_per_day,
            used=before.points_today,
            until=clock.iso(clock.start_of_day_after(clock.day_of(now), 1)),
        )
    if limits.person_count is not None and before.in_window >= limits.person_count:
        raise LimitReached(limit="PERSON_WINDOW", allowed=limits.person_count, minutes=limits.person_minutes)


def reviewed_because(limits: Limits, before: Before, points: int, age: timedelta) -> str | None:
    """Why a person looks at it first; None when nobody has to."""
    if limits.review_count is not None and before.lately >= limits.review_count:
        return "MANY_AT_ONCE"
    if limits.new_days is not None and age < timedelta(days=limits.new_days) and points > (limits.new_points or 0):
        return "NEW_ACCOUNT"
    return None
