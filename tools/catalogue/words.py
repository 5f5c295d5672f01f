"""The Chinese words for the codes of the library, and how numbers, units and days are written on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from methodologies.kernel.units import UnitError, parse_unit, unit_zh

SCENES = {
    "commute": "绿色出行",
    "travel": "差旅出行",
    "device": "设备再利用与回收",
    "donation": "捐赠",
    "purchase": "低碳消费",
    "office": "低碳办公",
    "school": "低碳校园",
    "energy": "能源",
    "engagement": "参与",
}
CLAIM_TYPES = {
    "REDUCTION": ("减排量", "基准线排放减去项目与泄漏排放，以克二氧化碳当量记账，可按规则换取积分。"),
    "OFFSET_BACKED": ("抵消支撑", "由已注销的碳信用支撑的补偿量，以克另行记账，不是减排量。"),
    "EAC_BACKED": ("绿证支撑", "由已核销的绿色电力证书支撑的电量，以瓦时另行记账，不是减排量。"),
    "ENGAGEMENT": ("参与", "学习、答题、捐步等参与行为，克数恒为零，只按规则得积分。"),
}
CONFIDENCES = {
    "VERIFIED": ("见于来源", "数值见于所引来源。"),
    "DERIVED": ("由来源推算", "由所引来源的数值推算，推算过程写在依据里。"),
    "RECALLED": ("未见原文", "凭记忆或转述，未见原文；列入每次计算结果的“未经核实”清单。"),
    "ASSUMED": ("本库设定", "没有公开来源，由本库设定；列入每次计算结果的“未经核实”清单。"),
}
RELIABILITIES = {
    "A": "原文、官方附件或数据集",
    "B": "可信的二手文本",
    "C": "转载镜像",
    "HOUSE": "本库设定，没有公开来源，须评审",
}
RESULTS = {
    "BE": ("基准线排放", "gCO2e"),
    "PE": ("项目排放", "gCO2e"),
    "LE": ("泄漏排放", "gCO2e"),
    "ER": ("减排量", "gCO2e"),
    "COMP": ("抵消支撑的补偿量，不与减排量相加", "gCO2e"),
    "EAC": ("绿证支撑的电量，不与减排量相加", "Wh"),
}
KINDS = {"number": "十进制数", "count": "整数", "choice": "选项"}
IDENTITY = {
    "partner": "合作方",
    "order_no": "订单号",
    "line": "订单行",
    "serial": "序列号",
    "trip_id": "行程号",
    "certificate_no": "证书编号",
    "meter": "电表号",
    "period": "计量期",
    "day": "活动当日",
}
CATEGORIES = {
    "laptop": "笔记本电脑",
    "desktop": "台式电脑",
    "tablet": "平板电脑",
    "phone": "手机",
    "monitor": "显示器",
}
STAGES = {"manufacture": "生产", "transport": "运输", "use": "使用", "end_of_life": "报废"}
SHEET = {
    "published_on": "发布于",
    "boundary": "核算边界",
    "lifetime_years": "使用年限",
    "tool": "核算工具",
    "use_location": "使用地",
    "error_margin": "误差",
    "stage_shares": "各阶段占比",
    "segment": "比较的基准线级别",
}
CERTIFICATE = {
    "issued": "认证于",
    "number": "证书编号",
    "issuer": "发证机构",
    "scheme": "依据的规则",
    "statement": "证书声明",
    "valid_from": "有效期自",
    "valid_until": "有效期至",
    "registry": "注销登记处",
    "retirement_serials": "注销序列号",
    "retired_kg": "注销量（kgCO₂e/台）",
}
NOT_PUBLISHED = "未公布"
PERIODS = {"day": "每人每日", "week": "每人每周", "month": "每人每月", "year": "每人每年"}
KEYS = {
    "profile": "基准线方案",
    "grade": "证据等级",
    "data_year": "数据年",
    "kind": "口径",
    "region": "地区",
    "model": "产品",
    "certified_model": "产品",
}
_COUNTED = ("1", "item", "trip", "step", "sheet", "page", "night", "day", "person")
_UNITS = {unit: unit_zh(parse_unit(unit)) for unit in _COUNTED}


def unit_text(text: str) -> str:
    """A unit as it is printed: ``kgCO2e/pkm`` → kgCO₂e/pkm, ``item`` → 件, and nothing for a bare number."""
    return _UNITS.get(text, text.replace("CO2", "CO₂"))


def unit_words(text: str) -> str:
    """A unit in Chinese words, for those who do not read the symbol."""
    try:
        return unit_zh(parse_unit(text)) or "无量纲"
    except UnitError:
        return text


def days_text(first: date | str, last: date | str | None) -> str:
    """The days something is in force, both ends included."""
    return f"{first} 至 {last}" if last else f"{first} 起"


def with_unit(value: str, unit: str) -> str:
    """``12.4 km``, ``5 %``, ``3 件``; a bare number stays bare."""
    return f"{value} {unit_text(unit)}".strip()


def bounds_text(field: Mapping[str, str | None]) -> str:
    """The bounds of a piece of activity data: ``0 < 值 ≤ 60``."""
    low = f"{field['above']} < " if field["above"] is not None else ""
    low = f"{field['minimum']} ≤ " if field["minimum"] is not None else low
    high = f" ≤ {field['maximum']}" if field["maximum"] is not None else ""
    return f"{low}值{high}" if low or high else ""
