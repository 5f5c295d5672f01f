"""What consents are given for: scenes, the purpose they serve, and the published wordings."""

import re
from dataclasses import dataclass

#: What a consent can be given for; every methodology names its scene.
SCENES = {
    "device": "旧机交易、数码与家电回收 / trade-in and recycling of devices and appliances",
    "donation": "衣物、图书捐赠 / donated clothes and books",
    "commute": "绿色出行 / low-carbon trips",
    "purchase": "低碳产品购买 / low-carbon purchases",
    "travel": "低碳差旅 / low-carbon business travel",
    "office": "在线会议、无纸化办公 / online meetings and paperless office",
    "energy": "充电与绿色电力 / charging and green electricity",
    "engagement": "低碳学习与捐步 / learning and donated steps",
}

#: The scene of a consent that a platform is told what happens to one's account; its partner is that platform's code.
SHARING = "sharing"
SHARING_TITLE = "向第三方平台提供碳账户变动 / telling another platform about my carbon account"
SHARED = (
    "仅该平台使用的化名（无法还原身份）、所在计划、碳账户与积分各项余额及其变动、行为的方法学、日期与减排量 / "
    "a pseudonym that only this platform gets and that names nobody, the programme, the balances of carbon account and "
    "points with their changes, methodology, day and reduction of acts"
)

_COMMON = "您在该平台的用户标识（加密保存）、订单或记录编号、发生时间"
_COMMON_EN = "your user reference at the platform (kept encrypted), order or record number, time"
_GENERAL = f"{_COMMON}、方法学公开列明的活动数据 / {_COMMON_EN}, the activity data that the methodology lists in public"

#: What is collected in a scene. A scene without a line of its own collects what its methodologies list.
COLLECTED = dict.fromkeys(SCENES, _GENERAL) | {
    "device": (
        f"{_COMMON}、品类、型号与成色、数量或重量、设备序列号（用于防止重复计算） / "
        f"{_COMMON_EN}, category, model and condition, quantity or weight, serial number (so that it counts once)"
    ),
    "donation": f"{_COMMON}、品类、件数或重量 / {_COMMON_EN}, category, pieces or weight",
    "commute": (
        f"{_COMMON}、出行方式、起止时间、里程或步数、同乘人数与车辆电耗；不需要起终点位置 / "
        f"{_COMMON_EN}, mode, beginning and end, distance or steps, people aboard and consumption; no places"
    ),
    "purchase": (
        f"{_COMMON}、商品型号、数量、序列号或碳中和证书编号 / "
        f"{_COMMON_EN}, model, quantity, serial number or number of the carbon-neutral certificate"
    ),
}

#: What a member permits in WeChat, by WeChat's code (微信运动步数, 位置信息, 选择的位置信息), and the scenes whose data
#: say something of the kind: steps, and where and when somebody moved. Rather one scene too many: agreeing again is one
#: tap. Phone number (8), name and picture (6, 19, 20) and all others are never asked for, so nothing rests on them.
RESTING_ON_WECHAT = {
    "12": frozenset({"commute", "engagement"}),
    "13": frozenset({"commute"}),
    "18": frozenset({"commute"}),
}


def scenes_resting_on(revoked: str) -> frozenset[str]:
    """The scenes that lose their ground with what WeChat's `RevokeInfo` says a member took back."""
    return frozenset().union(*(RESTING_ON_WECHAT.get(code, ()) for code in re.findall("[0-9]+", revoked)))


@dataclass(frozen=True, slots=True)
class ConsentPurpose:
    """What the data are used for, and what a receipt says about it; texts are `中文 / English`.

    A consent holds for its purpose only: under another purpose nothing is credited until the member agrees again
    (PIPL, article 14).
    """

    version: str
    purpose: str
    legal_ground: str
    future_data: str
    stored_data: str
    points_earned: str
    records: str


