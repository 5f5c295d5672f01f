"""The access token: one for all processes, renewed early by one of them, replaced before its time rarely."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from backend import clock
from backend.database import make_engine, session_factory
from backend.settings import Settings
from backend.vault import Vault
from backend.wechat_api import FORCED_A_DAY, NoToken
from tests.backend.member_messages.conftest import running_twin, twin

NOW = datetime(2026, 6, 8, 12, 0, tzinfo=clock.SHANGHAI)
__all__ = ["running_twin", "twin"]


@pytest.fixture
def moment():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def sessions(database_url):
    return session_factory(make_engine(database_url))


@pytest.fixture
def vault():
    settings = Settings.for_tests(database_url="sqlite://")
    return Vault(settings.vault_key, settings.fingerprint_key)


def test_one_token_for_all_processes_sealed_and_renewed_early(moment, sessions, vault, twin):
    first, second = twin.api(sessions, vault), twin.api(sessions, vault)
    token = first.token()
    assert len(token) > 512 and second.token() == token
    with sessions() as tx:
        sealed = bytes(tx.scalar(text("SELECT sealed_token FROM wechat_access_tokens")))
    assert token.encode() not in sealed
    moment.shift(timedelta(seconds=7200 - 301))
    assert second.token() == token and len(twin.asked_tokens) == 1
    moment.shift(timedelta(seconds=2))
    renewed = second.token()
    assert renewed != token and first.token() == renewed
    assert [asked["force_refresh"] for asked in twin.asked_tokens] == [False, False]
    # While one process renews it, the others go on with the old one while it lasts.
    moment.shift(timedelta(seconds=6950))
    twin.before_token = lambda: seen.append(first.token())
    seen: list[str] = []
    assert (second.token() != renewed, seen, len(twin.asked_tokens)) == (True, [renewed], 3)


def test_a_token_that_is_refused_is_replaced_once_and_not_too_often(moment, sessions, vault, twin):
    api = twin.api(sessions, vault)
    api.token()
    twin.token = "somebody else had it replaced"
    twin.permitted["o1"] = 100
    said = {"touser": "o1"}
    assert api.post("/cgi-bin/message/subscribe/send", said)["errcode"] == 0
    assert [asked["force_refresh"] for asked in twin.asked_tokens] == [False, True]
    # Whoever still held the old one takes the new one, and replaces nothing.
    assert twin.api(sessions, vault).token(refused="the old one") == twin.token
    twin.token = "and again at once"
    with pytest.raises(NoToken):
        api.post("/cgi-bin/message/subscribe/send", said)
    moment.shift(timedelta(seconds=36))
    twin.mishaps = [0, 42001]  # refused although it is new: asked no third time
    twin.calls = 0
    assert (api.post("/cgi-bin/message/subscribe/send", said)["errcode"], twin.calls) == (42001, 2)
    for _ in range(FORCED_A_DAY):
        moment.shift(timedelta(seconds=36))
        twin.token = "and again"
        try:
            api.post("/cgi-bin/message/subscribe/send", said)
        except NoToken:
            break
    assert sum(asked["force_refresh"] for asked in twin.asked_tokens) == FORCED_A_DAY
    moment.shift(timedelta(hours=12))  # another day
    assert api.post("/cgi-bin/message/subscribe/send", said)["errcode"] == 0


@pytest.mark.parametrize(
    "answer",
    [
        *({"errcode": 40125, "errmsg": "invalid appsecret"}, {"access_token": "x"}, {"expires_in": 7200}),
        *({"access_token": "x", "expires_in": -1}, {"access_token": "中", "expires_in": 7200}, {"errcode": "x"}),
        *({"access_token": "x" * 9000, "expires_in": 7200}, {"access_token": "a b\n", "expires_in": 7200}, []),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unusable_token_is_none_and_the_next_one_may_try_at_once(moment, sessions, vault, twin, answer):
    api = twin.api(sessions, vault)
    twin.token_answer = answer
    with pytest.raises(NoToken) as refused:
        api.token()
    assert "s3cr3t" not in str(refused.value)
    twin.token_answer = None
    assert api.token() == twin.token


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_there_is_no_token(moment, sessions, vault, twin):
    for base_url in ("http://127.0.0.1:1", "nonsense"):
        with pytest.raises(NoToken):
            twin.api(sessions, vault, base_url=base_url, allowed_hosts={"127.0.0.1:1"}).token()


def test_many_processes_at_once_ask_for_one_token(postgresql_url, vault, twin):
    made = session_factory(make_engine(postgresql_url))
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: twin.api(made, vault).token(), range(8)))
    assert (len(tokens), len(twin.asked_tokens)) == (1, 1)
