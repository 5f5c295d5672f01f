"""The sandbox programme: what it is called, who takes part, which platforms send events and with which keys.

Every key here is public. It is good for a demonstration and refused in production, like the whole sandbox.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import House, clock, identity, member_messages, partners, points
from backend.sandbox import forest
from backend.sandbox.catalogue import load_catalogue
from backend.sandbox.lessons import load_lessons
from backend.signing import SecretKey, SigningKey, parse_signing_key

PROGRAMME = "members"
#: Before any act of the recorded day, and near enough that all of that day is covered.
CONSENTED_AT = datetime(2026, 5, 20, 9, 0, tzinfo=clock.SHANGHAI)
#: A template nobody asked WeChat for: the sandbox's own carrier takes any.
EXPIRY_TEMPLATE = "sandbox-points-expiry"
EXPIRY_FIELDS = {"programme": "thing1", "points": "number2", "last_day": "date3", "note": "thing4"}
KEYS_VALID_FROM = datetime(2025, 1, 1, tzinfo=clock.SHANGHAI)


@dataclass(frozen=True, slots=True)
class SandboxPartner:
    """A platform of the sandbox. Its user of a member is `<user_prefix>-<member>`.

    `scenes` are what a member can consent to there. `secret` signs `v1`; `signing_key`, where there is one, `v1a`.
    """

    code: str
    title: str
    return_days: int
    user_prefix: str
    scenes: tuple[str, ...]
    secret: str
    signing_key: str | None = None

    def user_ref(self, member: str) -> str:
        return f"{self.user_prefix}-{member}"


PARTNERS = {
    partner.code: partner
    for partner in (
        SandboxPartner(
            code="zhuanzhuan",
            title="转转",
            return_days=7,
            user_prefix="zz",
            scenes=("device",),
            secret="whsec_emh1YW56aHVhbiBzYW5kYm94IHNlY3JldCAwMDAwMDE=",
        ),
        SandboxPartner(
            code="dangdang",
            title="铛铛一下",
            return_days=0,
            user_prefix="dd",
            scenes=("donation", "device"),
            secret="whsec_ZGFuZ2Rhbmcgc2FuZGJveCBzZWNyZXQgMDAwMDAwMDI=",
        ),
        SandboxPartner(
            code="transit",
            title="公交地铁与共享单车",
            return_days=0,
            user_prefix="tr",
            scenes=("commute",),
            secret="whsec_dHJhbnNpdCBzYW5kYm94IHNlY3JldCAwMDAwMDAwMDM=",
            signing_key="whsk_dHJhbnNpdCBzYW5kYm94IGVkMjU1MTkgc2VlZCAwMDQ=",
        ),
        SandboxPartner(
            code="shop",
            title="联想商城",
            return_days=7,
            user_prefix="shop",
            scenes=("purchase",),
            secret="whsec_c2hvcCBzYW5kYm94IHNlY3JldCAwMDAwMDAwMDAwMDU=",
        ),
    )
}


#: More than anybody will use up here: what is drawn of it has to agree with the books, whatever is killed meanwhile.
BUDGET = points.NewBudget(
    *(PROGRAMME, "programme", PROGRAMME, "绿色会员积分预算 / Budget of the green members"),
    *(date(2025, 1, 1), None, 1_000_000_000_000),
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who logs in with the code `sandbox:<name>`."""

    name: str
    linked: bool = True
    consenting: bool = True


MEMBERS = (
    *(Member(name) for name in ("lin", "wang", "zhao", "chen", "sun", "zhou")),
    *(Member(name) for name in ("wu", "zheng", "xu", "ma", "hu", "guo")),
    Member("he", consenting=False),
    Member("luo", linked=False, consenting=False),
)


def load(house: House, url: str | None = None) -> None:
    """Put the programme into the database. What is there already, and what members changed since, is left alone.

    `url`: where this sandbox is served, and with it its platforms that deliver over HTTP.
    """
    with house.transaction() as tx:
        load_programme(tx, house, url)
        forest.load(tx, house, PROGRAMME)
        for member in MEMBERS:
            load_member(tx, house, member)


def load_programme(tx: Session, house: House, url: str | None = None) -> None:
    """The programme with its points rule, its partners and its rewards, without members."""
    identity.save_programme(
        tx,
        code=PROGRAMME,
        kind="consumer",
        title_zh="绿色会员计划",
        title_en="Green members",
        profile="CN-DEFAULT",
    )
    points.save_rule(
        tx,
        programme=PROGRAMME,
        version=1,
        in_force_from=date(2025, 1, 1),
        points_per_gram="1",
        fixed_points={"low_carbon_pc": 200, "learning": 20, "step_donation": 10},
        note="每减排 1 克得 1 分；碳中和电脑每台固定 200 分；学习每次 20 分、捐步每次 10 分",
    )
    if not points.budgets_of(tx, PROGRAMME):
        points.open_budget(tx, BUDGET, now=clock.now())
    member_messages.set_template(tx, PROGRAMME, EXPIRY_TEMPLATE, EXPIRY_FIELDS, now=clock.now())
    for partner in PARTNERS.values():
        _load_partner(tx, house, partner)
    load_catalogue(tx, house, PROGRAMME, url)
    load_lessons(tx, PROGRAMME)


def _load_partner(tx: Session, house: House, partner: SandboxPartner) -> None:
    partners.save_partner(
        tx, code=partner.code, adapter=partner.code, title=partner.title, return_days=partner.return_days
    )
    if partners.has_keys(tx, partner.code):
        return
    keys = [partner.secret]
    if partner.signing_key is not None:
        keys.append(signing_key(partner.signing_key).public.text())
    for key in keys:
        partners.add_key(tx, house.vault, partner.code, key, now=KEYS_VALID_FROM)


def load_member(
    tx: Session,
    house: House,
    member: Member,
    *,
    at: Collection[SandboxPartner] = tuple(PARTNERS.values()),
    now: datetime = CONSENTED_AT,
) -> UUID:
    """The member as a login makes them, linked and consenting at these partners since `now`; left alone when they
    decided something before."""
    found = identity.SandboxWeChat(house.settings.wechat_appid).exchange(f"sandbox:{member.name}")
    known_by = [("wechat_openid", f"{found.appid}|{found.openid}"), ("wechat_unionid", found.unionid or "")]
    holder_id = identity.recognise_person(tx, house.vault, known_by, now=now)
    identity.enrol_in_consumer_programmes(tx, holder_id, now=now)
    if identity.consents_of(tx, holder_id) or identity.links_of(tx, house.vault, holder_id):
        return holder_id
    given: Mapping[str, Any] = {"holder_id": holder_id, "now": now}
    for partner in at:
        if member.linked:
            reference = partner.user_ref(member.name)
            identity.link_partner_user(
                tx, house.vault, partner=partner.code, user_ref=reference, programme=PROGRAMME, **given
            )
        for scene in partner.scenes if member.consenting else ():
            identity.set_consent(tx, partner=partner.code, scene=scene, granted=True, **given)
    return holder_id


def signing_key(text: str) -> SigningKey:
    """The private half of an ed25519 pair."""
    key = parse_signing_key(text)
    assert isinstance(key, SigningKey)
    return key


def newest_secret(house: House, partner: str) -> SecretKey:
    """The shared secret a partner signs with now, which may be a rotated one. Raises UnknownPartner, LookupError."""
    with house.transaction() as tx:
        keys = partners.require_partner(tx, house.vault, partner).keys_at(clock.now())
    secrets = [key for key in keys if isinstance(key, SecretKey)]
    if not secrets:
        raise LookupError(f"{partner} has no shared secret in force")
    return secrets[-1]
