"""Whoever changes something at a terminal says who they are and why: no command can be added that does not ask."""

from collections.abc import Callable, Iterator
from inspect import unwrap
from types import CodeType, FunctionType
from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend import cli
from tests.backend.operating import operator
from tests.backend.world import World

#: Commands that write without an operator, each with its reason.
NOBODY_ANSWERS = {
    "worker": "a process, not a decision: what it does was decided before",
    "database migrate": "the schema, by whoever installs a release; there may be no operators yet",
    "sandbox run": "refused in production",
    "sandbox link-ticket": "refused in production",
    "partner send": "refused in production: signs as a partner of the sandbox",
    "partner simulate": "refused in production: plays a partner of the sandbox",
}
#: What opens a transaction that can write.
WRITES = {"transaction", "sessions"}
ACTS = {"name", "token", "reason"}


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        here = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, here)
        else:
            yield here, command


def named_in(code: CodeType) -> Iterator[str]:
    """Every global and attribute that a function names, also within the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from named_in(constant)


def reached(function: Callable[..., Any], stop: str = "deciding") -> set[str]:
    """What a command names, itself or through other functions of the commands, as far as `deciding`."""
    names: set[str] = set()
    waiting, seen = [unwrap(function)], set()
    while waiting:
        here = waiting.pop()
        if not isinstance(here, FunctionType) or here in seen:
            continue
        seen.add(here)
        found = set(named_in(here.__code__))
        names |= found
        for name in found - {stop}:
            other = here.__globals__.get(name)
            if getattr(other, "__module__", "").startswith(("backend.commands", "backend.cli")):
                parts = vars(other).values() if isinstance(other, type) else [other]
                waiting += [unwrap(part) for part in parts if callable(part)]
    return names


def registered() -> dict[str, click.Command]:
    app = Flask("house")
    cli.register(app)
    return dict(commands(app.cli))


EVERY = registered()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_command_that_can_write_asks_who_acts(name: str) -> None:
    """Either it has --operator, --token and --reason and decides in `deciding`, which writes the operator log or undoes
    everything; or it only reads, through `house().reading()`, where the database refuses to write."""
    command = EVERY[name]
    assert command.callback is not None
    names = reached(command.callback)
    if {parameter.name for parameter in command.params} >= ACTS:
        assert {"deciding", "authenticate_operator"} & names, "it asks who acts, and does not look whether it is so"
    elif name not in NOBODY_ANSWERS:
        assert not WRITES & names, "decorate it with `acting` and decide in `deciding`, or read in `house().reading()`"


def test_the_exceptions_are_commands() -> None:
    assert NOBODY_ANSWERS.keys() <= EVERY.keys()


def test_who_only_reads_cannot_write(world: World) -> None:
    operator(world, "wang", "viewer")
    rename = text("UPDATE operators SET name = 'zhao'")
    for one_moment in (False, True):
        with (
            pytest.raises(DBAPIError, match=r"(?i)read.?only"),
            world.house.reading(one_moment=one_moment) as tx,
        ):
            tx.execute(rename)
    with world.house.transaction() as tx:
        assert tx.execute(text("SELECT name FROM operators")).all() == [("wang",)]
        tx.execute(rename)
