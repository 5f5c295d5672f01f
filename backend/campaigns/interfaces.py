"""What campaigns need of rooms beside them; whoever puts the house together passes it in."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session


class ClassRoom(Protocol):
    """A class as boards show it. `seats`: how many pupils it has on each day that was asked for."""

    @property
    def title(self) -> str: ...

    @property
    def seats(self) -> Mapping[date, int]: ...


class ClassHeads(Protocol):
    """Tells of class accounts what they are called and how many pupils they have; those that are none are left out.
    `school.class_seats` is one."""

    def __call__(
        self, tx: Session, holder_ids: Collection[UUID], days: Collection[date]
    ) -> Mapping[UUID, ClassRoom]: ...
