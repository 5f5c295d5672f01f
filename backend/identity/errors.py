"""What identity says no with."""

from backend.errors import Refusal


class InvalidRefreshToken(Refusal):
    code = "INVALID_REFRESH_TOKEN"
    status = 401
    title = "登录已失效，请重新登录 / Please log in again"


class SessionEnded(Refusal):
    code = "SESSION_ENDED"
    status = 401
    title = "登录已失效，请重新登录 / Please log in again"


class UnknownProgramme(Refusal):
    code = "UNKNOWN_PROGRAMME"
    title = "没有这个计划 / No such programme"


class NotEnrolled(Refusal):
    code = "NOT_ENROLLED"
    title = "您还没有加入该计划的这个账户 / You have no such account in this programme"


class ReferenceTaken(Refusal):
    code = "REFERENCE_TAKEN"
    status = 409
    title = "该编号已属于其他账户 / This number names another account"


class AgreementsOverlap(Refusal):
    code = "AGREEMENTS_OVERLAP"
    status = 409
    title = "同一来源在这些日期已有协议 / Another agreement with this source covers one of these days"


class AlreadyLinked(Refusal):
    code = "ALREADY_LINKED"
    status = 409
    title = "该平台账号已关联到其他账户 / This partner user is linked to another account"


class LinkTicketSpent(Refusal):
    code = "LINK_TICKET_SPENT"
    status = 409
    title = "关联凭证已使用 / This link ticket was used before"


class InvalidLinkCode(Refusal):
    """Wrong, run out, used before, another partner's, or presented too often: which of these is told to nobody."""

    code = "INVALID_LINK_CODE"
    title = "关联码无效、已使用或已过期 / The link code is wrong, was used, or has expired"


class TooManyWrongLinkCodes(Refusal):
    """The partner has to wait until `retry_at`, with right codes too."""

    code = "TOO_MANY_WRONG_LINK_CODES"
    status = 429
    title = "错误的关联码过多，请稍后再试 / Too many wrong link codes; try again later"


class UnknownConsentText(Refusal):
    code = "UNKNOWN_CONSENT_TEXT"
    title = "授权文本版本不存在 / No such version of the consent text"


class ConsentTextReplaced(Refusal):
    """The purpose changed since this text: who agrees has to see the text in force."""

    code = "CONSENT_TEXT_REPLACED"
    status = 409
    title = "授权用途已更新，请阅读并同意新的文本 / The purpose has changed; please read and agree to the new text"


class UnknownScene(Refusal):
    code = "UNKNOWN_SCENE"
    title = "没有这个授权场景 / No such consent scene"


class GuardianNeeded(Refusal):
    """Under fourteen, nobody consents alone (PIPL, article 31)."""

    code = "GUARDIAN_NEEDED"
    status = 403
    title = "未满十四周岁，须由监护人同意 / Under fourteen, a guardian has to consent"


class AgeStatedBefore(Refusal):
    code = "AGE_STATED_BEFORE"
    status = 409
    title = "已登记的出生日期与此不同 / Another date of birth was stated before"


class NotAMinor(Refusal):
    code = "NOT_A_MINOR"
    status = 409
    title = "未登记为未满十四周岁 / Not known to be under fourteen"


class HasGuardian(Refusal):
    code = "HAS_GUARDIAN"
    status = 409
    title = "已有监护人 / There is a guardian already"


class InvalidInvitation(Refusal):
    """The code was never made, was used, or is older than ten minutes: which of these is not told."""

    code = "INVALID_INVITATION"
    title = "监护邀请码无效或已过期 / The invitation code is not valid or has expired"


class GuardianTooYoung(Refusal):
    code = "GUARDIAN_TOO_YOUNG"
    status = 403
    title = "未满十四周岁，不能成为监护人 / Somebody under fourteen cannot be a guardian"


class TooManyWards(Refusal):
    code = "TOO_MANY_WARDS"
    status = 409
    title = "被监护人数量已达上限 / As many wards as one guardian may have"


class UnknownOperator(Refusal):
    code = "UNKNOWN_OPERATOR"
    status = 401
    title = "操作员名称或令牌不正确，或已停用 / No active operator has this name and token"


class OperatorNotAllowed(Refusal):
    code = "OPERATOR_NOT_ALLOWED"
    status = 403
    title = "该操作员无此权限 / The operator's role does not allow this"


class OperatorExists(Refusal):
    code = "OPERATOR_EXISTS"
    status = 409
    title = "已有同名操作员 / This operator's name is taken"


class InvalidTokenDigest(Refusal):
    code = "INVALID_TOKEN_DIGEST"
    status = 422
    title = "令牌摘要无效，应为 flask operator new-token 给出的 64 位十六进制数 / Not the digest of a token"


class InvalidOperatorName(Refusal):
    code = "INVALID_OPERATOR_NAME"
    title = "操作员名称为 1 至 64 个字母、数字或 . _ @ - / A name has 1 to 64 letters, digits or . _ @ -"


class CannotMerge(Refusal):
    """These two holders cannot be one person; `because` says why."""

    code = "CANNOT_MERGE"
    status = 409
    title = "这两个账户不能合并为同一人 / These two cannot be merged into one person"
