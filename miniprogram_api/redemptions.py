"""Redemptions: points for rewards, once per key; how far each is, and what became of it."""

from typing import Any
from uuid import UUID

from flask import Response

from backend import clock, idempotency, identity, rewards
from backend.errors import NotFound
from backend.idempotency import Answer
from backend.identity import GuardianNeeded, NotEnrolled, UnknownProgramme
from backend.points import InsufficientPoints
from backend.rewards import (
    CodeAlreadyShown,
    DeviceNeeded,
    InvalidRecipient,
    LimitReached,
    NoSuchVoucher,
    PriceChanged,
    RecipientNeeded,
    RecipientNotNeeded,
    RedemptionChanged,
    RewardEnded,
    RewardNotForAccount,
    RewardNotFound,
    RewardNotYet,
    SharingNotAccepted,
    SoldOut,
    TooLateToCancel,
)
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house, member
from miniprogram_api.paging import InvalidCursor, one_more, page, position
from miniprogram_api.redemption_schemas import (
    ListQuery,
    NewRedemptionSchema,
    RedemptionInFullSchema,
    RedemptionSchema,
    RedemptionsSchema,
    VoucherCodeSchema,
)
from miniprogram_api.resource import Resource

resource = Resource("redemptions", __name__, description="兑换 / Redemptions")


@resource.operation(
    "POST",
    "/redemptions",
    answers=RedemptionSchema,
    status=201,
    live_login=False,
    refuses=(
        *(GuardianNeeded, NotEnrolled, NotFound, RewardNotFound, RewardNotForAccount, RewardNotYet, RewardEnded),
        *(PriceChanged, InsufficientPoints, LimitReached, SoldOut),
        *(DeviceNeeded, RecipientNeeded, RecipientNotNeeded, InvalidRecipient, SharingNotAccepted),
    ),
)
@resource.idempotent
@resource.body(NewRedemptionSchema)
def redeem(body: dict[str, Any], key: str) -> Response:
    """Redeem points for one piece of a reward

    Ends as `confirmed`, or goes on by itself as `reserved`, `requested` or `review`; look it up until it has ended.
    Whether the login lives is asked in the transaction that spends.
    """
    recipient = body.get("recipient")
    wish = rewards.Wish(
        person_id=member().holder_id,
        session_id=member().session_id,
        account_id=body.get("account_id") or member().holder_id,
        programme=body["programme"],
        reward=body["reward"],
        expected_price_points=body["expected_price_points"],
        device=body.get("device_id"),
        recipient=None if recipient is None else rewards.recipient_of(recipient),
        accepts_sharing=body["accepts_sharing"],
    )
    return _response(rewards.redeem(_desk(), wish, key))


@resource.operation("GET", "/redemptions", answers=RedemptionsSchema, refuses=(NotFound,))
@resource.query(ListQuery, InvalidCursor, UnknownProgramme)
def redemptions(query: dict[str, Any]) -> dict[str, Any]:
    """My redemptions, newest first"""
    programme = query.get("programme")
    bound_to = ("redemptions", programme or "", str(query.get("account_id") or member().holder_id))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        account_id = asked_account(tx, query)
        if programme is not None:
            identity.require_programme(tx, programme)
        found = rewards.redemptions(tx, account_id, programme=programme, before=before, limit=one_more(query))
    return page(found, query, lambda item: UUID(item["id"]), *bound_to)


@resource.operation("GET", "/redemptions/<uuid:redemption_id>", answers=RedemptionInFullSchema, refuses=(NotFound,))
@resource.query(AccountQuery)
def redemption(query: dict[str, Any], redemption_id: UUID) -> dict[str, Any]:
    """One redemption with its history"""
    with house().transaction() as tx:
        return _in_full(tx, asked_account(tx, query), redemption_id)


@resource.operation(
    "POST",
    "/redemptions/<uuid:redemption_id>/cancel",
    answers=RedemptionInFullSchema,
    refuses=(NotFound, TooLateToCancel),
)
@resource.query(AccountQuery)
def cancel(query: dict[str, Any], redemption_id: UUID) -> dict[str, Any]:
    """Cancel a redemption while that can be

    What was not sent is called off, what was is withdrawn if the provider agrees; the points come back to the lots they
    came from. While `withdrawal` is `asked`, the provider has not answered, and is asked on. Twice is the same as once.
    """
    with house().transaction() as tx:
        account_id = asked_account(tx, query)
    rewards.cancel(_desk(), account_id, redemption_id)
    with house().transaction() as tx:
        return _in_full(tx, account_id, redemption_id)


@resource.operation(
    "POST",
    "/redemptions/<uuid:redemption_id>/reveal",
    answers=VoucherCodeSchema,
    refuses=(NotFound, RedemptionChanged, NoSuchVoucher, CodeAlreadyShown),
)
@resource.idempotent
@resource.query(AccountQuery)
def reveal(query: dict[str, Any], redemption_id: UUID, key: str) -> Response:
    """Show the code of a voucher, once

    The same request with the same key shows it again for 72 hours; any other is refused.
    """
    who = member().holder_id

    def show(tx: Any) -> Any:
        which = {"holder_id": asked_account(tx, query), "redemption_id": redemption_id}
        return rewards.show_code(tx, house().vault, person_id=who, **which, key=key, now=clock.now())

    shown, again = house().retried(show)
    said = VoucherCodeSchema().dumps({"code": shown.code, "pin": shown.pin, "expires_on": shown.expires_on})
    return _response(Answer(200, said, replayed=again))


def _desk() -> rewards.Desk:
    settings = house().settings
    return rewards.Desk(house().sessions, house().vault, rewards.Doors(settings.sandbox_hosts, settings.sandbox))


def _in_full(tx: Any, account_id: UUID, redemption_id: UUID) -> dict[str, Any]:
    found = rewards.redemption_in_full(tx, house().vault, account_id, redemption_id)
    if found is None:
        raise NotFound
    return found


def _response(answer: Answer) -> Response:
    """An answer as it was kept: a problem document where it is a refusal."""
    content_type = "application/json" if answer.status < 400 else "application/problem+json"
    response = Response(answer.text, status=answer.status, content_type=content_type)
    if answer.replayed:
        response.headers[idempotency.REPLAYED_HEADER] = "true"
    return response
