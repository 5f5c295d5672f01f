"""What members and operators of rewards are told no with."""

from backend.errors import Refusal


class RewardNotFound(Refusal):
    """No reward of this code that this account may know of."""

    code = "REWARD_NOT_FOUND"
    status = 404
    title = "没有这个奖品 / No such reward"


class RewardNotYet(Refusal):
    code = "REWARD_NOT_YET"
    status = 409
    title = "该奖品尚未开放兑换 / This reward cannot be redeemed yet"


class RewardEnded(Refusal):
    code = "REWARD_ENDED"
    status = 409
    title = "该奖品已结束兑换 / This reward cannot be redeemed any more"


class RewardNotForAccount(Refusal):
    code = "REWARD_NOT_FOR_ACCOUNT"
    status = 403
    title = "该奖品不面向您的账户 / This reward is not offered to this account"


class SoldOut(Refusal):
    code = "SOLD_OUT"
    status = 409
    title = "该奖品已兑完，积分未扣除 / Nothing is left of this reward; no points were taken"


class CodeAlreadyShown(Refusal):
    code = "CODE_ALREADY_SHOWN"
    status = 409
    title = "券码仅展示一次，已展示过；如未保存请联系客服 / The code is shown once and has been shown"


class RewardExists(Refusal):
    code = "REWARD_EXISTS"
    status = 409
    title = "已有同名奖品 / There is a reward of this code already"


class InvalidReward(Refusal):
    """`field` and `problem` say what is not as it must be."""

    code = "INVALID_REWARD"
    title = "奖品的设置不合要求 / The reward is not described as it must be"


class TermsTooEarly(Refusal):
    """A price or a limit changes from a day that lies strictly behind the one on which it is announced."""

    code = "TERMS_TOO_EARLY"
    status = 409
    title = "新条款须自公布次日或更晚起生效 / New terms begin on the day after they are announced at the earliest"


class NoCountedStock(Refusal):
    code = "NO_COUNTED_STOCK"
    status = 409
    title = "该奖品不按件计库存 / This reward's stock is not counted in pieces"


class StockTooLow(Refusal):
    code = "STOCK_TOO_LOW"
    status = 409
    title = "库存不足以减去该数量 / Not so many pieces are left"


class UnknownProvider(Refusal):
    code = "UNKNOWN_PROVIDER"
    status = 404
    title = "没有这个供应平台 / No such provider of rewards"


class ProviderKeysUnreadable(Refusal):
    """What requests to it are signed with does not open under the vault key: a fault of the house, not of an order."""

    code = "PROVIDER_KEYS_UNREADABLE"
    status = 503
    title = "供应平台的密钥无法读取 / The keys of this provider cannot be read"


class ProviderExists(Refusal):
    code = "PROVIDER_EXISTS"
    status = 409
    title = "已有同名供应平台 / There is a provider of this name already"


class InvalidProvider(Refusal):
    code = "INVALID_PROVIDER"
    title = "供应平台的设置不合要求 / The provider is not described as it must be"


class InvalidCodeFile(Refusal):
    """Nothing of the file was imported; `lines` holds the first faults by line, never a code."""

    code = "INVALID_CODE_FILE"
    title = "券码文件有误，未导入任何券码 / The file of codes has faults; nothing was imported"


class UnknownBatch(Refusal):
    code = "UNKNOWN_BATCH"
    status = 404
    title = "没有这个券码批次 / No such batch of codes"


class NoSuchVoucher(Refusal):
    code = "NO_SUCH_VOUCHER"
    status = 404
    title = "没有这张券 / No such voucher"


class InvalidRecipient(Refusal):
    """`fields` names what is missing, not wanted or not readable as what it should be; never what was written."""

    code = "INVALID_RECIPIENT"
    title = "收件信息或会员号不符合要求 / The address or member number is not as it must be"


class SandboxOnly(Refusal):
    code = "SANDBOX_ONLY"
    status = 409
    title = "仅沙箱环境可用 / This is there in a sandbox only"


class AlreadyCarriedOut(Refusal):
    code = "ALREADY_CARRIED_OUT"
    status = 409
    title = "该兑换已登记为完成 / This was carried out before"


class OutcomeKnown(Refusal):
    """Operators settle only what nobody knows: an order that was sent and whose provider has not said."""

    code = "OUTCOME_KNOWN"
    status = 409
    title = "该订单的结果已知，或尚未发出 / The outcome of this order is known, or it was never sent"


class NoDailyList(Refusal):
    code = "NO_DAILY_LIST"
    status = 409
    title = "该供应平台不提供每日清单 / This provider gives no list of a day"
