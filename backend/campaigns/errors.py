"""What campaigns refuse."""

from backend.errors import Refusal


class InvalidCampaign(Refusal):
    """The campaign cannot be held like this; `field` says which part of it, `problem` why."""

    code = "INVALID_CAMPAIGN"
    status = 422
    title = "活动设置无效 / The campaign cannot be held like this"


class CampaignNotFound(Refusal):
    """There is no such campaign that the asker may see."""

    code = "CAMPAIGN_NOT_FOUND"
    status = 404
    title = "没有这个活动 / There is no such campaign"


class BoardNotFound(Refusal):
    """The campaign has no such board."""

    code = "BOARD_NOT_FOUND"
    status = 404
    title = "没有这个排行榜 / The campaign has no such board"


class NotTakingPart(Refusal):
    """This account does not take part in the campaign."""

    code = "NOT_TAKING_PART"
    status = 404
    title = "您尚未参加该活动 / You do not take part in this campaign"


class CampaignNotClosed(Refusal):
    """The campaign's result cannot be frozen: it was cancelled, or late events count until `closes_at`."""

    code = "CAMPAIGN_NOT_CLOSED"
    status = 409
    title = "活动尚未截止或已取消 / The campaign has not closed, or was cancelled"


class NotFinal(Refusal):
    """The campaign has no result yet."""

    code = "CAMPAIGN_NOT_FINAL"
    status = 409
    title = "活动结果尚未定稿 / The result of the campaign is not final yet"


class ResultChanged(Refusal):
    """What is kept of a result is not what was `signed` (SHA-256 of its statement)."""

    code = "CAMPAIGN_RESULT_CHANGED"
    status = 409
    title = "活动结果与签名不符 / The kept result is not the one that was signed"
