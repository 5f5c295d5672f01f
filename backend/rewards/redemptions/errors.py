"""What members are told no with when they redeem."""

from backend.errors import Refusal


class PriceChanged(Refusal):
    """Nobody pays a price they did not see: `price_points` is the one in force."""

    code = "PRICE_CHANGED"
    status = 409
    title = "价格与您看到的不同，积分未扣除 / The price is not the one you saw; no points were taken"


class LimitReached(Refusal):
    """`limit` says which, `allowed` how much, `until` (where that is known) from when on it is possible again."""

    code = "REDEMPTION_LIMIT"
    status = 409
    title = "已达到兑换上限，积分未扣除 / The limit of redemptions is reached; no points were taken"


class DeviceNeeded(Refusal):
    code = "DEVICE_NEEDED"
    title = "该奖品限制每台设备的兑换次数，须提供 device_id / Redemptions are counted per device: device_id is needed"


class RecipientNeeded(Refusal):
    """`needed` is `address` or `member`: where goods go, or what the platform calls the member."""

    code = "RECIPIENT_NEEDED"
    title = "该奖品需要填写收件信息或平台账号 / This reward needs to know where it goes"


class RecipientNotNeeded(Refusal):
    """Nothing personal is taken that nobody needs."""

    code = "RECIPIENT_NOT_NEEDED"
    title = "该奖品不需要收件信息，请勿提交 / This reward needs no recipient; do not send one"


class SharingNotAccepted(Refusal):
    """`provider` would learn for whom the order is, and the member did not agree to that (PIPL, article 23)."""

    code = "SHARING_NOT_ACCEPTED"
    title = "须同意将收件信息提供给供应方 / You have to agree that the provider learns for whom this is"


class RedemptionChanged(Refusal):
    """The redemption is in another `state` than what is asked of it needs."""

    code = "REDEMPTION_CHANGED"
    status = 409
    title = "兑换当前的状态不允许该操作 / The redemption's present state does not allow this"


class TooLateToCancel(Refusal):
    """`state` says how far it is: it was sent, or is being sent at this moment."""

    code = "TOO_LATE_TO_CANCEL"
    status = 409
    title = "该兑换已发送或完成，无法取消 / It was sent or carried out and cannot be cancelled any more"


class InvalidLimits(Refusal):
    """`limits` names what is not a limit, is no positive whole number, or stands without what it belongs to."""

    code = "INVALID_REDEMPTION_LIMITS"
    title = "兑换限额的设置不合要求 / The limits of redemption are not as they must be"


class LimitsTooEarly(Refusal):
    """Limits change from a day that lies strictly behind the one on which they are announced."""

    code = "REDEMPTION_LIMITS_TOO_EARLY"
    status = 409
    title = "新限额须自公布次日或更晚起生效 / New limits begin on the day after they are announced at the earliest"
