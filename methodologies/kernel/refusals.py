"""The sentences of every refusal a quantification can meet, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from methodologies.kernel.definition import Definition, MonitoredField, Version
from methodologies.kernel.errors import MethodologyError, shown
from methodologies.kernel.model import ANY_PROFILE
from methodologies.kernel.parameters import Parameter


def not_in_force(definition: Definition, day: date, profile: str, first: date) -> MethodologyError:
    return MethodologyError(
        "NOT_IN_FORCE",
        f"{definition.title.zh}在 {day} 尚未生效或已经失效（自 {first} 起生效）",
        f"{definition.title.en} is not in force on {day} (from {first})",
        day=day.isoformat(),
        profile=profile,
        in_force_from=first.isoformat(),
    )


def profile_not_supported(
    definition: Definition, version: Version, profile: object, registered: Iterable[str]
) -> MethodologyError:
    supported = sorted(registered if ANY_PROFILE in version.profiles else version.profiles)
    return MethodologyError(
        "PROFILE_NOT_SUPPORTED",
        f"{definition.title.zh}没有基准线方案 {shown(profile)} 的因子，不会替换为其他方案",
        f"{definition.title.en} has no factors for profile {shown(profile)}; no other profile is used instead",
        profile=shown(profile),
        supported=supported,
    )


def grade_not_accepted(definition: Definition, version: Version, grade: object) -> MethodologyError:
    accepted = "、".join(version.grades)
    return MethodologyError(
        "GRADE_NOT_ACCEPTED",
        f"{definition.title.zh}不接受证据等级 {shown(grade)}，接受 {accepted}",
        f"{definition.title.en} does not accept evidence grade {shown(grade)}",
        grade=shown(grade),
        accepted=list(version.grades),
    )


def unknown_data(definition: Definition, unknown: list[str]) -> MethodologyError:
    names = shown(", ".join(unknown))
    return MethodologyError(
        "UNKNOWN_DATA",
        f"未知的活动数据：{names}",
        f"unknown data: {names}",
        unknown=[shown(name) for name in unknown],
        known=sorted(definition.monitored),
    )


def missing_data(definition: Definition, missing: list[str]) -> MethodologyError:
    wanted = "、".join(f"{name}（{definition.monitored[name].title.zh}）" for name in missing)
    return MethodologyError(
        "MISSING_DATA", f"缺少活动数据：{wanted}", f"missing data: {', '.join(missing)}", missing=missing
    )


def unknown_choice(field: MonitoredField, value: object) -> MethodologyError:
    """UNKNOWN_CATEGORY, UNKNOWN_CONDITION, UNKNOWN_MODEL …: the code names the field."""
    received = shown(value)
    known = "、".join(f"{code}（{title.zh}）" for code, title in field.choices.items())
    return MethodologyError(
        f"UNKNOWN_{field.name.upper()}",
        f"未知的{field.title.zh} {received}，可用：{known}",
        f"unknown {field.title.en} {received}; known: {', '.join(field.choices)}",
        field=field.name,
        received=received,
        known=list(field.choices),
    )


def not_published(parameter: Parameter, keys: Mapping[str, str]) -> MethodologyError:
    chosen = {key: keys[key] for key in parameter.by}
    return MethodologyError(
        "FACTOR_NOT_PUBLISHED",
        f"没有公布的{parameter.title.zh}：{'、'.join(chosen.values())}",
        f"no published {parameter.title.en} for {', '.join(chosen.values())}",
        parameter=parameter.name,
        **chosen,
    )


def not_a_day() -> MethodologyError:
    return invalid("DAY", "活动日期应为日历日", "the activity's day must be a calendar day")


def not_a_mapping() -> MethodologyError:
    return invalid("DATA", "活动数据应为名称到数值的映射", "activity data must map names to values")


def invalid(what: str, zh: str, en: str) -> MethodologyError:
    """INVALID_DAY and INVALID_DATA: the caller passed something of the wrong kind."""
    return MethodologyError(f"INVALID_{what}", zh, en)
