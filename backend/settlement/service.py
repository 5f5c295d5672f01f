"""The one pipeline: statements in, grams and points out; and the same chain taken back.

A batch is one database transaction of the caller's. Each stage is a few statements over the whole list. Locks are taken
in one order: inbox and links (by the caller), orders, consents, holder days, claims, counts of caps, lots, budgets,
balances, and what hangs on the acts that are taken back.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from backend import activities, clock, identity
from backend.activities import Act, ActivityKey, Quantified
from backend.points import Award
from backend.settlement import effects, intake, issuing, screening
from backend.settlement.intake import Standing
from backend.settlement.screening import Screened
from backend.settlement.statements import Draft, Outcome, Statement
from backend.vault import Vault


def settle(tx: Session, vault: Vault, statements: Sequence[Statement], *, now: datetime | None = None) -> list[Outcome]:
    """Settle a batch; one outcome per statement, in order.

    `now`: the instant of the decision; where none is given, the one from which on the consents are held.
    Raises `activities.Contended` when another batch got in between (begin the transaction again); any other exception
    means that some statement cannot be processed at all.
    """
    orders = intake.open_orders(tx, statements)
    answers = screening.screen(tx, statements, orders, now=now or clock.now())
    now = now or clock.now()
    standing = intake.stand(statements, answers, orders)
    drafted = _draft_acts(tx, statements, answers, standing)
    refused = _quantify(tx, vault, drafted)
    new = [act for position, (act, _) in drafted.items() if position not in refused]
    withdrawn = _countable(activities.load(tx, standing.withdrawn))
    activities.record(tx, [drafted[position][0] for position in refused], now=now)
    awards = _decide(tx, new, withdrawn, standing.withdrawn, now=now)
    activities.save_lines(tx, standing.lines)
    for position, (act, _) in drafted.items():
        award = awards.get(act.key)
        answers[position] = _outcome(act, award.points if award else 0)
    return [_ended(answer) for answer in answers]


def reverse(
    tx: Session, keys: Collection[ActivityKey], *, reason: str = "REVERSED", now: datetime
) -> list[ActivityKey]:
    """Take acts back as one chain: grams, points, claims and what was derived from them. Returns those taken back now.

    Acts that lost to them come to their right. Acts already taken back or refused are left alone.
    """
    standing = _countable(activities.load(tx, keys))
    _decide(tx, [], standing, {act.key: reason for act in standing}, now=now)
    return [act.key for act in standing]


def _draft_acts(
    tx: Session, statements: Sequence[Statement], answers: Sequence[Screened | Outcome], standing: Standing
) -> dict[int, tuple[Act, Draft]]:
    """The activities to be, by position of their statement, in the order of the batch."""
    profiles = {code: programme.profile for code, programme in identity.programmes(tx).items()}
    library = activities.library()
    drafted = {}
    for position, activity_id in sorted(standing.activity_ids.items()):
        statement, answer = statements[position], answers[position]
        assert isinstance(answer, Screened) and answer.draft is not None and answer.receiver is not None
        draft, receiver = answer.draft, answer.receiver
        methodology = library.get(draft.methodology)
        act = Act(
            holder_id=receiver.holder_id,
            id=activity_id,
            programme=receiver.programme,
            partner=statement.partner,
            order_no=statement.order_no,
            line=statement.line,
            revision=statement.revision,
            methodology=draft.methodology,
            scene=methodology.scene,
            profile=profiles[receiver.programme],
            grade=draft.grade,
            occurred_at=draft.occurred_at,
            day=clock.day_of(draft.occurred_at),
            started_at=draft.started_at,
            ended_at=draft.ended_at,
            pending_days=_pending_days(methodology.points_pending_days, draft.return_days),
            data=activities.canonical_data(draft.data),
            evidence=statement.evidence,
            claim=draft.claim,
            rests_on=statement.rests_on,
            reason=answer.refusal,
        )
        drafted[position] = act, draft
    return drafted


def _pending_days(methodology_days: int, return_days: int) -> int:
    """Points ripen when the act can no longer be returned nor decided otherwise."""
    return max(methodology_days, return_days + 1 if return_days else 0)


def _quantify(tx: Session, vault: Vault, drafted: Mapping[int, tuple[Act, Draft]]) -> set[int]:
    """Put the numbers and the claims into the acts; returns the positions of those refused."""
    positions = [position for position, (act, _) in drafted.items() if act.reason is None]
    inputs = [(drafted[p][0], drafted[p][1].data, drafted[p][1].identity) for p in positions]
    refused = set(drafted) - set(positions)
    bases = {}
    for position, result in zip(positions, activities.quantify(vault, inputs), strict=True):
        if isinstance(result, Quantified):
            bases[result.basis.hash] = result.basis
        else:
            drafted[position][0].reason = result
            refused.add(position)
    activities.record_bases(tx, bases.values())
    return refused


def _decide(
    tx: Session,
    new: Sequence[Act],
    withdrawn: Sequence[Act],
    reasons: Mapping[ActivityKey, str],
    *,
    now: datetime,
) -> dict[ActivityKey, Award]:
    """Decide what counts now, write it, and post it."""
    decision = activities.decide(
        tx,
        new,
        withdrawn,
        rules_of=activities.day_rules,
        eligible=lambda acts: screening.still_allowed(tx, acts, now=now),
        now=now,
    )
    for act in withdrawn:
        act.status, act.reason, act.excluded_by = "taken_back", reasons[act.key], None
    activities.save_statuses(tx, withdrawn)
    new_keys = {act.key for act in new}
    activities.record(tx, [act for act in (*decision.issue, *decision.uncredited) if act.key in new_keys], now=now)
    changed = (*decision.issue, *decision.displaced, *decision.still_uncredited)
    activities.save_statuses(tx, [act for act in changed if act.key not in new_keys])
    gone = [*withdrawn, *decision.displaced]
    awards = issuing.post(tx, decision.issue, gone, now=now)
    effects.take_back(tx, gone, now=now)
    return awards


def _countable(acts: Mapping[ActivityKey, Act]) -> list[Act]:
    """Those of these acts that count or might come to count: what was refused or taken back stays so."""
    return [act for act in acts.values() if act.status in activities.STANDING]


def _ended(answer: Screened | Outcome) -> Outcome:
    assert isinstance(answer, Outcome), "every statement ends with an outcome"
    return answer


def _outcome(act: Act, earned: int) -> Outcome:
    counted = act.status == "issued"
    return Outcome(
        act.status,
        act.reason,
        act.key,
        act.methodology,
        act.reduction_g if counted else 0,
        act.offset_g if counted else 0,
        act.eac_wh if counted else 0,
        earned,
    )
