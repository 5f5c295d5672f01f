"""Why steps of a day do not count, or not all of them: a code for programs and a sentence for members."""

from backend.steps import policy

REASONS = {
    policy.INVALID: ("步数应为 0 至 1000000 的整数。", "Steps are a whole number from 0 to 1000000."),
    policy.FUTURE_DAY: ("该日期尚未到来。", "That day has not come yet."),
    policy.DAY_TOO_OLD: ("只能记入最近 30 天的步数。", "Only steps of the last 30 days are taken."),
    policy.DAY_TWICE: ("同一天出现了两个不同的步数，均未采用。", "One day came with two counts; neither is believed."),
    policy.BY_HAND: ("手动填写的步数不计入。", "Steps that somebody typed in do not count."),
    policy.OTHER_SOURCE: (
        "当天步数已由另一来源记入，同一天只认一个来源。",
        "Another source reported this day already; a day counts from one source.",
    ),
    policy.OTHER_PROGRAMME: (
        "当天步数已记入您的另一个计划，同一天只计一次。",
        "This day counts in another programme of yours; a day counts once.",
    ),
    policy.TOO_FAST: (
        "当天到此刻的步数超过每分钟 200 步，不合常理，未采用；稍后可重新同步。",
        "More than 200 steps a minute since midnight; not taken. Synchronise again later.",
    ),
    policy.NOT_HIGHER: (
        "不高于已记录的步数，已记入的保持不变。",
        "Not higher than what is recorded; what counted stays as it is.",
    ),
    policy.CAPPED: ("每天最多计入 30000 步。", "At most 30000 steps of a day count."),
    policy.IMPLAUSIBLE: (
        "单日步数达到 50000 步，待人工复核。",
        "50000 steps or more on a day; a reviewer will look at it.",
    ),
    policy.UNUSUAL: (
        "步数远高于您平日的水平，待人工复核。",
        "Far more steps than on your other days; a reviewer will look at it.",
    ),
    policy.SAME_EVERY_DAY: (
        "多天步数完全相同，待人工复核。",
        "The very same count on several days; a reviewer will look at it.",
    ),
    policy.SAME_AS_ANOTHER: (
        "与另一账户的步数完全相同，待人工复核。",
        "The very same count as another account; a reviewer will look at it.",
    ),
    policy.REFUSED: ("经复核，当天步数不再增加。", "After a review no more steps of this day count."),
}


def sentence(code: str | None) -> dict[str, str] | None:
    """The reason as members read it."""
    if code is None:
        return None
    zh, en = REASONS[code]
    return {"code": code, "zh": zh, "en": en}
