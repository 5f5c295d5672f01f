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


class CampaignOver(Refusal):
    """Too late for this: the campaign's `state` does not allow it any more."""

    code = "CAMPAIGN_OVER"
    status = 409
    title = "活动已结束，不能再更改 / The campaign is over; this cannot be changed any more"


class NotAdmitted(Refusal):
    """The campaign is not for this account; `because`: department, class, or other_account of the same person."""

    code = "CAMPAIGN_NOT_FOR_YOU"
    status = 403
    title = "该活动不面向此账户 / The campaign is not open to this account"


class InvitationNeeded(Refusal):
    """Whoever joins this campaign shows a code that is good and has a place left."""

    code = "CAMPAIGN_INVITATION_NEEDED"
    status = 403
    title = "请输入有效的邀请码 / A valid invitation code is needed"


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


class CampaignNotCounted(Refusal):
    """The scores of the campaign do not follow the acts: it is not announced, was cancelled or is final."""

    code = "CAMPAIGN_NOT_COUNTED"
    status = 409
    title = "活动未在计分 / The campaign is not being counted"


# -- teams ------------------------------------------------------------------------------------------------------------


class NoTeams(Refusal):
    """The campaign has no teams, or is not open for new ones: `state`."""

    code = "NO_TEAMS"
    status = 409
    title = "该活动当前不能组队 / There are no teams to be made or joined in this campaign now"


class CampaignTeamNotFound(Refusal):
    """No such team or code in the campaign, or the asker is in none; which of these is not told."""

    code = "CAMPAIGN_TEAM_NOT_FOUND"
    status = 404
    title = "没有这个小队 / There is no such team"


class InAnotherTeam(Refusal):
    """A participant is in one team at a time."""

    code = "IN_ANOTHER_TEAM"
    status = 409
    title = "请先退出现在的小队 / Leave your present team first"


class CampaignTeamFull(Refusal):
    """A team has at most `members` members."""

    code = "CAMPAIGN_TEAM_FULL"
    status = 409
    title = "小队已满员 / The team is full"


class NotCaptain(Refusal):
    """Only the captain of the team or department does this."""

    code = "NOT_CAPTAIN"
    status = 403
    title = "须由队长操作 / Only the captain can do this"


# -- friends ----------------------------------------------------------------------------------------------------------


class InvalidFriendCode(Refusal):
    """The code was never made, was used, is older than a week, or is one's own: which of these is not told."""

    code = "INVALID_FRIEND_CODE"
    status = 422
    title = "好友码无效、已使用或已过期 / The friend code is wrong, was used, or has expired"


class FriendsTooYoung(Refusal):
    """Members under fourteen have no friends here: nobody is to find them."""

    code = "FRIENDS_TOO_YOUNG"
    status = 403
    title = "未满十四周岁，不能添加好友 / Members under fourteen cannot add friends"


class TooManyFriends(Refusal):
    """One of the two has `most` friends already."""

    code = "TOO_MANY_FRIENDS"
    status = 409
    title = "好友数量已达上限 / One of you has as many friends as one may have"


# -- PK ---------------------------------------------------------------------------------------------------------------


class NoChallenges(Refusal):
    """There is no PK of this kind in the campaign, or not in its `state`."""

    code = "NO_CHALLENGES"
    status = 409
    title = "该活动当前不能发起此类 PK / There is no such PK in this campaign now"


class InvalidChallenge(Refusal):
    """The PK cannot be held like this; `field` says which part of it, `problem` why."""

    code = "INVALID_CHALLENGE"
    status = 422
    title = "PK 设置无效 / The PK cannot be held like this"


class OpponentNotFound(Refusal):
    """No such participant, team or department, or one that nobody sees or speaks for; which of these is not told."""

    code = "OPPONENT_NOT_FOUND"
    status = 404
    title = "没有这个对手 / There is no such opponent"


class NotTakingChallenges(Refusal):
    """Whoever speaks for the other side does not want to be challenged."""

    code = "NOT_TAKING_CHALLENGES"
    status = 409
    title = "对方不接受 PK 邀请 / The other side takes no challenges"


class TooFewPeople(Refusal):
    """A team or department in a PK has at least `smallest` people: sums of fewer tell too much about each."""

    code = "TOO_FEW_PEOPLE"
    status = 409
    title = "参与 PK 的团队人数不足 / The teams of a PK need more people"


class ChallengeLimit(Refusal):
    """One side invites only so often; `limit` says which limit is reached."""

    code = "CHALLENGE_LIMIT"
    status = 409
    title = "暂不能再邀请对方 / No further invitation now"


class ChallengeDaysTaken(Refusal):
    """One of the sides has another PK on one of these days."""

    code = "CHALLENGE_DAYS_TAKEN"
    status = 409
    title = "其中一方在这些日期已有 PK / One of the sides has another PK on these days"


class ChallengeNotFound(Refusal):
    """No such PK that the asker has a part in."""

    code = "CHALLENGE_NOT_FOUND"
    status = 404
    title = "没有这个 PK / There is no such PK"


class ChallengeChanged(Refusal):
    """The PK is in a `state` that does not allow what was asked."""

    code = "CHALLENGE_CHANGED"
    status = 409
    title = "PK 状态已改变 / The PK has moved on"


class NothingToAward(Refusal):
    """Nobody has come to a reward of the campaign that was not given yet."""

    code = "NOTHING_TO_AWARD"
    status = 409
    title = "没有需要发放的奖励 / There is nothing to award"


class AwardsChanged(Refusal):
    """The list of awards is another one than what was asked for; ask again."""

    code = "AWARDS_CHANGED"
    status = 409
    title = "奖励名单与申请时不同，请重新申请 / The awards are not those that were asked for; ask again"


class UnknownCity(Refusal):
    """The campaign does not have this city."""

    code = "CAMPAIGN_CITY_UNKNOWN"
    status = 422
    title = "活动没有这个城市 / The campaign does not have this city"


class CampaignAnnounced(Refusal):
    """What was announced is not drafted again: it is held as it was agreed to, or cancelled."""

    code = "CAMPAIGN_ANNOUNCED"
    status = 409
    title = "活动已公布，不能修改 / The campaign is announced and cannot be changed"


class CampaignTooLate(Refusal):
    """A campaign is announced before the day on which it begins, `earliest` at the soonest."""

    code = "CAMPAIGN_TOO_LATE"
    status = 409
    title = "活动须在开始日之前公布 / A campaign is announced before the day it begins on"


class CampaignChangedMeanwhile(Refusal):
    """The campaign is not any more as it was when this was asked for."""

    code = "CAMPAIGN_CHANGED_MEANWHILE"
    status = 409
    title = "申请之后活动已变化，请重新申请 / The campaign changed since this was asked for; ask again"
