"""What participants and teams are called where others see it: by the name they chose once it is checked, else a number.

`house.names.check(person_id, typed)` asks about a name, outside of any transaction; what it returns comes in here. The
row of the name that waits is held before what is called so, as in every room.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from backend import clock
from backend.campaigns import scoring
from backend.campaigns.errors import NotTakingPart
from backend.campaigns.models import CampaignParticipant, CampaignTeam
from backend.campaigns.policy import display_name
from backend.identity import public_names

#: What is named: somebody who takes part, a team.
PARTICIPANT, TEAM = "campaign_participant", "campaign_team"

_UNSYNCHRONISED = {"synchronize_session": False}


def team_name(team_id: UUID, name: str, passed: bool) -> str:
    """What others call a team: its name that passed, else a number."""
    return name if passed else f"小队 {str(team_id)[-6:].upper()}"


def rename(
    tx: Session, person_id: UUID, holder_id: UUID, campaign: str, name: public_names.Checked | None, *, now: datetime
) -> dict[str, object]:
    """Call a participant something else, or (None) by their number; `person_id` chose it for them.

    Raises NotTakingPart.
    """
    public_names.keep(tx, person_id, PARTICIPANT, f"{campaign} {holder_id}", name, now=now)
    mine = (CampaignParticipant.holder_id == holder_id, CampaignParticipant.campaign == campaign)
    renamed = update(CampaignParticipant).where(*mine, CampaignParticipant.left_at.is_(None))
    said: dict[str, object] = {"name": None, "name_passed": False}
    if name is not None:
        said = {"name": name.name, "name_passed": name.passed}
    returning = renamed.values(said).returning(CampaignParticipant.id).execution_options(**_UNSYNCHRONISED)
    participant_id = tx.scalar(returning)
    if participant_id is None:
        raise NotTakingPart(campaign=campaign)
    scoring.participant_changed(tx, campaign, [holder_id], now=now)
    chosen, passed = (None, False) if name is None else (name.name, name.passed)
    return {"name": chosen, "passed": passed, "shown_as": display_name(participant_id, chosen, passed)}


def keep_team_name(tx: Session, person_id: UUID, team_id: UUID, name: public_names.Checked, *, now: datetime) -> None:
    """What this person just called a team (`name` and `name_passed` of its row): checked again if nobody could say."""
    public_names.keep(tx, person_id, TEAM, str(team_id), name, now=now)


class PenNames:
    """昵称 of participants. What is decided is announced, so that boards show it at once."""

    use = PARTICIPANT

    def decide(self, tx: Session, chosen: public_names.Chosen, passed: bool) -> None:
        campaign, _, holder_id = chosen.subject.rpartition(" ")
        mine = (CampaignParticipant.holder_id == UUID(holder_id), CampaignParticipant.campaign == campaign)
        decided = update(CampaignParticipant).where(*mine, CampaignParticipant.name == chosen.name)
        said: dict[str, object] = {"name_passed": True} if passed else {"name": None, "name_passed": False}
        returning = decided.values(said).returning(CampaignParticipant.holder_id)
        renamed = tx.scalars(returning.execution_options(**_UNSYNCHRONISED)).all()
        scoring.participant_changed(tx, campaign, renamed, now=clock.now())


class TeamNames:
    """Names of teams; one that is refused gives way to the team's number."""

    use = TEAM

    def decide(self, tx: Session, chosen: public_names.Chosen, passed: bool) -> None:
        team_id = UUID(chosen.subject)
        decided = update(CampaignTeam).where(CampaignTeam.id == team_id, CampaignTeam.name == chosen.name)
        said = {"name_passed": True, "name": chosen.name if passed else team_name(team_id, "", False)}
        tx.execute(decided.values(said).execution_options(**_UNSYNCHRONISED))
