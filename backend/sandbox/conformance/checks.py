"""The checks of a run: what each is about, the rule that judges it, and how to mend a sender that fails it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.sandbox.conformance import judging
from backend.sandbox.conformance.judging import Seen

PASSED, FAILED, NOT_SEEN = "passed", "failed", "not_seen"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `title` and `mend` are for people, Chinese first."""

    name: str
    rule: Callable[[Sequence[Seen]], str | None]
    title: str
    mend: str

    def judge(self, seen: Sequence[Seen]) -> dict[str, Any]:
        """The verdict as the partner reads it; `mend` says what to do about one that is not passed."""
        found = self.rule(seen)
        result = NOT_SEEN if found is None else FAILED if found else PASSED
        told: dict[str, Any] = {"check": self.name, "title": self.title, "result": result}
        told |= {"found": found} if found else {}
        return told | ({} if result == PASSED else {"mend": self.mend})


CHECKS = (
    Check(
        "signature",
        judging.signature,
        "签名有效 / The signature is valid",
        "对实际发送的原始字节签名：webhook-id.webhook-timestamp.请求体，签名后不要再改动 JSON / "
        "Sign the very bytes you send, as id.timestamp.body, and let nothing rewrite the JSON afterwards.",
    ),
    Check(
        "clock",
        judging.clock_right,
        "时钟准确 / The clock is right",
        "用 NTP 校时；webhook-timestamp 为整数 Unix 秒，与我方时钟相差不超过 300 秒 / "
        "Synchronise your clock (NTP); webhook-timestamp is in whole Unix seconds, at most 300 from ours.",
    ),
    Check(
        "id_form",
        judging.id_form,
        "事件编号合法 / Ids are well formed",
        "webhook-id 用 1 至 128 个可见 ASCII 字符，不含点、逗号与空格 / "
        "Make webhook-id of 1 to 128 printable ASCII characters without '.', ',' and blanks.",
    ),
    Check(
        "unique_ids",
        judging.unique_ids,
        "编号不重复 / Ids are unique",
        "每个事件用自己的编号，至少发送两个不同的事件 / "
        "Give every event an id of its own, and send two different ones at least.",
    ),
    Check(
        "retries",
        judging.retries,
        "失败后重试 / Failures are retried",
        "对 5xx、429 和断开的连接一直重试，直到收到 2xx；第一个事件共需六次 / "
        "After 5xx, 429 and a lost connection send again until a 2xx comes; the first event takes six attempts.",
    ),
    Check(
        "same_id",
        judging.same_id,
        "重试沿用编号 / A retry keeps its id",
        "编号随事件一起保存，重试时原样使用 / Keep the id with the event and use it for every attempt.",
    ),
    Check(
        "same_bytes",
        judging.same_bytes,
        "重试内容不变 / A retry sends the same bytes",
        "保存第一次发送的字节并原样重发，不要重新生成 JSON / "
        "Keep the bytes of the first attempt and send them again; do not build the JSON anew.",
    ),
    Check(
        "timestamp_renewed",
        judging.timestamp_renewed,
        "重试重新签名 / A retry is signed anew",
        "每次尝试都用当时的时间戳重新签名 / Sign every attempt with the time of that attempt.",
    ),
    Check(
        "stops_after_success",
        judging.stops_after_success,
        "成功后不再重试 / Nothing is sent after success",
        "任何 2xx 都表示完成，包括 200 duplicate / Any 2xx ends the matter, 200 duplicate as well.",
    ),
    Check(
        "backs_off",
        judging.backs_off,
        "重试间隔递增 / Pauses grow",
        "逐次拉长间隔，例如 5 秒、5 分钟、30 分钟、2 小时 / Wait longer each time, e.g. 5 s, 5 min, 30 min, 2 h.",
    ),
    Check(
        "retry_after",
        judging.retry_after,
        "遵守 Retry-After / Retry-After is honoured",
        "收到 Retry-After 时至少等待其秒数 / Where an answer says Retry-After, wait at least that many seconds.",
    ),
    Check(
        "patience",
        judging.patience,
        "耐心等待应答 / Slow answers are waited for",
        "应答超时设为 30 秒，未超时前不要重发 / Time out after 30 seconds, and do not send again before.",
    ),
    Check(
        "envelope",
        judging.envelope,
        "外层字段正确 / The envelope is right",
        "按 docs/partners.md 的字段表修正 / Correct the field as the table in docs/partners.md says.",
    ),
    Check(
        "lines",
        judging.lines,
        "行字段正确 / The lines can be counted",
        "按事件类型补全每一行所需的字段 / Send what the event type needs in each line.",
    ),
    Check(
        "opaque_user",
        judging.opaque_user,
        "用户标识不透明 / The user reference is opaque",
        "不要用手机号、身份证号或邮箱作 user_ref，改用随机编号 / "
        "Use a random id of your own for user_ref, never a phone number, an identity number or an e-mail address.",
    ),
    Check(
        "revisions",
        judging.revisions,
        "修订号递增 / Revisions grow",
        "更改订单时提高 revision，或发送 order.corrected、order.cancelled；请至少更改一个订单 / "
        "To change an order raise its revision, or send order.corrected or order.cancelled; change one at least.",
    ),
    Check(
        "rotation",
        judging.rotation,
        "轮换密钥不中断 / Keys rotate without a gap",
        "同时用自己的密钥和本次运行的 second_secret 签名，两个签名以空格分隔 / "
        "Sign with your own key and with this run's second_secret side by side, the signatures separated by a blank.",
    ),
)
