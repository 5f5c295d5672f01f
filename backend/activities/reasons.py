"""Why an act does not count, in a code for programs and a sentence for members."""

REASONS = {
    # the person
    "NO_LINK": ("该平台账号还没有关联会员，关联后自动入账。", "The partner's user is not linked to a member yet."),
    "NO_CONSENT": ("您还没有授权该平台在此场景下提供记录，授权后自动入账。", "The member has not consented yet."),
    "NO_AGREEMENT": (
        "该来源在行为当日没有与本计划签订的有效协议。",
        "No agreement of the programme with this source covers the day of the act.",
    ),
    "BEFORE_CONSENT": ("该行为早于授权允许的补记期限。", "The act lies before the look-back the consent allows."),
    "MEMBER_FORGOTTEN": ("会员已注销，记录内容已删除。", "The member deleted their account; the content was erased."),
    "PARKED_TOO_LONG": ("等待关联或授权超过 30 天，已失效。", "It waited for a link or a consent for 30 days."),
    # the order
    "AWAITING_ORDER": (
        "更正先于原订单到达，等待原订单。",
        "A correction came before its order; waiting for the order.",
    ),
    "ORDER_TYPE_CHANGED": ("同一订单出现了不同的业务类型。", "One order came with two different types."),
    "LINE_CONFLICT": ("同一订单行同一版本出现了不同内容。", "The same revision of a line came with another content."),
    "DUPLICATE_LINE": ("该订单行已经处理过。", "This line was settled before."),
    "SUPERSEDED": ("该订单行已有更新的版本。", "A later revision of this line stands."),
    "CANCELLED": ("订单已取消。", "The order was cancelled."),
    "LATER_REVISION_STANDS": ("部分订单行有更新的版本，未被取消。", "Lines with a later revision were not cancelled."),
    "CORRECTED": ("订单已更正，按新的内容重新核算。", "The order was corrected and settled anew."),
    # the act
    "FUTURE_ACT": ("行为时间晚于当前时间。", "The act lies in the future."),
    "TRIP_TOO_LONG": ("行程时间过长，不合理。", "The trip took implausibly long."),
    "NOT_A_WORKING_DAY": (
        "本计划只计入工作日（学校为上课日）的通勤，行为当日不是。",
        "The programme counts commutes on working days (at a school, on school days); this was none.",
    ),
    "NOT_COMPLETED": ("订单未完成，不能入账。", "The order was not completed."),
    "UNKNOWN_CATEGORY": ("该品类没有可用的方法学。", "No methodology covers this category."),
    "INVALID_LINE": ("该行数据不完整或不合规。", "This line is incomplete or malformed."),
    # what members declare themselves
    "DECLARED_TOO_LATE": ("已超过自行申报的期限。", "The act lies further back than may be declared."),
    "DAILY_DECLARATIONS": ("当天可自行申报的行为已达上限。", "More acts of one day were declared than may be."),
    "PROOF_UNREADABLE": ("照片看不清。", "The photo cannot be made out."),
    "PROOF_SHOWS_OTHER": ("照片与申报的行为不符。", "The photo shows something else than what was declared."),
    "PROOF_USED_BEFORE": ("照片已用于另一次申报。", "The photo was used for another declaration."),
    "PROOF_MISSING": ("缺少能够证明该行为的照片。", "A photo that proves the act is missing."),
    "ACT_IMPLAUSIBLE": ("申报内容不合理。", "What was declared is not plausible."),
    "ACT_DECLARED_BEFORE": ("同一行为已经申报或记录过。", "The same act was declared or recorded before."),
    "ACT_NOT_COVERED": ("该行为不在本计划的范围内。", "The programme does not cover this act."),
    # between acts
    "ALREADY_CLAIMED": (
        "同一物品或行为已在另一条记录中申领，只计一次。",
        "The same physical act is claimed by another record already; it counts once.",
    ),
    "CLAIM_KEPT": (
        "合作平台自行计入这笔减排量，本平台只作记录，不重复入账。",
        "The partner platform books this reduction itself; it is recorded here and not credited again.",
    ),
    "OVERLAPPING_TRIP": ("与另一段行程时间重叠，只计其中一段。", "The trip overlaps another one; one of them counts."),
    "EXCLUDED_BY": (
        "与当天另一项互斥的行为只能计其一（如无车日与当天的通勤）。",
        "Another act of that day rules this one out, as a car-free day does a commute; one of them counts.",
    ),
    "DAILY_PARKING": ("一次申报只计一个停驶日，请逐日申报。", "One act counts one day of parking; declare day by day."),
    "DAILY_TRIPS": ("超过每日可计入的次数。", "More trips than count on one day."),
    "DAILY_RIDES": ("超过每日可计入的骑行次数。", "More rides than count on one day."),
    "DAILY_WEIGHT": ("超过每日可计入的重量。", "More weight than counts on one day."),
    "DAILY_PUPILS": ("超过每班每日可计入的人次。", "More trips of pupils than count for a class on one day."),
    "DAILY_BOOKS": ("超过每日可计入的册数。", "More books than count on one day."),
    "DAILY_STEPS": ("超过每日可计入的步数。", "More steps than count on one day."),
    "DAILY_DISTANCE": ("超过每日可计入的里程。", "More kilometres than count on one day."),
    "DAILY_ENERGY": ("超过每日可计入的充电量。", "More energy than counts on one day."),
    "DAILY_CARS": ("超过每日可计入的停驶车辆数。", "More parked cars than count on one day."),
    "DAILY_CUPS": ("超过每日可计入的自带杯次数。", "More uses of a cup than count on one day."),
    "DAILY_ORDERS": ("超过每日可计入的无需餐具单数。", "More orders than count on one day."),
    "DAILY_DOCUMENTS": ("超过每日可计入的文件份数。", "More documents than count on one day."),
    "DAILY_LESSONS": ("超过每日可计入的学习次数。", "More lessons than count on one day."),
    "DAILY_MEETINGS": ("超过每日可计入的在线会议次数。", "More online meetings than count on one day."),
    "REVERSED": ("经复核冲正。", "Reversed after review."),
    # the methodology
    "NOT_IN_FORCE": ("行为发生日该方法学尚未生效。", "No version of the methodology was in force on the day."),
    "PROFILE_NOT_SUPPORTED": ("该方法学不支持本计划的地区口径。", "The methodology has no numbers for this profile."),
    "OUT_OF_BOUNDS": ("数据超出方法学允许的范围。", "A quantity lies outside the methodology's bounds."),
    "IMPLAUSIBLE_SPEED": ("平均速度不合理。", "The average speed is implausible."),
    "IMPLAUSIBLE_CADENCE": ("平均步频不合理。", "The average cadence is implausible."),
    "IMPLAUSIBLE_SHARE": ("替代里程与合乘里程之比不合理。", "The replaced distance is implausible."),
    "IMPLAUSIBLE_PASSENGERS": ("其余乘客里程与合乘里程之比不合理。", "The passengers' distance is implausible."),
    "IMPLAUSIBLE_FLIGHTS": ("人均替代的飞行里程不合理。", "The kilometres by air per attendee are implausible."),
    "IMPLAUSIBLE_RAIL": ("人均替代的高铁里程不合理。", "The kilometres by rail per attendee are implausible."),
    "IMPLAUSIBLE_NIGHTS": ("人均替代的住宿夜数不合理。", "The hotel nights per attendee are implausible."),
    "NOT_A_NUMBER": ("数据不是有效的数字。", "A quantity is not a number."),
    "MISSING_DATA": ("缺少核算所需的数据。", "Data needed for quantification is missing."),
    "UNKNOWN_DATA": ("包含方法学不认识的数据。", "Data the methodology does not know."),
    "MISSING_EVIDENCE": ("缺少防重复所需的编号（如序列号、行程号）。", "A serial or trip number is missing."),
    "UNKNOWN_MODEL": ("该型号没有已登记的碳足迹。", "No footprint is registered for this model."),
    "PRODUCT_NOT_DOCUMENTED": (
        "该产品当日没有公布的碳足迹，也没有声明核销其碳足迹的有效证书。",
        "On that day neither a footprint of the product was published nor did a valid certificate say it was retired.",
    ),
    "UNKNOWN_CERTIFIED_MODEL": (
        "该型号没有声明核销其碳足迹的证书。",
        "No registered certificate of this model says that its footprint was retired.",
    ),
    "UNKNOWN_CONDITION": ("该成色没有公开的替代率。", "No replacement rate is published for this condition."),
    "UNKNOWN_BASELINE_SEGMENT": ("没有该级别的基准碳足迹。", "No baseline is registered for this segment."),
    "UNKNOWN_REGION": ("没有该地区的电网因子。", "No grid factor is published for this region."),
    "UNKNOWN_CAR_CLASS": ("没有该车辆级别的排放因子。", "No emission factor for this class of car."),
    "UNKNOWN_MODE": ("没有该出行方式的因子。", "No factor for this way of travelling."),
    "UNKNOWN_STREAM": ("没有该回收品类的因子。", "No factor for this stream."),
    "UNKNOWN_ITEM": ("没有该一次性用品的因子。", "No factor for this item."),
    "FACTOR_NOT_PUBLISHED": ("来源没有公布所需的因子。", "The source publishes no such factor."),
    "INVALID_DAY": ("活动日期无效。", "The activity's day is not a calendar day."),
    "INVALID_DATA": ("活动数据无效。", "The activity data are not names with values."),
    "INVALID_PROFILE": ("基准线方案无效。", "The baseline profile is not valid."),
    "UNKNOWN_METHODOLOGY": ("没有这个方法学。", "There is no such methodology."),
    "NOT_COMPUTABLE": ("数据无法核算。", "These data cannot be quantified."),
    # what was derived from acts
    "REWARD_NOT_KEPT": (
        "活动定稿后成绩更正，不再达到该奖励的条件，奖励已整笔收回。",
        "After a correction the score does not reach what the reward was given for, so the whole of it went back.",
    ),
    "GRADE_NOT_ACCEPTED": ("该方法学不接受此证据等级。", "The methodology does not accept this evidence grade."),
}


def sentence(code: str | None) -> dict[str, str] | None:
    """The reason as members read it; a code that is not listed speaks for itself."""
    if code is None:
        return None
    zh, en = REASONS.get(code, ("该行为不符合方法学要求。", "The act does not meet the methodology."))
    return {"code": code, "zh": zh, "en": en}
