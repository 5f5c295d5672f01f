"""An import of meters: the whole file is read and judged before anything is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.row_files import BrokenRow
from backend.school import metering
from backend.school.meter_rows import overlapping, read_months
from backend.school.metering import Credit
from backend.vault import Vault


@dataclass(frozen=True, slots=True)
class MeterImport:
    """What an import does: readings taken up, what became of each class's share, and the lines that are wrong."""

    readings: int
    broken: list[BrokenRow]
    credits: list[Credit] = field(default_factory=list)


def import_meters(tx: Session, vault: Vault, programme: str, file: BinaryIO, *, now: datetime) -> MeterImport:
    """Take a file up; a dry run is the same in a transaction that is rolled back. What stands so already stays.

    A broken line is reported and the rest goes on. Raises UnknownProgramme, UnreadableFile.
    """
    identity.require_programme(tx, programme)
    months, broken = read_months(file, today=clock.day_of(now))
    if months:
        stored = metering.stored_shares(tx, programme, months)
        every = {(meter, period) for (_, period), meters in stored.items() for meter in meters}
        whole = metering.stored_whole(tx, programme, every) if every else set()
        refused = {(m.meter, m.period): (m.line, why) for m, why in overlapping(months, stored, whole)}
        broken += [BrokenRow(line, why) for line, why in refused.values()]
        months = [month for month in months if (month.meter, month.period) not in refused]
    credits = metering.apply(tx, vault, programme, months, now=now) if months else []
    return MeterImport(len(months), sorted(broken, key=lambda row: row.line), credits)
