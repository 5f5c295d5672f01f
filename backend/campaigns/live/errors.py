"""What is refused to screens, and to who sets them up."""

from backend.errors import Refusal


class ScreenTicketRefused(Refusal):
    """No screen of this campaign has this ticket, or its time is over."""

    code = "SCREEN_TICKET_REFUSED"
    status = 401
    title = "大屏凭证无效或已失效 / The ticket opens no screen of this campaign, or no longer"


class TooManyScreens(Refusal):
    """This process tells as many screens as it may: each of them keeps a thread that members wait for."""

    code = "TOO_MANY_SCREENS"
    status = 503
    title = "大屏连接已满，请稍后重试 / As many screens as there may be are connected; try again soon"
    retry_after_s = 15


class ScreenNotFound(Refusal):
    """There is no open screen with this id."""

    code = "SCREEN_NOT_FOUND"
    status = 404
    title = "没有这块大屏 / There is no such open screen"
