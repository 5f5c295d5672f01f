"""Steps of staff from a sports platform 运动圈, which is asked once a day for each of the last days.

    GET <url with the day in it>        Authorization: Bearer <token>
    {"day": "2026-06-05", "items": [{"staff_no": "1001", "steps": 8214, "by_hand": false}, …]}

Counts rest on the agreement of the programme with the source `house:sports-<code>`. A staff number that names nobody's
account that day is counted and forgotten: nothing of it is kept, and later rounds ask for the day again.
"""

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import ForeignKey, LargeBinary, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from backend import clock, identity, safe_http, strict_json
from backend.database import Base, transaction
from backend.errors import Refusal
from backend.identity import Receiver
from backend.lists import upsert_rows
from backend.safe_http import OutsideUnavailable
from backend.steps.policy import Report, Reported
from backend.steps.recording import record
from backend.vault import Vault

#: Each round asks for so many days before today again: staff are named late, and bands synchronise late.
DAYS_ASKED = 7
DEADLINE_S, MAX_BYTES = 60.0, 16 << 20
_TOGETHER = 100

log = structlog.get_logger(__name__)


class StepPlatform(Base):
    """A sports platform of a programme. `url` has the day as `{day}`; `pulled_on`: the day of the last whole round."""

    __tablename__ = "step_platforms"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    url: Mapped[str] = mapped_column(Text)
    sealed_token: Mapped[bytes] = mapped_column(LargeBinary)
    pulled_on: Mapped[date | None]


def source_of(code: str) -> str:
    """What an agreement names the platform."""
    return f"house:sports-{code}"


def set_platform(
    tx: Session, vault: Vault, code: str, *, programme: str, url: str, token: str, allowed_hosts: Collection[str] = ()
) -> None:
    """Set a platform up, or change where and with which token it is asked. UnknownProgramme, AddressRefused."""
    identity.require_programme(tx, programme)
    safe_http.check_url(_address(url, clock.today()), allowed_hosts=allowed_hosts)
    sealed = vault.house.seal(token.encode(), _context(code))
    row = {"code": code, "programme": programme, "url": url, "sealed_token": sealed, "pulled_on": None}
    upsert_rows(tx, StepPlatform, [row], key=("code",))


def pull_due(sessions: sessionmaker[Session], vault: Vault, *, allowed_hosts: Collection[str] = ()) -> None:
    """Ask every platform that was not asked today. One platform's trouble is logged and costs the others nothing."""
    with transaction(sessions) as tx:
        platforms = list(tx.scalars(select(StepPlatform).order_by(StepPlatform.code)))
    for platform in platforms:
        if platform.pulled_on == clock.today():
            continue
        try:
            for back in range(DAYS_ASKED, 0, -1):
                day = clock.today() - timedelta(days=back)
                told = pull(sessions, vault, platform.code, day, allowed_hosts=allowed_hosts)
                log.info("steps_pulled", platform=platform.code, day=day.isoformat(), **told)
        except Refusal as refusal:
            log.warning("steps_not_pulled", platform=platform.code, code=refusal.code)
            continue
        with transaction(sessions) as tx:
            tx.get_one(StepPlatform, platform.code, with_for_update=True).pulled_on = clock.today()


def pull(
    sessions: sessionmaker[Session], vault: Vault, code: str, day: date, *, allowed_hosts: Collection[str] = ()
) -> dict[str, int]:
    """Fetch a day and record it; how many counted, were withheld or told why not, and named nobody.

    The same day again changes nothing. Raises OutsideFailure, AddressRefused.
    """
    with transaction(sessions) as tx:
        platform = tx.get_one(StepPlatform, code)
        token = vault.house.open(platform.sealed_token, _context(code)).decode()
    answer = safe_http.call(
        "GET",
        _address(platform.url, day),
        headers={"Authorization": f"Bearer {token}"},
        deadline_s=DEADLINE_S,
        max_bytes=MAX_BYTES,
        allowed_hosts=allowed_hosts,
    )
    if not answer.ok:
        raise OutsideUnavailable(f"answered {answer.status}", answer)
    told = _read(answer.body, day)
    done: Counter[str] = Counter(nobody=0, counted=0)
    numbers = sorted(told)
    for begin in range(0, len(numbers), _TOGETHER):
        with transaction(sessions) as tx:
            some = {number: told[number] for number in numbers[begin : begin + _TOGETHER]}
            done.update(_record(tx, vault, platform, day, some, now=clock.now()))
    return dict(done)


def _record(
    tx: Session, vault: Vault, platform: StepPlatform, day: date, told: dict[str, Reported], *, now: datetime
) -> Counter[str]:
    """Record some staff numbers' counts, person by person."""
    done: Counter[str] = Counter()
    agreed = identity.agreements.hold_agreements(tx, {(platform.programme, source_of(platform.code), day)})
    keys = {
        number: (platform.programme, identity.agreements.reference_index(vault, platform.programme, number), day)
        for number in told
    }
    receivers = identity.agreements.referred_receivers(tx, keys.values()) if agreed else {}
    found: list[tuple[Receiver, Reported]] = []
    for number, key in keys.items():
        receiver = receivers.get(key)
        if receiver is None:
            done["nobody"] += 1
        else:
            found.append((receiver, told[number]))
    for receiver, reported in sorted(found, key=lambda item: item[0].holder_id):
        if identity.hold_to_forget(tx, receiver.holder_id) is not None:  # held alone, so that reports follow each other
            done["nobody"] += 1
            continue
        measured_at = min(now, clock.start_of_day_after(day, 1))
        report = Report(source_of(platform.code), receiver.programme, measured_at, [reported])
        done.update(verdict.code or "counted" for verdict in record(tx, receiver.holder_id, report, now=now))
    return done


def _read(body: bytes, day: date) -> dict[str, Reported]:
    """The counts by staff number; items that are not ones are left out, two counts of one number as well."""
    try:
        document = strict_json.loads_object(body, max_bytes=MAX_BYTES)
    except Refusal as refusal:
        raise OutsideUnavailable(f"no readable list: {refusal.code}") from None
    items = document.get("items")
    if document.get("day") != day.isoformat() or not isinstance(items, list):
        raise OutsideUnavailable("not the list of this day")
    found: dict[str, Reported] = {}
    twice: set[str] = set()
    for item in items:
        if not isinstance(item, dict) or type(item.get("steps")) is not int:
            continue
        number, by_hand = item.get("staff_no"), item.get("by_hand", False)
        if isinstance(number, str) and 0 < len(number.strip()) <= 64 and type(by_hand) is bool:
            reported = Reported(day, int(str(item["steps"])), by_hand)
            if found.setdefault(number.strip(), reported) != reported:
                twice.add(number.strip())
    return {number: reported for number, reported in found.items() if number not in twice}


def _address(url: str, day: date) -> str:
    return url.replace("{day}", day.isoformat())


def _context(code: str) -> bytes:
    return b"step platform:" + code.encode()
