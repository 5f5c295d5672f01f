"""What the forest refuses."""

from backend.errors import Refusal


class ForestNotFound(Refusal):
    code = "FOREST_NOT_FOUND"
    status = 404
    title = "没有这个公益林项目 / There is no such forest project"


class ForestClosed(Refusal):
    """The project does not take steps today."""

    code = "FOREST_CLOSED"
    status = 409
    title = "该公益林项目今天不接受捐步 / This forest project takes no steps today"


class ForestFull(Refusal):
    """Every tree of the project is adopted; nothing was taken."""

    code = "FOREST_FULL"
    status = 409
    title = "该公益林的树木已全部被认领，步数未扣除 / Every tree of this project is adopted; no steps were taken"


class DonationTooSmall(Refusal):
    code = "DONATION_TOO_SMALL"
    status = 422
    title = "低于该项目单次捐步的下限 / Fewer steps than this project takes at once"


class InsufficientSteps(Refusal):
    """Fewer steps can be donated now; those that are pending can be later."""

    code = "INSUFFICIENT_STEPS"
    status = 409
    title = "可捐步数不足 / Not enough steps that can be donated"


class DonationNotCounted(Refusal):
    """The donation does not count as an act, so no steps were taken; `reason` says why."""

    code = "DONATION_NOT_COUNTED"
    status = 409
    title = "本次捐步不能计入，步数未扣除 / This donation cannot count; no steps were taken"


class TeamNotFound(Refusal):
    """There is no such team, the code is not its, or the member is not in it: which of these is not told."""

    code = "TEAM_NOT_FOUND"
    status = 404
    title = "没有这个小队，或您不在其中 / There is no such team, or you are not in it"


class TeamFull(Refusal):
    code = "TEAM_FULL"
    status = 409
    title = "小队人数或可加入的小队数已达上限 / The team is full, or you are in as many teams as allowed"


class InvalidForestProject(Refusal):
    """A setting of a project cannot be used; `field` says which."""

    code = "INVALID_FOREST_PROJECT"
    status = 422
    title = "公益林项目设置无效 / The forest project cannot be set up like this"


class InvalidSurvey(Refusal):
    code = "INVALID_SURVEY"
    status = 422
    title = "成活报告无效 / The survival report is not valid"
