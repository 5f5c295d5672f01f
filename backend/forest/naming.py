"""Names on certificates, once they are checked: a donor's for a project, one certificate's, a team's."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.forest.models import ForestAdopter, ForestTeam, ForestTree
from backend.identity import public_names

#: What is named: a donor of a project, one certificate, a team.
DONOR, CERTIFICATE, TEAM = "forest_donor", "forest_certificate", "forest_team"
#: What a team is called until its name is checked, and after it was taken down.
UNNAMED = "小队"

_UNSYNCHRONISED = {"synchronize_session": False}


def donor(adopter_id: UUID, project: str) -> str:
    """A donor of a project, as what a name is chosen for."""
    return f"{adopter_id} {project}"


class DonorNames:
    """署名 chosen with a donation: on the trees adopted since, and on those to come."""

    use = DONOR

    def decide(self, tx: Session, chosen: public_names.Chosen, passed: bool) -> None:
        if not passed:
            return
        adopter_id, _, project = chosen.subject.partition(" ")
        adopter = tx.get(ForestAdopter, (UUID(adopter_id), project), with_for_update=True, populate_existing=True)
        if adopter is None:  # the donation was refused in the end
            return
        adopter.signed_as = chosen.name
        since = (ForestTree.adopter_id == adopter.adopter_id, ForestTree.project == project)
        named = update(ForestTree).where(*since, ForestTree.adopted_at >= chosen.chosen_at)
        tx.execute(named.values(signed_as=chosen.name).execution_options(**_UNSYNCHRONISED))


class CertificateNames:
    """署名 chosen for one certificate, and so for those to come in the project."""

    use = CERTIFICATE

    def decide(self, tx: Session, chosen: public_names.Chosen, passed: bool) -> None:
        tree = tx.scalar(select(ForestTree).where(ForestTree.number == chosen.subject))
        if tree is None or not passed:
            return
        adopter = tx.get_one(ForestAdopter, (tree.adopter_id, tree.project), with_for_update=True)
        adopter.signed_as = tree.signed_as = chosen.name


class TeamNames:
    """A team's name: on everything its members adopt, and have adopted since it was made."""

    use = TEAM

    def decide(self, tx: Session, chosen: public_names.Chosen, passed: bool) -> None:
        if not passed:
            return
        team_id = UUID(chosen.subject)
        named = update(ForestTeam).where(ForestTeam.id == team_id).values(name=chosen.name)
        tx.execute(named.execution_options(**_UNSYNCHRONISED))
        for model in (ForestAdopter, ForestTree):
            signed = update(model).where(model.adopter_id == team_id).values(signed_as=chosen.name)
            tx.execute(signed.execution_options(**_UNSYNCHRONISED))
