"""Operators to act with, in database tests."""

from typing import Any
from uuid import UUID

from backend import clock, identity
from backend.identity import OperatorView
from tests.backend.world import World


def operator(world: World, name: str, role: str) -> UUID:
    """An operator of this role; returns their id."""
    return operator_with_token(world, name, role)[0]


def operator_with_token(world: World, name: str, role: str) -> tuple[UUID, str]:
    with world.house.transaction() as tx:
        made, token = identity.add_operator(tx, name, role, now=clock.now())
    return made.id, token


def signed_in(world: World, name: str, role: str) -> OperatorView:
    """A new operator of this role, recognised by their token."""
    _, token = operator_with_token(world, name, role)
    with world.house.transaction() as tx:
        return identity.authenticate_operator(tx, name, token)


def run(app: Any, *arguments: str, token: str = "", **options: Any) -> Any:
    """A command, with the operator's token in the environment."""
    return app.test_cli_runner().invoke(args=list(arguments), env={"OPERATOR_TOKEN": token}, **options)
