"""One methodology, loaded: what it is for, what it monitors and limits, what it claims, and `quantify`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from methodologies.kernel.claims import claim_keys
from methodologies.kernel.definition import Definition, Limit, MonitoredField, Version
from methodologies.kernel.describing import describe
from methodologies.kernel.formulas import LoadedFormula
from methodologies.kernel.quantification import Quantification
from methodologies.kernel.registers import Registers
from methodologies.kernel.routing import Router
from methodologies.kernel.tracing import FormulaTrace


class Methodology:
    """A methodology as the rest of the house sees it."""

    def __init__(
        self,
        definition: Definition,
        formulas: Mapping[str, LoadedFormula],
        traces: Mapping[str, FormulaTrace],
        registers: Registers,
    ) -> None:
        self.definition = definition
        self.formulas = formulas
        self._registers = registers
        self._router = Router(definition, formulas, traces, registers)

    @property
    def code(self) -> str:
        return self.definition.code

    @property
    def title_zh(self) -> str:
        return self.definition.title.zh

    @property
    def title_en(self) -> str:
        return self.definition.title.en

    @property
    def scene(self) -> str:
        """device, donation, commute, purchase …"""
        return self.definition.scene

    @property
    def versions(self) -> tuple[Version, ...]:
        """All versions, oldest first."""
        return self.definition.versions

    @property
    def claim_types(self) -> tuple[str, ...]:
        """What its credits may be: REDUCTION, OFFSET_BACKED, EAC_BACKED, ENGAGEMENT; never added together."""
        return tuple(dict.fromkeys(kind for version in self.versions for kind in version.claim_types))

    @property
    def grades(self) -> tuple[str, ...]:
        """Evidence grades the newest version accepts."""
        return self.versions[-1].grades

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Every limit ever published; `limits_on` says which hold on a day."""
        return self.definition.limits

    @property
    def points_pending_days(self) -> int:
        """How many days after the activity's day its points stay pending."""
        return self.definition.points_pending_days

    @property
    def monitored(self) -> Mapping[str, MonitoredField]:
        """The activity data it knows, by name; anything else is UNKNOWN_DATA."""
        return self.definition.monitored

    @property
    def needs_window(self) -> bool:
        """Whether an act must say when it started and ended (trips), so that overlaps can be refused."""
        return self.definition.needs_window

    @property
    def exclusivity_groups(self) -> tuple[str, ...]:
        """Groups this methodology belongs to; another methodology may exclude a whole group."""
        return self.definition.exclusivity.groups

    @property
    def excluded_groups(self) -> tuple[str, ...]:
        """Groups whose acts of the same holder and day cannot be credited beside an act of this methodology."""
        return self.definition.exclusivity.excludes

    def limits_on(self, day: date) -> tuple[Limit, ...]:
        """The limits in force on a day: per code the newest that has started."""
        started = [limit for limit in self.limits if limit.in_force_from <= day]
        started.sort(key=lambda limit: limit.in_force_from)
        return tuple({limit.code: limit for limit in started}.values())

    def supports(self, profile: str, day: date) -> bool:
        """Whether the version in force on this day serves this profile."""
        version = self._router.version_on(day)
        registered = profile in self._registers.profiles
        return version is not None and registered and bool(version.formulas_for(profile))

    def quantify(self, data: Mapping[str, Any], day: date, profile: str, grade: str = "E3") -> Quantification:
        """Quantify one act; `data` values are ints or decimal text, choices are codes. Raises `MethodologyError`."""
        return self._router.plan_for(data, day, profile, grade).run(data, day, grade)

    def claim_keys(self, identity: Mapping[str, str], data: Mapping[str, Any] | None = None) -> list[str]:
        """The canonical claim strings of one act, such as ``device:SN123``; the caller hashes them with its key.

        `identity` offers partner, order_no, line, serial, trip_id, certificate_no, meter, period where known, and the
        act's day as YYYY-MM-DD. A missing required one is MISSING_EVIDENCE; so is, when `data` are passed, one that
        these data require.
        """
        return claim_keys(self.definition, identity, data or {})

    def as_json(self) -> dict[str, Any]:
        """The whole document for publication (公示): text, versions, monitored data, every row with its source."""
        return describe(self.definition)
