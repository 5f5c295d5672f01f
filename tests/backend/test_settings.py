"""Settings: the sandbox is open by choice only, and production says everything it lacks at once."""

from pathlib import Path

import pytest

from backend.errors import Misconfigured
from backend.settings import SANDBOX_PUSH_AES_KEY, Settings

KEY = "ab" * 32
PRODUCTION = {
    "ENV": "production",
    "DATABASE_URL": "postgresql://carbon@db/carbon",
    "TOKEN_KEYS": f"{'cd' * 32},{'ef' * 32}",
    "VAULT_KEY": KEY,
    "FINGERPRINT_KEY": KEY,
    "WECHAT_APPID": "wx0000000000000000",
    "WECHAT_SECRET": "secret",
}
PUSHES = {"WECHAT_PUSH_TOKEN": "ourtoken", "WECHAT_PUSH_ENCODING_AES_KEY": "B" * 43}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PRODUCTION, *PUSHES, "REDIS_URL", "WECHAT_PROVIDER", "SANDBOX_HOSTS", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **changed: str) -> Settings:
    for name, value in {**PRODUCTION, **changed}.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def test_without_any_setting_it_is_the_sandbox() -> None:
    settings = Settings.from_environment()
    assert (settings.sandbox, settings.wechat_provider) == (True, "sandbox")
    assert settings.database_url.startswith("sqlite:///")


def test_production_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch).wechat_push_token == ""
    settings = given(monkeypatch, **PUSHES)
    assert PUSHES["WECHAT_PUSH_TOKEN"] not in repr(settings) and "B" * 43 not in repr(settings)
    assert (settings.sandbox, settings.wechat_provider, len(settings.token_keys)) == (False, "wechat", 2)
    assert KEY not in repr(settings) and "secret" not in repr(settings)


def test_production_names_every_fault_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV", "production")
    with pytest.raises(Misconfigured) as refused:
        Settings.from_environment()
    for name in ("TOKEN_KEYS", "VAULT_KEY", "FINGERPRINT_KEY", "WECHAT_APPID", "DATABASE_URL"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WECHAT_PROVIDER", "sandbox"),
        ("SANDBOX_HOSTS", "127.0.0.1:9000"),
        ("WECHAT_SECRET", ""),
        ("WECHAT_PUSH_TOKEN", "token"),  # without the key that belongs to it
        ("WECHAT_PUSH_ENCODING_AES_KEY", "A" * 42),
        ("WECHAT_PUSH_ENCODING_AES_KEY", SANDBOX_PUSH_AES_KEY),
        ("VAULT_KEY", "too short"),
        ("FINGERPRINT_KEY", "zz" * 32),
        ("TOKEN_KEYS", ""),
        ("ENV", "prod"),
    ],
)
def test_production_refuses(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        given(monkeypatch, **{name: value})


@pytest.mark.parametrize("name", ["VAULT_KEY", "FINGERPRINT_KEY", "TOKEN_KEYS"])
def test_production_refuses_the_keys_everybody_knows(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    sandbox = Settings.for_tests(database_url="sqlite://")
    known = {"VAULT_KEY": sandbox.vault_key, "FINGERPRINT_KEY": sandbox.fingerprint_key}
    known["TOKEN_KEYS"] = sandbox.token_keys[0]
    with pytest.raises(Misconfigured, match=f"{name} is the sandbox's"):
        given(monkeypatch, **{name: known[name].hex()})


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("12" * 32)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VAULT_KEY")
    monkeypatch.setenv("VAULT_KEY_FILE", str(file))
    assert Settings.from_environment().vault_key == bytes.fromhex("12" * 32)
