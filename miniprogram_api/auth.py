"""Login: a WeChat code for tokens, a refresh token for the next ones, and logging out."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from backend import clock, identity
from backend.identity import (
    ACCESS_LIFE_S,
    InvalidRefreshToken,
    LoginBlocked,
    LoginCodeInvalid,
    LoginRateLimited,
    StartedSession,
    WeChatUnavailable,
)
from miniprogram_api.caller import house, member
from miniprogram_api.fields import text
from miniprogram_api.resource import Resource, nothing

resource = Resource("auth", __name__, description="登录 / Login")


class WeChatLoginSchema(Schema):
    """What `wx.login` gave the mini-program."""

    code = text(128, required=True, metadata={"description": "the code of wx.login; in the sandbox `sandbox:<name>`"})


class RefreshSchema(Schema):
    """A refresh token works once; the answer holds the next one."""

    refresh_token = text(128, required=True)


class TokensSchema(Schema):
    """The access token goes into `Authorization: Bearer`; `expires_in` is its life in seconds."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"enum": ["Bearer"]})
    expires_in = fields.Integer(required=True)
    refresh_token = fields.String(required=True)


@resource.operation(
    "POST",
    "/auth/wechat",
    answers=TokensSchema,
    refuses=(LoginCodeInvalid, LoginBlocked, LoginRateLimited, WeChatUnavailable),
    members_only=False,
)
@resource.body(WeChatLoginSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in with a WeChat code

    The first login makes the member, with a personal account in every consumer programme.
    """
    found = house().wechat.exchange(body["code"])
    known_by = [("wechat_openid", f"{found.appid}|{found.openid}")]
    if found.unionid is not None:
        known_by.append(("wechat_unionid", found.unionid))
    now = clock.now()
    with house().transaction() as tx:
        holder_id = identity.recognise_person(tx, house().vault, known_by, now=now)
        identity.enrol_in_consumer_programmes(tx, holder_id, now=now)
        session = identity.start_session(tx, holder_id, now=now)
        sealer = identity.person_sealer(tx, house().vault, holder_id)
        identity.wechat_sessions.keep(tx, sealer, holder_id, session.session_id, found, now=now)
        return tokens_of(session)


@resource.operation("POST", "/auth/refresh", answers=TokensSchema, refuses=(InvalidRefreshToken,), members_only=False)
@resource.body(RefreshSchema)
def refresh(body: dict[str, Any]) -> dict[str, Any]:
    """Exchange a refresh token for new tokens

    A refresh token that comes a second time was copied: the login ends for everybody who holds its tokens.
    """
    with house().transaction() as tx:
        session = identity.refresh_session(tx, body["refresh_token"], now=clock.now())
    if session is None:  # the end of the login is committed by now
        raise InvalidRefreshToken
    return tokens_of(session)


@resource.operation("POST", "/auth/logout", answers=None, status=204)
def log_out() -> Response:
    """End this login

    Neither its access token nor its refresh token is taken afterwards.
    """
    with house().transaction() as tx:
        identity.end_session(tx, member().session_id, now=clock.now())
    return nothing()


def tokens_of(session: StartedSession) -> dict[str, Any]:
    """The tokens of a login that was begun or renewed."""
    access = identity.issue_access(house().settings.token_keys[0], session.holder_id, session.session_id, clock.now())
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFE_S,
        "refresh_token": session.refresh_token,
    }
