"""Fetching an employer's list: once a day from the address an operator set, applied when nothing is odd about it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import BinaryIO

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, safe_http
from backend.database import reading, transaction
from backend.errors import NotFound, Refusal
from backend.identity.persons import require_programme
from backend.identity.roster.importing import Import, held_roster
from backend.identity.roster.models import Roster
from backend.row_files import MAX_FILE_BYTES, UnreadableFile
from backend.vault import Vault

PULL_EVERY = timedelta(hours=20)
PULL_DEADLINE_S = 120.0

log = structlog.get_logger(__name__)


def set_source(
    tx: Session,
    vault: Vault,
    programme: str,
    *,
    url: str | None,
    token: str | None,
    allowed_hosts: Collection[str] = (),
) -> str | None:
    """Where the list of a programme is fetched from every day, with which bearer token; None: nowhere any more.

    Returns the address before. Raises UnknownProgramme, AddressRefused.
    """
    require_programme(tx, programme)
    if url is not None:
        safe_http.check_url(url, allowed_hosts=allowed_hosts)
    roster = held_roster(tx, programme)
    before, roster.pull_url = roster.pull_url, url
    roster.sealed_pull_token = vault.house.seal(token.encode(), _context(programme)) if url and token else None
    roster.pulled_at = roster.pull_outcome = None
    tx.flush()
    return before


def fetch(
    sessions: sessionmaker[Session], vault: Vault, programme: str, file: BinaryIO, *, allowed_hosts: Collection[str]
) -> None:
    """The list as the employer's system gives it now, into a file. Raises NotFound, OutsideFailure, AddressRefused."""
    with reading(sessions) as tx:
        roster = tx.get(Roster, programme)
        if roster is None or roster.pull_url is None:
            raise NotFound
        url, token = roster.pull_url, roster.sealed_pull_token
    headers = {}
    if token is not None:
        headers["Authorization"] = "Bearer " + vault.house.open(token, _context(programme)).decode()
    safe_http.download(
        url,
        file,
        headers=headers,
        deadline_s=PULL_DEADLINE_S,
        max_bytes=MAX_FILE_BYTES,
        allowed_hosts=allowed_hosts,
    )


def pull_due(sessions: sessionmaker[Session], vault: Vault, *, allowed_hosts: Collection[str]) -> int:
    """Pull every list whose time has come; returns how many. Safe to repeat: a list that stands changes nothing."""
    before = clock.now() - PULL_EVERY
    due = select(Roster.programme).where(
        Roster.pull_url.is_not(None), or_(Roster.pulled_at.is_(None), Roster.pulled_at < before)
    )
    with reading(sessions) as tx:
        programmes = list(tx.scalars(due.order_by(Roster.programme)))
    for programme in programmes:
        outcome = _pull(sessions, vault, programme, allowed_hosts)
        log.info("roster_pulled", programme=programme, outcome=outcome)
        with transaction(sessions) as tx:
            roster = held_roster(tx, programme)
            roster.pulled_at, roster.pull_outcome = clock.now(), outcome
    return len(programmes)


def _pull(sessions: sessionmaker[Session], vault: Vault, programme: str, hosts: Collection[str]) -> str:
    """Fetch and apply; what an operator has to look at is said and left as it stands."""
    try:
        with TemporaryFile() as file:
            fetch(sessions, vault, programme, file, allowed_hosts=hosts)
            import_ = Import(sessions, vault, programme, file, as_of=clock.today())
            surveyed = import_.survey()
            with transaction(sessions) as tx:
                import_.begin(tx, surveyed, yes_many=None)
            done = import_.apply()
            with transaction(sessions) as tx:
                import_.end(tx)
    except (Refusal, UnreadableFile) as failure:
        return getattr(failure, "code", None) or f"UNREADABLE_FILE: {failure}"
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(done.counts.items()))
    return f"applied: {counts}; wrong lines {done.wrong_count}"


def pulls(tx: Session) -> list[tuple[str, str, datetime | None, str | None]]:
    """Programme, address, when it was last pulled, and what came of it."""
    rows = tx.scalars(select(Roster).where(Roster.pull_url.is_not(None)).order_by(Roster.programme))
    return [(row.programme, row.pull_url or "", row.pulled_at, row.pull_outcome) for row in rows]


def _context(programme: str) -> bytes:
    return b"roster pull token:" + programme.encode()
