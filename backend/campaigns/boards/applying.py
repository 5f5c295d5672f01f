"""What was counted anew goes to the boards in Redis, once it is committed."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import clock, identity, outbox
from backend.campaigns import reading
from backend.campaigns.boards.redis import Accelerator, Keys, TooLarge, boards_of, encode
from backend.campaigns.boards.sql import counted_until
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import PERSON, Score
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import Changed, Followed
from backend.campaigns.scoring.following import ACTS_CHANGED, PARTICIPANT_CHANGED
from backend.campaigns.scoring.models import CampaignScore
from backend.database import reading as reading_transaction
from backend.lists import recordset

#: Boards that are further behind are filled anew; so many announcements are caught up with at once.
FURTHEST, AT_ONCE = 50_000, 2_000
#: How many arguments a command of a script takes at most.
_ARGUMENTS = 4_000

log = structlog.get_logger(__name__)


def apply(accelerator: Accelerator | None, followed: Followed) -> None:
    """Let the boards show what this batch changed. Never raises: what is missed here is caught up with or filled."""
    if accelerator is None:
        return
    try:
        with reading_transaction(accelerator.sessions, one_moment=True) as tx:
            campaigns = [each for each in reading.counted(tx) if each.code not in accelerator.unfit]
            as_of = counted_until(tx, clock.now())
            news = _participants_between(tx, followed.after, followed.up_to)
            people = {each.code: _people(tx, each, news[each.code]) for each in campaigns if news[each.code]}
        by_campaign: dict[str, list[Changed]] = defaultdict(list)
        for changed in followed.changed:
            by_campaign[changed.campaign].append(changed)
        for campaign in campaigns:
            step = Step(campaign, followed.after, followed.up_to, as_of)
            step.know(people.get(campaign.code, ()))
            _push(accelerator, step, by_campaign[campaign.code])
    except Exception as error:
        log.warning("boards_not_applied", error=repr(error))


def _push(accelerator: Accelerator, step: "Step", changed: Iterable[Changed]) -> None:
    try:
        step.place((each.period, str(each.participant_id), each.listed, each.score) for each in changed)
        answer = step.send(accelerator)
    except TooLarge:
        accelerator.unfit.add(step.campaign.code)
        accelerator.redis.delete(step.keys.state)
        return
    if answer in ("applied", "missing"):
        return
    if step.after == step.up_to and step.changes:
        # Counted again, not followed: nothing that is announced would bring it.
        accelerator.redis.delete(step.keys.state)
    elif int(answer) < step.up_to:
        catch_up(accelerator, step.campaign, int(answer), step.up_to)


class Step:
    """What brings the boards of a campaign from one position to another, in one script."""

    def __init__(self, campaign: CampaignView, after: int, up_to: int, as_of: datetime) -> None:
        self.campaign, self.after, self.up_to, self.as_of = campaign, after, up_to, as_of
        self.keys = Keys(campaign.code)
        self._touched: dict[str, int] = {}
        self._commands: list[Any] = []
        self._boards = dict[str, list[str]]()
        for period, measure in boards_of(campaign):
            self._boards.setdefault(period, []).append(measure)

    def know(self, people: Iterable[Mapping[str, Any]]) -> None:
        """Whose account is whose, and what they are called; forgotten where `id` is None."""
        known: list[str] = []
        gone: list[str] = []
        names: list[str] = []
        nameless: list[str] = []
        for person in people:
            holder, id = person["holder_id"].hex, str(person["id"])
            if person["left"]:
                gone.append(holder)
            else:
                known += (holder, f"{int(person['listed'])}{id}")
            if person["name"] is None:
                nameless.append(id)
            else:
                names += (id, person["name"])
        self._add("HSET", self.keys.who, known)
        self._add("HDEL", self.keys.who, gone)
        self._add("HSET", self.keys.names, names)
        self._add("HDEL", self.keys.names, nameless)

    def place(self, scores: Iterable[tuple[str, str, bool, Score | None]]) -> None:
        """(period, participant, listed, score): where they stand now; nowhere without a score. Raises TooLarge."""
        placed = defaultdict[tuple[str, str], list[Any]](list)
        hidden = defaultdict[tuple[str, str], list[Any]](list)
        gone = defaultdict[tuple[str, str], list[str]](list)
        for period, id, listed, score in scores:
            for measure in self._boards.get(period, ()):
                board = period, measure
                if score is None:
                    gone[board].append(id)
                    continue
                grams = measure == "grams"
                number = encode(*(score.grams, score.grams_at) if grams else (score.points, score.points_at))
                if listed:
                    placed[board] += (number, id)
                else:
                    hidden[board] += (id, number)
        for board, pairs in placed.items():
            self._add("ZADD", self._key(board), pairs)
        for board, pairs in hidden.items():
            self._key(board)
            self._add("HSET", self.keys.hidden(*board), pairs)
            self._add("ZREM", self.keys.places(*board), pairs[::2])
        for board, ids in gone.items():
            self._key(board)
            self._add("ZREM", self.keys.places(*board), ids)
            self._add("HDEL", self.keys.hidden(*board), ids)

    def send(self, accelerator: Accelerator) -> str:
        """`applied`, `missing`, or the position the boards are at."""
        marks = self.after, self.up_to, clock.now().timestamp(), self.as_of.timestamp()
        answer = accelerator.apply_script(keys=(self.keys.state, *self._touched), args=(*marks, *self._commands))
        return str(answer)

    @property
    def changes(self) -> bool:
        """Whether anything is changed by it."""
        return bool(self._commands)

    def _key(self, board: tuple[str, str]) -> str:
        """The sorted set of a board, with the hash of the hidden behind it."""
        places = self.keys.places(*board)
        if places not in self._touched:
            self._number(places)
            self._number(self.keys.hidden(*board))
        return places

    def _number(self, key: str) -> int:
        return self._touched.setdefault(key, len(self._touched) + 2)

    def _add(self, command: str, key: str, arguments: Sequence[Any]) -> None:
        for begin in range(0, len(arguments), _ARGUMENTS):
            some = arguments[begin : begin + _ARGUMENTS]
            self._commands += (command, self._number(key), len(some), *some)


def catch_up(accelerator: Accelerator, campaign: CampaignView, position: int, up_to: int) -> None:
    """Bring boards that are behind up to this announcement, by what stands in the database now."""
    if up_to - position > FURTHEST:
        accelerator.redis.delete(Keys(campaign.code).state)
        return
    while position < up_to:
        with reading_transaction(accelerator.sessions, one_moment=True) as tx:
            rows = outbox.read_after(tx, position, limit=min(AT_ONCE, up_to - position))
            topics = (*ACTS_CHANGED, PARTICIPANT_CHANGED)
            holders = {row.holder_id for row in rows if row.holder_id is not None and row.topic in topics}
            people = _people(tx, campaign, holders)
            scores = _scores(tx, campaign, people)
            as_of = counted_until(tx, clock.now())
        reached = rows[-1].position if rows else up_to
        step = Step(campaign, position, reached, as_of)
        step.know(people)
        step.place(scores)
        if step.send(accelerator) != "applied":
            return
        position = reached


def _participants_between(tx: Session, after: int, up_to: int) -> dict[str, set[UUID]]:
    """Campaign → who changed in it, by what was announced."""
    found: dict[str, set[UUID]] = defaultdict(set)
    query = select(outbox.OutboxRow.holder_id, outbox.OutboxRow.payload).where(
        outbox.OutboxRow.position > after,
        outbox.OutboxRow.position <= up_to,
        outbox.OutboxRow.topic == PARTICIPANT_CHANGED,
    )
    for holder_id, payload in tx.execute(query):
        if holder_id is not None:
            found[json.loads(payload)["campaign"]].add(holder_id)
    return found


def _people(tx: Session, campaign: CampaignView, holders: Collection[UUID]) -> list[dict[str, Any]]:
    """Those of these holders who take part or did."""
    if not holders:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(holders)])
    who = CampaignParticipant.__table__
    same = (who.c.holder_id == given.c.holder_id) & (who.c.campaign == campaign.code)
    minors = identity.minors_among(tx, set(holders), now=clock.now())
    return [known(row, row.holder_id in minors) for row in tx.execute(select(who).join_from(given, who, same))]


def known(row: Any, minor: bool) -> dict[str, Any]:
    """What the boards know of a participant."""
    return {
        "holder_id": row.holder_id,
        "id": row.id,
        "left": row.left_at is not None,
        "listed": row.shown and row.kind == PERSON and not minor,
        "name": row.name if row.name_passed and row.left_at is None else None,
    }


def _scores(
    tx: Session, campaign: CampaignView, people: Collection[Mapping[str, Any]]
) -> list[tuple[str, str, bool, Score | None]]:
    """Every score of these participants, and None for each period in which they have none."""
    found: dict[tuple[str, str], tuple[bool, Score]] = {}
    if people:
        holders = [(person["holder_id"],) for person in people]
        given = recordset(tx, "given", {"holder_id": Uuid()}, holders)
        score = CampaignScore.__table__
        same = (score.c.holder_id == given.c.holder_id) & (score.c.campaign == campaign.code)
        for row in tx.execute(select(score).join_from(given, score, same)):
            value = Score(row.grams, row.points, row.acts, row.grams_at, row.points_at)
            found[row.period, str(row.participant_id)] = row.listed, value
    every = {period for period, _ in boards_of(campaign)}
    return [
        (period, str(person["id"]), *found.get((period, str(person["id"])), (False, None)))
        for person in people
        for period in sorted(every)
    ]