PURPOSES = {
    "2026-01": ConsentPurpose(
        "2026-01",
        purpose="核算减排量并发放积分 / quantifying reductions and granting points",
        legal_ground=(
            "您的同意（《个人信息保护法》第十三条第一款第一项）；平台向本计划提供信息须经您单独同意（第二十三条） / "
            "your consent (PIPL, article 13); your separate consent to the platform handing data over (article 23)"
        ),
        future_data=(
            "撤回后发生的行为不再入账；撤回后收到的记录加密暂存，30 天内未重新授权即结束处理并删除内容 / "
            "Nothing further is credited. Records that still arrive are kept sealed, and erased after 30 days unless "
            "you agree again"
        ),
        stored_data=(
            "撤回前依法进行的处理不受影响，已入账的记录继续保存以备核查；如需删除个人信息，请注销账户 / "
            "What was lawfully done before stays valid and is kept so that it can be checked; to have personal data "
            "erased, delete your account"
        ),
        points_earned=(
            "已获得的减排量和积分不变；原订单取消或更正时仍会相应调整 / "
            "Reductions and points already earned stay, unless their order is cancelled or corrected"
        ),
        records="每次授权变更的记录至少保存三年 / every change of a consent is kept for at least three years",
    ),
    "sharing-2026-01": ConsentPurpose(
        "sharing-2026-01",
        purpose="由该平台用于其向您说明的用途 / what that platform says it uses them for",
        legal_ground="您的单独同意（《个人信息保护法》第二十三条） / your separate consent (PIPL, article 23)",
        future_data=(
            "撤回后不再提供任何新的信息，尚未送达的通知一并停止 / "
            "Nothing further is passed on; notices that have not arrived yet are held back"
        ),
        stored_data=(
            "我们会告知该平台您已撤回，并要求其停止使用和删除；撤回前依法进行的处理不受影响 / "
            "We tell the platform that you withdrew and that it has to stop using and delete what it holds; what was "
            "lawfully done before stays valid"
        ),
        points_earned=(
            "您在本计划的减排量和积分不受影响 / Your reductions and points in this programme stay as they are"
        ),
        records="每次授权变更的记录至少保存三年 / every change of a consent is kept for at least three years",
    ),
}


@dataclass(frozen=True, slots=True)
class ConsentText:
    """A published wording of a purpose. `look_back_days`: how long before the consent an act may lie and still count.

    A new wording of the same purpose leaves consents as they are; a new purpose asks every member again. Guardians are
    shown words of their own. `sharing`: it is agreed to for the scene `SHARING`, and for no other.
    """

    version: str
    purpose: ConsentPurpose
    look_back_days: int
    text_zh: str
    text_en: str
    guardian_zh: str
    guardian_en: str
    sharing: bool = False


#: Every wording ever published, in that order: the last one of its sort is in force, none is ever removed.
CONSENT_TEXTS = {
    "2026-01": ConsentText(
        "2026-01",
        PURPOSES["2026-01"],
        30,
        "我同意该平台将我在所选场景下的低碳行为记录（订单或行程编号、时间、品类、数量、里程）提供给本计划，"
        "用于核算减排量和发放积分；授权前 30 天内的行为可补记。我可随时撤回，撤回后不再接收新的记录。",
        "I agree that this platform passes on records of my low-carbon acts in the chosen scene (order or trip number, "
        "time, category, quantity, distance) for quantifying reductions and granting points; acts of the 30 days "
        "before count too. I may withdraw at any time; nothing new is taken from then on.",
        "我是该未满十四周岁会员的监护人，同意该平台将其在所选场景下的低碳行为记录（订单或行程编号、时间、品类、数量、里程）"
        "提供给本计划，用于核算减排量和发放积分；授权前 30 天内的行为可补记。我可随时代其撤回，撤回后不再接收新的记录；"
        "其年满十四周岁之日起，须由其本人重新同意。",
        "I am the guardian of this member under fourteen and agree that this platform passes on records of their "
        "low-carbon acts in the chosen scene (order or trip number, time, category, quantity, distance) for "
        "quantifying reductions and granting points; acts of the 30 days before count too. I may withdraw for them at "
        "any time; nothing new is taken from then on. From their fourteenth birthday they have to agree themselves.",
    ),
    "sharing-2026-01": ConsentText(
        "sharing-2026-01",
        PURPOSES["sharing-2026-01"],
        0,
        "我单独同意本计划将我的碳账户与积分余额、其变动及相应低碳行为的类别和日期（以仅该平台使用的化名）提供给所列平台，用于所列用途。"
        "不同意不影响我使用本计划。我可随时撤回，撤回后立即停止提供。",
        "I separately agree that this programme passes the balances of my carbon account and points, their changes, "
        "and kind and day of the low-carbon acts behind them, under a pseudonym that only that platform gets, to the "
        "platform named, for the purpose named. I can use the programme without agreeing. I may withdraw at any time; "
        "nothing is passed on from then on.",
        "我是该未满十四周岁会员的监护人，单独同意本计划将其碳账户与积分余额、其变动及相应低碳行为的类别和日期"
        "（以仅该平台使用的化名）提供给所列平台，用于所列用途。不同意不影响其使用本计划。我可随时代其撤回，撤回后立即停止提供；其年满十四周岁之日起，须由其本人重新同意。",
        "I am the guardian of this member under fourteen and separately agree that this programme passes the balances "
        "of their carbon account and points, their changes, and kind and day of the low-carbon acts behind them, under "
        "a pseudonym that only that platform gets, to the platform named, for the purpose named. They can use the "
        "programme without it. I may withdraw for them at any time; nothing is passed on from then on. From their "
        "fourteenth birthday they have to agree themselves.",
        sharing=True,
    ),
}


def current_consent_text(*, sharing: bool = False) -> ConsentText:
    """The wording now in force: of consents under which acts are credited, or those in the scene `SHARING`."""
    return [text for text in CONSENT_TEXTS.values() if text.sharing == sharing][-1]
