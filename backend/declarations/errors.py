"""What declarations say no with; what is refused of an act itself is a reason (`backend.activities.REASONS`)."""

from backend.errors import Refusal


class NotDeclarable(Refusal):
    """Acts of this methodology come from systems of record alone."""

    code = "NOT_DECLARABLE"
    title = "此类行为不能自行申报 / Acts of this kind cannot be declared by members"


class PhotoNeeded(Refusal):
    """The methodology accepts what a reviewer has seen, and nothing less."""

    code = "PHOTO_NEEDED"
    title = "此类行为须附照片 / An act of this kind needs a photo"


class InvalidActTime(Refusal):
    """`problem` says what is wrong: trips have a beginning and an end, other acts one instant."""

    code = "INVALID_ACT_TIME"
    title = "行为时间不合要求 / The time of the act is not usable"


class OdometerUnproven(Refusal):
    """`problem` says what the photos of an odometer do not show of a car that stood still."""

    code = "ODOMETER_UNPROVEN"
    title = "两张里程照片不足以证明停驶满 24 小时 / The photos of the odometer do not show 24 hours without driving"


class DeclarationRefused(Refusal):
    """The act cannot count, as the house's rules say; it is recorded under `id`, with `reason`, and may be appealed."""

    code = "DECLARATION_REFUSED"
    title = "该行为不能计入 / This act cannot be counted"


class TooManyDeclarations(Refusal):
    code = "TOO_MANY_DECLARATIONS"
    status = 429
    title = "今日申报次数过多，请明日再试 / Too many declarations today, please try again tomorrow"


class TooManyPhotos(Refusal):
    code = "TOO_MANY_PHOTOS"
    status = 429
    title = "今日上传照片过多，请明日再试 / Too many photos today, please try again tomorrow"


class PhotoUsed(Refusal):
    """A photo proves one act."""

    code = "PHOTO_USED"
    status = 409
    title = "这张照片已用于另一次申报 / This photo was used for another declaration"


class DeclarationChanged(Refusal):
    """The declaration's `state` does not allow what was asked."""

    code = "DECLARATION_CHANGED"
    status = 409
    title = "申报当前状态不允许此操作 / The state of the declaration does not allow this"


class AppealedBefore(Refusal):
    code = "APPEALED_BEFORE"
    status = 409
    title = "每次申报只能申诉一次 / There is one appeal for each declaration"


class AppealTooLate(Refusal):
    code = "APPEAL_TOO_LATE"
    status = 409
    title = "申诉期限已过 / The time for an appeal is over"


class DeclarationTermsTooEarly(Refusal):
    code = "DECLARATION_TERMS_TOO_EARLY"
    status = 409
    title = "新的申报条件最早次日生效 / Terms of declaring begin on the day after they are announced at the earliest"
