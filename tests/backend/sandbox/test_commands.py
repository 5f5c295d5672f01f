"""`flask sandbox …` and `flask partner send` without a server."""

import socket
from dataclasses import replace
from typing import Any

import pytest

from backend import clock, house, signing
from backend.sandbox import programme, send, simulate

PRODUCTION = (["sandbox", "run"], ["sandbox", "link-ticket", "shop", "shop-lin"])


@pytest.fixture
def runner(app: Any) -> Any:
    with app.app_context():
        programme.load(house())
    return app.test_cli_runner()


def test_a_link_ticket_is_one_the_house_reads(runner: Any, app: Any) -> None:
    result = runner.invoke(args=["sandbox", "link-ticket", "transit", "tr-luo"])
    assert result.exit_code == 0
    secret = signing.parse_key(programme.PARTNERS["transit"].secret)
    ticket = signing.read_link_ticket(result.output.strip(), lambda _: [secret], clock.now())
    assert (ticket.partner, ticket.user_ref) == ("transit", "tr-luo")


@pytest.mark.parametrize(("partner", "user_ref"), [("nobody", "x"), ("shop", "")])
def test_a_ticket_nobody_could_use_is_not_made(runner: Any, partner: str, user_ref: str) -> None:
    result = runner.invoke(args=["sandbox", "link-ticket", partner, user_ref])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("arguments", PRODUCTION)
def test_production_has_no_sandbox(runner: Any, app: Any, arguments: list[str]) -> None:
    production = replace(app.extensions["house"].settings, environment="production")
    app.extensions["house"] = replace(app.extensions["house"], settings=production)
    for result in (
        runner.invoke(args=arguments),
        runner.invoke(send, ["shop", "-"], input="{}"),
        runner.invoke(simulate, ["shop"]),
    ):
        assert result.exit_code == 1
        assert "ENV=production" in result.output


def test_a_port_in_use_is_said_in_one_line(runner: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = runner.invoke(args=["sandbox", "run", "--port", str(port)])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: port {port} on 127.0.0.1: ")
    assert result.output.count("\n") == 1


def test_send_says_when_nobody_listens(runner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.sandbox.retrying.PAUSES_S", ())
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = runner.invoke(send, ["shop", "-", "--port", str(port)], input="{}")
    assert result.exit_code == 1
    assert "UPSTREAM_UNAVAILABLE" in result.output
