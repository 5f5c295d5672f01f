"""`flask partner`: platforms are set up, put to rest and woken by named operators, and everything is logged."""

import json
from typing import Any

import pytest
from flask import Flask

from backend import signing
from backend.partners.models import InboxEvent
from tests.backend.operating import logged, operator_with_token, run
from tests.backend.partners.asking import ask, send
from tests.backend.world import SECRET, World, trip


@pytest.fixture
def world(app: Flask, database_url: str) -> World:
    return World(database_url)


def act(app: Flask, token: str, *arguments: str, by: str = "wang") -> Any:
    return run(app, "partner", *arguments, "--operator", by, "--reason", "as agreed", token=token)


def test_a_partner_from_its_first_secret_to_its_rest_and_back(app: Flask, world: World) -> None:
    _, token = operator_with_token(world, "wang", "administrator")
    _, reviewer = operator_with_token(world, "li", "reviewer")
    alice = world.person("alice")
    setup = ("add", "bikes", "--adapter", "transit", "--title", "共享单车", "--return-days", "3")
    assert act(app, reviewer, *setup, by="li").stderr.startswith("OPERATOR_NOT_ALLOWED")
    made = act(app, token, *setup)
    secret = made.stdout.strip()
    assert made.exit_code == 0 and secret.startswith("whsec_")
    assert act(app, token, *setup).stderr.startswith("PARTNER_EXISTS")
    assert act(app, token, "add", "Bikes/2", *setup[2:]).exit_code == 2
    too_long = "b" * 33  # could be named in no link ticket and no consent
    assert act(app, token, "add", too_long, *setup[2:]).exit_code == 2
    event = json.dumps(trip("T1", "alice"))
    assert send(app, event, "evt_1", partner="bikes", secrets=(secret,)).status_code == 202

    _, public = signing.new_ed25519_pair()
    key = act(app, token, "add-key", "bikes", public).stdout.strip()
    assert f"public_key {key}" in run(app, "partner", "list").stdout
    assert act(app, token, "end-key", "bikes", key).exit_code == 0
    assert act(app, token, "end-key", "bikes", key).stderr.startswith("UNKNOWN_KEY")
    assert act(app, token, "add-key", "bikes", public).stderr.startswith("KEY_EXISTS")
    assert key not in run(app, "partner", "list").stdout

    assert send(app, event, "evt_2").status_code == 202
    assert act(app, token, "deactivate", "transit").exit_code == 0
    gate = app.extensions["house"].gate
    gate.forget()
    refused = [
        send(app, event, "evt_3"),
        ask(app, "GET", "/partners/v1/deliveries"),
        ask(app, "POST", "/partners/v1/secrets:rotate", "{}"),
    ]
    assert {(answer.status_code, json.loads(answer.text)["code"]) for answer in refused} == {(403, "PARTNER_INACTIVE")}
    stranger = send(app, event, "evt_3", secrets=("whsec_" + "QUJD" * 11,))
    assert json.loads(stranger.text)["code"] == "INVALID_SIGNATURE"
    world.settle()
    assert waiting(world) == {"evt_2": ("waiting", 0)}
    assert world.balances(alice) == {}
    listed = [line.split()[:3] for line in run(app, "partner", "list").stdout.splitlines()]
    assert ["transit", "transit", "no"] in listed and ["bikes", "transit", "yes"] in listed

    assert act(app, token, "activate", "transit").exit_code == 0
    gate.forget()
    world.settle()
    assert waiting(world) == {"evt_2": ("done", 0)}
    assert world.balances(alice)["reduction"] == 579
    assert send(app, event, "evt_2").status_code == 200
    assert run(app, "partner", "rotate-secret", "bikes").exit_code == 2, "whoever acts says who they are"
    rotated = act(app, token, "rotate-secret", "bikes").stdout.strip()
    assert rotated.startswith("whsec_") and act(app, token, "redrive", "--partner", "transit").exit_code == 0
    rows = logged(app, "partner.")
    assert [(row["action"], row["subject"].split()[0]) for row in rows] == [
        ("partner.added", "bikes"),
        ("partner.key_added", "bikes"),
        ("partner.key_ended", "bikes"),
        ("partner.deactivated", "transit"),
        ("partner.activated", "transit"),
        ("partner.secret_rotated", "bikes"),
        ("partner.redriven", "transit"),
    ]
    assert [(len(row["before"]["keys"]), len(row["after"]["keys"])) for row in rows[1:3]] == [(1, 2), (2, 1)]
    assert (rows[3]["before"], rows[3]["after"]) == ({"active": True}, {"active": False})
    before, after = rows[5]["before"]["keys"], rows[5]["after"]["keys"]
    assert [key["valid_until"] for key in before] == [None] and [bool(key["valid_until"]) for key in after] == [
        True,
        False,
    ]
    assert not any(kept in json.dumps(rows) for kept in (secret, rotated, token, "whsec_", "op_"))
    assert act(app, token, "activate", "nobody").stderr.startswith("UNKNOWN_PARTNER")
    assert SECRET not in run(app, "partner", "list").stdout


def waiting(world: World) -> dict[str, tuple[str, int]]:
    with world.house.transaction() as tx:
        rows = tx.query(InboxEvent).where(InboxEvent.partner == "transit")
        return {row.event_id: (row.state, row.attempts) for row in rows}
