"""Gathered steps become trees, and trees go back: the one place that changes either.

Locks: the adopter, then its donations, then the project, whose count of trees is what all adopters share.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.forest.models import ForestAdopter, ForestDonation, ForestProject, ForestTree, ForestTreePart
from backend.forest.policy import Open, next_tree
from backend.ids import new_id
from backend.lists import insert_rows

STANDING, WITHDRAWN = "standing", "withdrawn"
ADOPTED = "adopted"
#: Digits and letters that nobody mixes up: 80 random bits in sixteen of them, in groups of four.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def hold_adopter(tx: Session, adopter_id: UUID, project: str, *, is_team: bool) -> ForestAdopter:
    """Who gathers steps for a project, held until commit."""
    row = {"adopter_id": adopter_id, "project": project, "is_team": is_team, "gathered": 0, "signed_as": None}
    insert_rows(tx, ForestAdopter, [row], on_conflict=("adopter_id", "project"))
    return tx.get_one(ForestAdopter, (adopter_id, project), with_for_update=True, populate_existing=True)


def plant(tx: Session, adopter: ForestAdopter, *, now: datetime) -> tuple[list[ForestTree], bool]:
    """Adopt as many trees as the gathered steps pay for. Returns them, and whether the project had enough of them."""
    project = tx.get_one(ForestProject, adopter.project)
    donations = _open_donations(tx, adopter)
    trees: list[ForestTree] = []
    while (parts := next_tree([_free(donation) for donation in donations], project.steps_per_tree)) is not None:
        if not _take_tree(tx, adopter.project):
            return trees, False
        trees.append(_adopt(tx, adopter, donations, parts, now))
    return trees, True


def has_trees_left(tx: Session, project: str) -> bool:
    """Whether a tree can still be adopted; nobody adopts the last one until commit."""
    query = select(ForestProject.trees_offered - ForestProject.trees_adopted).where(ForestProject.code == project)
    return (tx.scalar(query.with_for_update(read=True)) or 0) > 0


def uproot(tx: Session, adopter: ForestAdopter, donations: Sequence[ForestDonation], *, now: datetime) -> None:
    """Withdraw donations of a held adopter: their trees with the certificates, and what others gave to these is free.

    What is free may pay for another tree at once.
    """
    trees = _trees_with(tx, [donation.id for donation in donations])
    parts = _parts_of(tx, trees)
    given = _donations_of(tx, parts)
    for tree in trees:
        tree.state, tree.withdrawn_at = WITHDRAWN, now
        _give_tree_back(tx, adopter.project)
    for part in parts:
        given[part.donation_id].planted -= part.steps
        adopter.gathered += part.steps
    for donation in donations:
        donation.state, donation.withdrawn_at = WITHDRAWN, now
        adopter.gathered -= donation.steps
    tx.flush()
    plant(tx, adopter, now=now)


_UNSYNCHRONISED = {"synchronize_session": False}


def _open_donations(tx: Session, adopter: ForestAdopter) -> list[ForestDonation]:
    mine = (ForestDonation.adopter_id == adopter.adopter_id, ForestDonation.project == adopter.project)
    query = select(ForestDonation).where(*mine, ForestDonation.state == STANDING)
    query = query.where(ForestDonation.planted < ForestDonation.steps).order_by(ForestDonation.id)
    return list(tx.scalars(query.with_for_update().execution_options(populate_existing=True)))


def _free(donation: ForestDonation) -> Open:
    return Open(donation.holder_id, donation.id, donation.steps - donation.planted)


def _take_tree(tx: Session, project: str) -> bool:
    """One tree more is adopted, unless all are."""
    free = (ForestProject.code == project, ForestProject.trees_adopted < ForestProject.trees_offered)
    taken = update(ForestProject).where(*free).values(trees_adopted=ForestProject.trees_adopted + 1)
    statement = taken.returning(ForestProject.code).execution_options(**_UNSYNCHRONISED)
    return tx.scalar(statement) is not None


def _adopt(
    tx: Session,
    adopter: ForestAdopter,
    donations: Sequence[ForestDonation],
    parts: Sequence[Open],
    now: datetime,
) -> ForestTree:
    tree = ForestTree(
        id=new_id(),
        project=adopter.project,
        adopter_id=adopter.adopter_id,
        number=_new_number(),
        signed_as=adopter.signed_as,
        state=ADOPTED,
        adopted_at=now,
        withdrawn_at=None,
    )
    tx.add(tree)
    tx.flush()
    by_key = {(donation.holder_id, donation.id): donation for donation in donations}
    for part in parts:
        by_key[part.holder_id, part.donation_id].planted += part.free
        adopter.gathered -= part.free
        made = {"holder_id": part.holder_id, "donation_id": part.donation_id, "tree_id": tree.id, "steps": part.free}
        tx.add(ForestTreePart(**made))
    tx.flush()
    return tree


def _trees_with(tx: Session, donations: Sequence[UUID]) -> list[ForestTree]:
    """The adopted trees in which steps of these donations are."""
    holding = select(ForestTreePart.tree_id).where(ForestTreePart.donation_id.in_(donations))
    query = select(ForestTree).where(ForestTree.id.in_(holding), ForestTree.state == ADOPTED).order_by(ForestTree.id)
    return list(tx.scalars(query.execution_options(populate_existing=True)))


def _parts_of(tx: Session, trees: Sequence[ForestTree]) -> list[ForestTreePart]:
    query = select(ForestTreePart).where(ForestTreePart.tree_id.in_([tree.id for tree in trees]))
    return list(tx.scalars(query))


def _donations_of(tx: Session, parts: Sequence[ForestTreePart]) -> dict[UUID, ForestDonation]:
    """By id, held."""
    query = select(ForestDonation).where(ForestDonation.id.in_({part.donation_id for part in parts}))
    query = query.order_by(ForestDonation.id).with_for_update().execution_options(populate_existing=True)
    return {donation.id: donation for donation in tx.scalars(query)}


def _give_tree_back(tx: Session, project: str) -> None:
    back = update(ForestProject).where(ForestProject.code == project)
    back = back.values(trees_adopted=ForestProject.trees_adopted - 1)
    tx.execute(back.execution_options(**_UNSYNCHRONISED))


def _new_number() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(16)]
    return "-".join("".join(letters[begin : begin + 4]) for begin in range(0, 16, 4))
