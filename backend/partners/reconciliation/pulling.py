"""Fetching the daily lists where a partner offers them, and the daily round over everything that is not closed."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from tempfile import TemporaryFile
from urllib.parse import urlsplit

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, safe_http, signing
from backend.database import transaction
from backend.errors import Refusal
from backend.ids import new_id
from backend.partners import registry
from backend.partners.errors import InvalidListUrl
from backend.partners.models import InboxEvent, Partner
from backend.partners.reconciliation.comparing import Bars, no_bars, reconcile
from backend.partners.reconciliation.days import AWAITING_LIST, CLOSED, OPEN_DAY, DayView, begin_day, hold_day
from backend.partners.reconciliation.models import ReconciliationDay
from backend.safe_http import OutsideFailure
from backend.vault import Vault

#: A list has to come whole within so long, and be no longer than this.
DEADLINE_S, MAX_LIST_BYTES = 300.0, 1 << 29
#: For so many days a list is asked for again, and a day that is not closed is compared once more each day. A list that
#: was handed in is compared however old its day is.
ASKED_FOR_DAYS, COMPARED_FOR_DAYS = 7, 31

log = structlog.get_logger(__name__)


def set_list_url(tx: Session, partner: str, url: str | None, *, allowed_hosts: Collection[str] = ()) -> str | None:
    """Say where the daily lists of a partner are pulled from; None: they are brought. Returns what was said before.

    `{day}` in the address is the day as 2026-06-05. Raises InvalidListUrl, AddressRefused, UnknownPartner.
    """
    if url is not None:
        if "{day}" not in url:
            raise InvalidListUrl(url=url)
        safe_http.check_url(_address(url, clock.today()), allowed_hosts=allowed_hosts)
    held = registry.hold_partner(tx, partner)
    was, held.list_url = held.list_url, url
    tx.flush()
    return was


def _address(url: str, day: date) -> str:
    return url.replace("{day}", day.isoformat())


def pull(
    sessions: sessionmaker[Session],
    vault: Vault,
    partner: str,
    day: date,
    *,
    allowed_hosts: Collection[str] = (),
    bars: Bars = no_bars,
) -> DayView:
    """Fetch the list of a day and compare it. What fails is noted on the day, and the day awaits its list.

    The request is signed with the partner's secrets, or with the key of our statements where we hold public keys only.
    Raises InvalidListUrl, OutsideFailure, AddressRefused, and what `reconcile` raises.
    """
    with transaction(sessions) as tx:
        setup = registry.require_partner(tx, vault, partner)
        url = tx.scalar(select(Partner.list_url).where(Partner.code == partner))
        begin_day(tx, partner, day)
    if url is None:
        raise InvalidListUrl(partner=partner, url=None)
    address, now = _address(url, day), clock.now()
    parts = urlsplit(address)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secrets = [key for key in setup.keys_at(now) if isinstance(key, signing.SecretKey)]
    signed = signing.request_text("GET", target, b"")
    headers = signing.sign(f"rec_{new_id().hex}", now, signed, secrets or [vault.statement_key])
    with TemporaryFile() as file:
        try:
            safe_http.download(
                address,
                file,
                headers=headers,
                deadline_s=DEADLINE_S,
                max_bytes=MAX_LIST_BYTES,
                allowed_hosts=allowed_hosts,
            )
            return reconcile(sessions, partner, day, file=file, source="pull", bars=bars)
        except Refusal as refusal:
            _note_failure(sessions, partner, day, refusal)
            raise


def _note_failure(sessions: sessionmaker[Session], partner: str, day: date, refusal: Refusal) -> None:
    reason = refusal.reason if isinstance(refusal, OutsideFailure) else refusal.detail
    with transaction(sessions) as tx:
        held = hold_day(tx, partner, day)
        if held.state != CLOSED:
            held.last_error = f"{refusal.code} {reason}".strip()


def daily_round(sessions: sessionmaker[Session], vault: Vault, *, allowed_hosts: Collection[str] = ()) -> None:
    """What is due now: yesterday begins, lists are asked for, open days compared anew, closed ones seen after.

    Begun again at any time, it does only what is still due. One day's trouble is logged and costs the others nothing.
    """
    with transaction(sessions) as tx:
        _begin_yesterday(tx)
    for partner, day, state in _due(sessions):
        try:
            if state == AWAITING_LIST:
                pull(sessions, vault, partner, day, allowed_hosts=allowed_hosts)
            else:
                reconcile(sessions, partner, day)
        except Refusal as refusal:
            log.warning("reconciliation_failed", partner=partner, day=day.isoformat(), code=refusal.code)
        except Exception as error:
            log.error("reconciliation_failed", partner=partner, day=day.isoformat(), exc_info=error)


def _begin_yesterday(tx: Session) -> None:
    """Yesterday is there for every partner whose days are compared, so that a list that does not come is missed."""
    known = select(ReconciliationDay.partner).where(ReconciliationDay.partner == Partner.code).exists()
    query = select(Partner.code).where(Partner.active, or_(Partner.list_url.is_not(None), known))
    for partner in tx.scalars(query.order_by(Partner.code)).all():
        begin_day(tx, partner, clock.today() - timedelta(days=1))


def _due(sessions: sessionmaker[Session]) -> Iterator[tuple[str, date, str]]:
    """The days that something is to be done about, with their state, oldest first."""
    today, day = clock.today(), ReconciliationDay
    came_since = (InboxEvent.partner == day.partner, InboxEvent.day == day.day, InboxEvent.received_at > day.closed_at)
    due = or_(
        (day.state == AWAITING_LIST)
        & (day.day >= today - timedelta(days=ASKED_FOR_DAYS))
        & Partner.active
        & Partner.list_url.is_not(None),
        (day.state == OPEN_DAY) & or_(day.reconciled_at.is_(None), day.reconciled_at < clock.start_of(today)),
        (day.state == CLOSED) & select(InboxEvent.id).where(*came_since).exists(),
    )
    recent = day.day >= today - timedelta(days=COMPARED_FOR_DAYS)
    handed_in = (day.state == OPEN_DAY) & day.reconciled_at.is_(None)
    query = select(day.partner, day.day, day.state).join(Partner, Partner.code == day.partner)
    query = query.where(due, recent | handed_in, day.busy_until <= clock.now())
    with transaction(sessions) as tx:
        rows = tx.execute(query.order_by(day.day, day.partner)).all()
    yield from ((row.partner, row.day, row.state) for row in rows)
