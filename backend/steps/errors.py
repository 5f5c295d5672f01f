"""What a report of steps is refused with as a whole; why single days do not count stands in `reasons`."""

from backend.errors import Refusal


class InvalidWeRunData(Refusal):
    """The data do not open with this login's key, are not WeChat's, another user's, too old or changed on the way.

    Which of these is told to nobody: `reason` is for our logs.
    """

    code = "WERUN_DATA_INVALID"
    status = 422
    title = "无法读取微信运动数据，请重新进入小程序后再同步 / WeChat's step data cannot be read; log in again and retry"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class WeChatLoginNeeded(Refusal):
    """This login did not come through WeChat, or its session key is gone."""

    code = "WECHAT_LOGIN_NEEDED"
    status = 409
    title = "请重新用微信登录后再同步步数 / Log in with WeChat again before sending steps"


class StepsPermissionEnded(Refusal):
    """The member took back WeChat's permission for steps, and these data are from before they gave it again."""

    code = "STEPS_PERMISSION_ENDED"
    status = 403
    title = "您已在微信中收回步数授权，重新授权后可继续同步 / The permission for steps was taken back in WeChat"


class StepDayNotWaiting(Refusal):
    """Nothing of this day waits for a reviewer."""

    code = "STEP_DAY_NOT_WAITING"
    status = 409
    title = "该日步数不在待复核之列 / This day does not wait for a reviewer"
