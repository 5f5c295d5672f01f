"""Steps that a member sends from the mini-program."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import identity
from backend.lists import upsert_rows
from backend.steps import werun
from backend.steps.errors import StepsPermissionEnded, WeChatLoginNeeded
from backend.steps.models import StepPermissionEnd
from backend.steps.policy import Report, Verdict
from backend.steps.recording import record
from backend.vault import Vault


@dataclass(frozen=True, slots=True)
class Sent:
    """What a login sends: WeChat's encrypted data, and the programme in which the steps are to count."""

    person_id: UUID
    session_id: UUID
    programme: str
    encrypted_data: str
    iv: str


def receive(tx: Session, vault: Vault, sent: Sent, *, now: datetime) -> Sequence[Verdict]:
    """Open what WeChat encrypted for this login, and record the days.

    Raises SessionEnded, GuardianNeeded, NotEnrolled, WeChatLoginNeeded, InvalidWeRunData, StepsPermissionEnded.
    """
    who = {"person_id": sent.person_id, "session_id": sent.session_id, "account_id": sent.person_id}
    acting = identity.act_for(tx, **who, programme=sent.programme, now=now)
    session = identity.wechat_sessions.find(tx, acting.sealer(vault), sent.person_id, sent.session_id)
    if session is None:
        raise WeChatLoginNeeded
    reading = werun.read(session, sent.encrypted_data, sent.iv, now=now)
    ended = tx.get(StepPermissionEnd, (sent.person_id, werun.SOURCE), populate_existing=True)
    if ended is not None and reading.measured_at <= ended.ended_at:
        raise StepsPermissionEnded
    report = Report(werun.SOURCE, sent.programme, reading.measured_at, reading.days)
    return record(tx, sent.person_id, report, now=now)


def end_permission(tx: Session, holder_id: UUID, *, ended_at: datetime) -> None:
    """The member took back WeChat's permission for steps at this instant; data from before are not taken any more.

    What was counted stays. Data that are newer prove that the permission was given again: WeChat makes none without.
    """
    found = tx.get(StepPermissionEnd, (holder_id, werun.SOURCE), with_for_update=True)
    if found is None or found.ended_at < ended_at:
        row = {"holder_id": holder_id, "source": werun.SOURCE, "ended_at": ended_at}
        upsert_rows(tx, StepPermissionEnd, [row], key=("holder_id", "source"))
