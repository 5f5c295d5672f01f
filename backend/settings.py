"""One frozen record of everything the environment decides."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from environs import EnvError, FileAwareEnv, validate

from backend.errors import Misconfigured

ENVIRONMENTS = ("sandbox", "test", "production")
#: Points that may be written off for one person, where the operator does not say otherwise.
WRITE_OFF_LIMIT = 10_000
#: How long announcements are kept, delivered and undelivered, where the operator does not say otherwise.
NOTICES_KEPT_DAYS, DEAD_NOTICES_KEPT_DAYS = 90, 365
#: The fewest people a figure is about that an employer is shown, where the operator does not say otherwise.
EMPLOYER_GROUP_FLOOR = 10
_AT_LEAST_FIVE = validate.Range(min=5)
_AT_LEAST_A_WEEK = validate.Range(min=7)
#: What WeChat's pushes are signed and sealed with in the sandbox. Everybody knows them: refused in production.
SANDBOX_PUSH_TOKEN, SANDBOX_PUSH_AES_KEY = "sandbox", "sandbox" * 6 + "0"
#: Which build of the mini-program a tap on a message opens.
MINIPROGRAM_STATES = ("formal", "trial", "developer")
_A_STATE = validate.OneOf(MINIPROGRAM_STATES)
SANDBOX_DATABASE = "sqlite:///instance/carbon.sqlite3"


def _sandbox_key(purpose: str) -> bytes:
    """A key everybody knows. Good for a demonstration, refused in production."""
    return hashlib.sha256(f"sandbox:{purpose}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Secrets do not show in its repr.

    `token_keys`: newest first; the first signs, all verify. `vault_key` wraps the per-person keys. `fingerprint_key`
    keys claim fingerprints and look-up indexes; it never rotates, because claims are for life. `sandbox_hosts` ("host"
    or "host:port", small letters) may be notified without TLS and at private addresses; refused in production.
    `wechat_push_token` and `wechat_push_encoding_aes_key`: as set in the mini-program's console; empty where WeChat's
    pushes are not taken. `wechat_miniprogram_state`: which build a tap on a message opens.
    `employer_group_floor`: the fewest people a figure is about that an employer is shown.
    `write_off_limit`: points that two operators may write off for one person, ever.
    `notices_kept_days`: for how many days announcements and their deliveries are kept, `dead_notices_kept_days` those
    that could not be delivered.
    """

    environment: str
    database_url: str
    redis_url: str | None
    token_keys: tuple[bytes, ...] = field(repr=False)
    vault_key: bytes = field(repr=False)
    fingerprint_key: bytes = field(repr=False)
    wechat_provider: str = "sandbox"
    wechat_appid: str = "sandbox"
    wechat_secret: str = field(default="", repr=False)
    wechat_push_token: str = field(default="", repr=False)
    wechat_push_encoding_aes_key: str = field(default="", repr=False)
    wechat_miniprogram_state: str = "formal"
    sandbox_hosts: tuple[str, ...] = ()
    log_level: str = "INFO"
    write_off_limit: int = WRITE_OFF_LIMIT
    employer_group_floor: int = EMPLOYER_GROUP_FLOOR
    notices_kept_days: int = NOTICES_KEPT_DAYS
    dead_notices_kept_days: int = DEAD_NOTICES_KEPT_DAYS

    @property
    def sandbox(self) -> bool:
        """Whether sandbox twins, fixed secrets and sandbox endpoints are allowed."""
        return self.environment != "production"

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read and check the environment; `X_FILE` names a file that holds X. Raises Misconfigured with every fault."""
        env = FileAwareEnv(eager=False)
        environment = env.str("ENV", "sandbox")
        if environment not in ENVIRONMENTS:
            raise Misconfigured(f"ENV must be one of {', '.join(ENVIRONMENTS)}")
        sandbox = environment != "production"
        faults: list[str] = []
        token_keys = (env.str("TOKEN_KEYS", "") or "").split(",")
        settings = cls(
            environment=environment,
            database_url=env.str("DATABASE_URL", SANDBOX_DATABASE if sandbox else "") or "",
            redis_url=env.str("REDIS_URL", "") or None,
            token_keys=tuple(_key("TOKEN_KEYS", text, sandbox, faults) for text in token_keys),
            vault_key=_key("VAULT_KEY", env.str("VAULT_KEY", ""), sandbox, faults),
            fingerprint_key=_key("FINGERPRINT_KEY", env.str("FINGERPRINT_KEY", ""), sandbox, faults),
            wechat_provider=env.str("WECHAT_PROVIDER", "sandbox" if sandbox else "wechat"),
            wechat_appid=env.str("WECHAT_APPID", "sandbox" if sandbox else ""),
            wechat_secret=env.str("WECHAT_SECRET", ""),
            wechat_push_token=env.str("WECHAT_PUSH_TOKEN", SANDBOX_PUSH_TOKEN if sandbox else ""),
            wechat_push_encoding_aes_key=env.str(
                "WECHAT_PUSH_ENCODING_AES_KEY", SANDBOX_PUSH_AES_KEY if sandbox else ""
            ),
            wechat_miniprogram_state=env.str("WECHAT_MINIPROGRAM_STATE", "formal", validate=_A_STATE),
            sandbox_hosts=tuple(filter(None, (env.str("SANDBOX_HOSTS", "") or "").lower().split(","))),
            log_level=env.str("LOG_LEVEL", "INFO"),
            write_off_limit=env.int("WRITE_OFF_LIMIT", WRITE_OFF_LIMIT),
            employer_group_floor=env.int("EMPLOYER_GROUP_FLOOR", EMPLOYER_GROUP_FLOOR, validate=_AT_LEAST_FIVE),
            notices_kept_days=env.int("NOTICES_KEPT_DAYS", NOTICES_KEPT_DAYS, validate=_AT_LEAST_A_WEEK),
            dead_notices_kept_days=env.int("DEAD_NOTICES_KEPT_DAYS", DEAD_NOTICES_KEPT_DAYS, validate=_AT_LEAST_A_WEEK),
        )
        try:
            env.seal()
        except EnvError as error:
            faults.append(str(error))
        faults += settings.unusable_push_settings() + settings.unsafe_in_production()
        if faults:
            raise Misconfigured("; ".join(faults))
        return settings

    @classmethod
    def for_tests(cls, *, database_url: str, redis_url: str | None = None) -> "Settings":
        """Sandbox settings on the given servers."""
        return cls(
            environment="test",
            database_url=database_url,
            redis_url=redis_url,
            token_keys=(_sandbox_key("TOKEN_KEYS"),),
            vault_key=_sandbox_key("VAULT_KEY"),
            fingerprint_key=_sandbox_key("FINGERPRINT_KEY"),
            wechat_push_token=SANDBOX_PUSH_TOKEN,
            wechat_push_encoding_aes_key=SANDBOX_PUSH_AES_KEY,
        )

    def unusable_push_settings(self) -> list[str]:
        """What is wrong with the settings of WeChat's message pushes; both may be empty: then none are taken."""
        token, aes_key = self.wechat_push_token, self.wechat_push_encoding_aes_key
        if not (token or aes_key):
            return []
        if re.fullmatch("[0-9A-Za-z]{3,32}", token) and re.fullmatch("[0-9A-Za-z]{43}", aes_key):
            return []
        return ["WECHAT_PUSH_TOKEN (3 to 32 letters or digits) and WECHAT_PUSH_ENCODING_AES_KEY (43) come together"]

    def unsafe_in_production(self) -> list[str]:
        """What keeps these settings from production: sandbox secrets, sandbox providers, gaps. Empty elsewhere."""
        if self.sandbox:
            return []
        keys = {"TOKEN_KEYS": self.token_keys}
        keys |= {"VAULT_KEY": (self.vault_key,), "FINGERPRINT_KEY": (self.fingerprint_key,)}
        faults = [f"{name} is the sandbox's" for name, values in keys.items() if _sandbox_key(name) in values]
        if self.wechat_provider == "sandbox":
            faults.append("WECHAT_PROVIDER=sandbox logs in anybody as anybody")
        elif not (self.wechat_appid and self.wechat_secret):
            faults.append("WECHAT_APPID and WECHAT_SECRET are needed")
        if self.wechat_push_token == SANDBOX_PUSH_TOKEN or self.wechat_push_encoding_aes_key == SANDBOX_PUSH_AES_KEY:
            faults.append("WECHAT_PUSH_TOKEN or WECHAT_PUSH_ENCODING_AES_KEY is the sandbox's")
        if self.sandbox_hosts:
            faults.append("SANDBOX_HOSTS opens the way to private addresses")
        if not self.database_url:
            faults.append("DATABASE_URL is missing")
        return faults


def _key(name: str, text: str | None, sandbox: bool, faults: list[str]) -> bytes:
    """A 32-byte key written as 64 hexadecimal digits; the sandbox's own where none is given and sandbox allows."""
    if not text:
        if not sandbox:
            faults.append(f"{name} is missing: 64 hexadecimal digits, e.g. from `openssl rand -hex 32`")
        return _sandbox_key(name) if sandbox else b""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        faults.append(f"{name} must be 64 hexadecimal digits")
    return key


def ensure_sqlite_folder(database_url: str) -> None:
    """Make the folder an embedded database file lives in."""
    prefix = "sqlite:///"
    if database_url.startswith(prefix) and not database_url.startswith(prefix + ":memory:"):
        Path(database_url.removeprefix(prefix)).parent.mkdir(parents=True, exist_ok=True)
