"""Employers' login services as operators set them up: each for one staff programme, its secret sealed."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.identity.persons import require_programme
from backend.identity.staff_login.errors import InvalidStaffProvider, UnknownStaffProvider
from backend.identity.staff_login.models import StaffLoginProvider, StaffLoginToken
from backend.identity.staff_login.oidc import OpenIdConnect
from backend.identity.staff_login.wecom import WeCom
from backend.strict_json import canonical
from backend.vault import Unreadable, Vault

#: Every kind of login service, and what checks its settings.
KINDS: Mapping[str, Callable[..., dict[str, Any]]] = {"wecom": WeCom.settings_of, "oidc": OpenIdConnect.settings_of}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
LONGEST_SECRET, LONGEST_TITLE = 512, 64


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A login service; without its secret unless it was asked for."""

    code: str
    kind: str
    programme: str
    title: str
    settings: Mapping[str, Any]
    retired_at: datetime | None
    secret: str = field(default="", repr=False)


def add_provider(
    tx: Session,
    vault: Vault,
    *,
    code: str,
    kind: str,
    programme: str,
    title: str,
    given: Mapping[str, str],
    secret: str,
    allowed_hosts: Collection[str],
    now: datetime,
) -> ProviderView:
    """Set up a login service; one that was retired begins anew. Raises UnknownProgramme, InvalidStaffProvider.

    What its identities rest on (the corporation, the issuer) never changes under one code: that would be another one.
    """
    if require_programme(tx, programme).kind != "staff":
        raise InvalidStaffProvider(because="programme")
    if not _NAME.fullmatch(code) or not 0 < len(title) <= LONGEST_TITLE or kind not in KINDS:
        raise InvalidStaffProvider(because="code, title or kind")
    if not 0 < len(secret) <= LONGEST_SECRET or not secret.isascii() or not secret.isprintable():
        raise InvalidStaffProvider(because="secret")
    settings = KINDS[kind](given, allowed_hosts=allowed_hosts)
    before = tx.get(StaffLoginProvider, code, with_for_update=True)
    if before is not None and (before.retired_at is None or _rests_on(before) != (kind, programme, _base(settings))):
        raise InvalidStaffProvider(because="code")
    row = StaffLoginProvider(
        code=code,
        kind=kind,
        programme=programme,
        title=title,
        settings=canonical(settings),
        sealed_secret=vault.house.seal(secret.encode(), _context(code)),
        added_at=now,
    )
    row.retired_at = None
    return _view(tx.merge(row))


def replace_secret(tx: Session, vault: Vault, code: str, secret: str) -> None:
    """Another secret for a login service, from now on. Raises UnknownStaffProvider, InvalidStaffProvider."""
    row = tx.get(StaffLoginProvider, code, with_for_update=True)
    if row is None or row.retired_at is not None:
        raise UnknownStaffProvider
    if not 0 < len(secret) <= LONGEST_SECRET or not secret.isascii() or not secret.isprintable():
        raise InvalidStaffProvider(because="secret")
    row.sealed_secret = vault.house.seal(secret.encode(), _context(code))
    _forget_token(tx, code)


def retire_provider(tx: Session, code: str, *, now: datetime) -> None:
    """From now on nobody logs in through this service; who did stays who they are. Raises UnknownStaffProvider."""
    row = tx.get(StaffLoginProvider, code, with_for_update=True)
    if row is None or row.retired_at is not None:
        raise UnknownStaffProvider
    row.sealed_secret, row.retired_at = None, now
    _forget_token(tx, code)


def providers(tx: Session, *, retired: bool = False) -> list[ProviderView]:
    """Every login service, by code; with those that were retired, if asked for."""
    query = select(StaffLoginProvider).order_by(StaffLoginProvider.code)
    return [_view(row) for row in tx.scalars(query) if retired or row.retired_at is None]


def require_provider(tx: Session, vault: Vault, code: str) -> ProviderView:
    """A login service with its secret. Raises UnknownStaffProvider."""
    row = tx.get(StaffLoginProvider, code) if _NAME.fullmatch(code) else None
    if row is None or row.sealed_secret is None:
        raise UnknownStaffProvider
    try:
        secret = vault.house.open(row.sealed_secret, _context(code)).decode()
    except Unreadable:
        raise UnknownStaffProvider from None
    return _view(row, secret)


def _forget_token(tx: Session, code: str) -> None:
    token = tx.get(StaffLoginToken, code)
    if token is not None:
        tx.delete(token)
        tx.flush()


def _rests_on(row: StaffLoginProvider) -> tuple[str, str, object]:
    return row.kind, row.programme, _base(json.loads(row.settings))


def _base(settings: Mapping[str, Any]) -> object:
    return settings.get("corp_id", settings.get("issuer"))


def _context(code: str) -> bytes:
    return b"staff login secret:" + code.encode()


def _view(row: StaffLoginProvider, secret: str = "") -> ProviderView:
    return ProviderView(row.code, row.kind, row.programme, row.title, json.loads(row.settings), row.retired_at, secret)
