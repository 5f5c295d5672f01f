"""PK in a campaign: persons, teams and departments challenge each other."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend import campaigns, clock, identity
from backend.campaigns import (
    CampaignNotFound,
    ChallengeChanged,
    ChallengeDaysTaken,
    ChallengeLimit,
    ChallengeNotFound,
    InvalidChallenge,
    NoChallenges,
    NotCaptain,
    NotTakingChallenges,
    NotTakingPart,
    OpponentNotFound,
    TooFewPeople,
)
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, roster
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house, member
from miniprogram_api.campaign_teams import act_in
from miniprogram_api.export import SignatureSchema
from miniprogram_api.fields import Day, Instant
from miniprogram_api.resource import Resource

resource = Resource("challenges", __name__, description="积分 PK / PK of campaigns")

_ONE = "/challenges/<uuid:challenge_id>"
_ACTING = (NotTakingPart, GuardianNeeded, NotEnrolled, roster.StaffTermEnded, NotFound)
_ANSWERING = (*_ACTING, ChallengeNotFound, NotCaptain, ChallengeChanged)
_SIDE = {"enum": [*campaigns.challenges.SIDES, None]}
MOST_OPPONENTS = 200


class NewChallengeSchema(Schema):
    """Whom I challenge: a participant of a board, or a team or department (its `group_id`) I speak against for mine."""

    kind = fields.String(required=True, validate=validate.OneOf(campaigns.challenges.KINDS))
    opponent_id = fields.UUID(required=True)
    measure = fields.String(required=True, validate=validate.OneOf(("grams", "points")))
    first_day = Day(required=True, metadata={"description": "明天或更晚 / tomorrow or later"})
    last_day = Day(required=True)


class SideSchema(Schema):
    """A side of a PK."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class ChallengeSchema(Schema):
    """A PK and where it is. `mine`: the side I am on."""

    id = fields.UUID(required=True)
    campaign = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(campaigns.challenges.KINDS)})
    measure = fields.String(required=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    state = fields.String(required=True, metadata={"enum": list(campaigns.challenges.STATES)})
    mine = fields.String(required=True, metadata={"enum": list(campaigns.challenges.SIDES)})
    invited_at = Instant(required=True)
    lapses_at = Instant(required=True)
    due_at = Instant(required=True, metadata={"description": "此前入账的行为计入 / acts settled before then count"})
    final_at = Instant(required=True, allow_none=True)
    challenger = fields.Nested(SideSchema, required=True)
    opponent = fields.Nested(SideSchema, required=True)


class ScoredSideSchema(SideSchema):
    """A side with its score: the mean of those who take part, rounded down. Sums of fewer than five are not told."""

    people = fields.Integer()
    taking_part = fields.Integer()
    enough = fields.Boolean(metadata={"description": "至少 60 % 参与 / at least 60 % take part"})
    amount = fields.Integer(allow_none=True)
    score = fields.Integer(allow_none=True)


class ResultSchema(Schema):
    """The final result (number 1) or a correction behind it."""

    number = fields.Integer(required=True)
    made_at = Instant(required=True)
    winner = fields.String(required=True, allow_none=True, metadata=_SIDE)


class ScoredChallengeSchema(ChallengeSchema):
    """A PK with its scores once it is accepted. `leads`: who is ahead, and of a final PK who won by its last result."""

    challenger = fields.Nested(ScoredSideSchema, required=True)
    opponent = fields.Nested(ScoredSideSchema, required=True)
    may = fields.List(fields.String(metadata={"enum": ["accept", "decline", "withdraw"]}), required=True)
    as_of = Instant(required=True, allow_none=True, metadata={"description": "比分时刻 / the scores are of then"})
    leads = fields.String(required=True, allow_none=True, metadata=_SIDE)
    results = fields.List(fields.Nested(ResultSchema), required=True)


class ChallengesSchema(Schema):
    """My PKs, the newest first: a hundred at most."""

    challenges = fields.List(fields.Nested(ChallengeSchema), required=True)


class OpponentsQuery(Schema):
    """Teams or departments."""

    kind = fields.String(required=True, validate=validate.OneOf(("team", "department")))


class OpponentsSchema(Schema):
    """Teams or departments that take challenges."""

    opponents = fields.List(fields.Nested(SideSchema), required=True)


class ResultDocumentSchema(Schema):
    """A signed result: the statement, and the signature that vouches for it."""

    signature = fields.Nested(SignatureSchema, required=True)
    statement = fields.Dict(keys=fields.String(), required=True)


class ResultDocumentsSchema(Schema):
    """The final result and each correction; each correction names the one before by its `sha256`."""

    results = fields.List(fields.Nested(ResultDocumentSchema), required=True)


@resource.operation(
    "GET", "/campaigns/<code>/opponents", answers=OpponentsSchema, refuses=(CampaignNotFound, NotTakingPart)
)
@resource.query(OpponentsQuery)
def opponents(query: dict[str, Any], code: str) -> dict[str, Any]:
    """Teams or departments one can challenge; persons are found on boards"""
    with house().transaction() as tx:
        campaign = campaigns.campaign(tx, code, now=clock.now())
        campaigns.teams.participant(tx, campaign.code, member().holder_id)
        return {"opponents": campaigns.challenges.challengeable(tx, campaign, query["kind"], limit=MOST_OPPONENTS)}


@resource.operation(
    "GET", "/campaigns/<code>/challenges", answers=ChallengesSchema, refuses=(CampaignNotFound, NotFound)
)
@resource.query(AccountQuery)
def challenges(query: dict[str, Any], code: str) -> dict[str, Any]:
    """The PKs I have a part in: mine, my team's, my department's"""
    now = clock.now()
    with house().transaction() as tx:
        campaign = campaigns.campaign(tx, code, now=now)
        return {"challenges": campaigns.challenges.mine(tx, campaign, asked_account(tx, query), now=now)}


@resource.operation(
    "POST",
    "/campaigns/<code>/challenges",
    answers=ScoredChallengeSchema,
    status=201,
    refuses=(
        *(*_ACTING, CampaignNotFound, NoChallenges, InvalidChallenge, NotCaptain, OpponentNotFound),
        *(NotTakingChallenges, TooFewPeople, ChallengeLimit, ChallengeDaysTaken),
    ),
)
@resource.body(NewChallengeSchema)
@resource.query(AccountQuery)
def invite(body: dict[str, Any], query: dict[str, Any], code: str) -> dict[str, Any]:
    """Challenge somebody

    It becomes a PK when the other side accepts, before its first day and within three days. Sending the same again
    while it is open is refused and changes nothing.
    """

    def send(tx: Any) -> dict[str, Any]:
        campaign, holder_id = act_in(tx, query, code)
        wish = campaigns.challenges.Wish(**body)
        made = campaigns.challenges.invite(tx, campaign, holder_id, wish, now=clock.now())
        return campaigns.challenges.challenge(tx, made, holder_id, now=clock.now())

    return house().retried(send)


@resource.operation("GET", _ONE, answers=ScoredChallengeSchema, refuses=(ChallengeNotFound, NotFound))
@resource.query(AccountQuery)
def challenge(query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """One PK I have a part in, with its scores as they stand"""
    with house().transaction() as tx:
        return campaigns.challenges.challenge(tx, challenge_id, asked_account(tx, query), now=clock.now())


@resource.operation("GET", f"{_ONE}/results", answers=ResultDocumentsSchema, refuses=(ChallengeNotFound, NotFound))
@resource.query(AccountQuery)
def results(query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """The signed final result, and each correction behind it

    Each is a document that anybody verifies offline with the key of `/.well-known/jwks.json`.
    """
    with house().transaction() as tx:
        found = campaigns.challenges.documents(tx, challenge_id, asked_account(tx, query), now=clock.now())
    return {"results": found}


@resource.operation(
    "POST",
    f"{_ONE}/accept",
    answers=ScoredChallengeSchema,
    refuses=(*_ANSWERING, NoChallenges, OpponentNotFound, TooFewPeople, ChallengeDaysTaken),
)
@resource.query(AccountQuery)
def accept(query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """Take up a challenge; teams are as they are now, until its end"""
    return _answered(campaigns.challenges.accept, query, challenge_id)


@resource.operation("POST", f"{_ONE}/decline", answers=ScoredChallengeSchema, refuses=_ANSWERING)
@resource.query(AccountQuery)
def decline(query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """Say no; the same side cannot ask again in this campaign"""
    return _answered(campaigns.challenges.decline, query, challenge_id)


@resource.operation("POST", f"{_ONE}/withdraw", answers=ScoredChallengeSchema, refuses=_ANSWERING)
@resource.query(AccountQuery)
def withdraw(query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """Take my invitation back, or step back from a PK that has not begun"""
    return _answered(campaigns.challenges.withdraw, query, challenge_id)


def _answered(verb: Any, query: dict[str, Any], challenge_id: UUID) -> dict[str, Any]:
    """Act on a PK in the name of the side one speaks for."""

    def act(tx: Any) -> dict[str, Any]:
        me, now = member(), clock.now()
        holder_id: UUID = query.get("account_id") or me.holder_id
        programme = campaigns.challenges.programme_of(tx, challenge_id)
        who = {"person_id": me.holder_id, "session_id": me.session_id, "account_id": holder_id}
        identity.act_for(tx, **who, programme=programme, now=now)
        verb(tx, challenge_id, holder_id, now=now)
        return campaigns.challenges.challenge(tx, challenge_id, holder_id, now=now)

    found: dict[str, Any] = house().retried(act)
    return found
