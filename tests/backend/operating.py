"""Operators to act with, in database tests."""

import json
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


class Acting:
    """Somebody at a terminal who says who they are and why."""

    def __init__(self, app: Any, world: World, name: str, role: str = "administrator") -> None:
        self.app, self.name, self.token = app, name, operator_with_token(world, name, role)[1]

    def __call__(self, *arguments: str, **options: Any) -> Any:
        who = ("--operator", self.name, "--reason", "as agreed")
        return run(self.app, *arguments, *who, token=self.token, **options)


def logged(app: Any, prefix: str = "") -> list[dict[str, Any]]:
    """What `flask operator log` prints, where the action begins so."""
    rows = [json.loads(line) for line in run(app, "operator", "log").stdout.splitlines()]
    return [row for row in rows if row["action"].startswith(prefix)]


def run(app: Any, *arguments: str, token: str = "", **options: Any) -> Any:
    """A command, with the operator's token in the environment."""
    return app.test_cli_runner().invoke(args=list(arguments), env={"OPERATOR_TOKEN": token}, **options)
