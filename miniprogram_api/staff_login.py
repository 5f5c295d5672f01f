"""Staff login: employees log in with what their employer runs, or bind it to the account they have."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from backend import clock, identity, partners
from backend.identity import roster, staff_login
from miniprogram_api.auth import TokensSchema, tokens_of
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, Instant, text
from miniprogram_api.resource import Resource

resource = Resource("staff-login", __name__, description="员工登录 / Staff login")

REFUSES = (
    *(staff_login.UnknownStaffProvider, staff_login.StaffLoginInvalid, staff_login.StaffLoginUnavailable),
    *(staff_login.NotStaff, roster.NotOnRoster, roster.StaffNumberTaken, staff_login.StaffLoginTaken),
)


class StaffProviderSchema(Schema):
    """An employer's login. `begins`: a browser is sent there first; otherwise the code alone is enough."""

    provider = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["wecom", "oidc"]})
    title = fields.String(required=True)
    programme = fields.String(required=True)
    begins = fields.Boolean(required=True)


class StaffProvidersSchema(Schema):
    """Every employer whose staff can log in."""

    providers = fields.List(fields.Nested(StaffProviderSchema), required=True)


class BeginSchema(Schema):
    """Where the employer's login leads back to: one of the addresses registered for it."""

    redirect_uri = text(1024, required=True)


class BegunSchema(Schema):
    """Send the browser to `authorization_url`, and keep `verifier` where only this client reads it; finish with `code`
    and `state` as they come back, and the verifier."""

    authorization_url = fields.String(required=True)
    state = fields.String(required=True)
    verifier = fields.String(required=True)
    expires_at = Instant(required=True)


class StaffLoginSchema(Schema):
    """A code of the employer's login; `state` and `verifier` where a browser was sent there."""

    provider = text(32, CODE, required=True)
    code = text(512, required=True)
    state = text(128)
    verifier = text(128)


class StaffAccountSchema(Schema):
    """The staff programme in which the member has an account now."""

    programme = fields.String(required=True)


@resource.operation("GET", "/auth/staff", answers=StaffProvidersSchema, members_only=False)
def providers() -> dict[str, Any]:
    """Which employers' staff can log in"""
    with house().transaction() as tx:
        found = staff_login.providers(tx)
    return {
        "providers": [
            {
                "provider": one.code,
                "kind": one.kind,
                "title": one.title,
                "programme": one.programme,
                "begins": one.kind == "oidc",
            }
            for one in found
        ]
    }


@resource.operation(
    "POST",
    "/auth/staff/<string:provider>/begin",
    answers=BegunSchema,
    status=201,
    refuses=(
        *(staff_login.UnknownStaffProvider, staff_login.NothingToBegin),
        *(staff_login.RedirectNotAllowed, staff_login.StaffLoginUnavailable),
    ),
    members_only=False,
)
@resource.body(BeginSchema)
def begin(body: dict[str, Any], provider: str) -> staff_login.Begun:
    """Begin a staff login in a browser

    It can be finished once, within ten minutes.
    """
    return house().staff_login_desk.begin(provider, body["redirect_uri"])


@resource.operation("POST", "/auth/staff", answers=TokensSchema, refuses=REFUSES, members_only=False)
@resource.body(StaffLoginSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in as staff

    Whoever is on the employer's roster today has a staff account from the first login on. The same person is recognised
    by whatever of their employer's logins they use.
    """
    with_account, tokens = _enter(body, None)
    assert with_account and tokens is not None
    return tokens


@resource.operation("POST", "/me/staff-login", answers=StaffAccountSchema, refuses=REFUSES)
@resource.body(StaffLoginSchema)
def bind(body: dict[str, Any]) -> dict[str, Any]:
    """Bind a staff login to my account

    From then on I have a staff account beside my own, kept apart from it, and either login leads to both.
    """
    programme, _ = _enter(body, member().holder_id)
    return {"programme": programme}


def _enter(body: dict[str, Any], member_id: UUID | None) -> tuple[str, dict[str, Any] | None]:
    """The programme, and new tokens unless somebody is logged in already."""
    asked = (body["provider"], body["code"], body.get("state"), body.get("verifier"))
    programme, shown = house().staff_login_desk.identify(*asked)
    vault, now = house().vault, clock.now()
    with house().transaction() as tx:
        entered = staff_login.enter(tx, vault, programme, shown, member_id=member_id, now=now)
        tokens = None
        if not entered.taken:
            index = identity.agreements.reference_index(vault, programme, shown.staff_no)
            partners.wake_references(tx, [(programme, index)], now=now)
            if member_id is None:
                tokens = tokens_of(identity.start_session(tx, entered.person_id, now=now))
    if entered.taken:  # what the operators are told is committed by now
        raise staff_login.StaffLoginTaken
    return programme, tokens
