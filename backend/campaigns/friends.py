"""Friends 好友: two members who find each other on boards, by a code that one made and the other typed in.

A code lives for a week and works once. It has sixty random bits: while a million members hold twenty each, one try in
fifty thousand million hits. A friendship is mutual, and over for both when either ends it. Members under fourteen have
none: what stood before their age was known is shown to nobody.

Locks: the keys of both persons, alone (their friends are counted), by id; then the code and the friendship.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, delete, func, select
from sqlalchemy.orm import Session, aliased

from backend import identity
from backend.campaigns.errors import FriendsTooYoung, InvalidFriendCode, TooManyFriends
from backend.campaigns.models import CampaignParticipant, FriendCode, Friendship
from backend.campaigns.policy import PERSON, display_name
from backend.errors import NotFound
from backend.holdings import Held, held_rows
from backend.identity import SessionEnded, merging
from backend.ids import new_id
from backend.lists import insert_rows, recordset
from backend.vault import Vault

LIFE = timedelta(days=7)
MOST_FRIENDS = 200
#: How many codes of one member wait to be used; the oldest gives way to a new one.
MOST_CODES = 20
#: Five bits each.
CODE_LENGTH = 12


def make_code(tx: Session, vault: Vault, person_id: UUID, *, now: datetime) -> dict[str, Any]:
    """A fresh code, told this once, and the instant it ends. Raises FriendsTooYoung."""
    identity.hold_person(tx, person_id, alone=True)
    if identity.minor_until(tx, person_id, now=now) is not None:
        raise FriendsTooYoung
    mine = FriendCode.holder_id == person_id
    waiting = select(FriendCode.code_index).where(mine, FriendCode.expires_at > now)
    kept = tx.scalars(waiting.order_by(FriendCode.expires_at.desc()).limit(MOST_CODES - 1)).all()
    _remove(tx, FriendCode, mine, FriendCode.code_index.not_in(kept))
    code, expires_at = identity.new_typed_code(CODE_LENGTH), now + LIFE
    insert_rows(tx, FriendCode, [{"code_index": _index(vault, code), "holder_id": person_id, "expires_at": expires_at}])
    return {"code": code, "expires_at": expires_at}


def befriend(tx: Session, vault: Vault, person_id: UUID, typed: str, *, now: datetime) -> dict[str, Any]:
    """Become a friend of whoever made this code; who is one already stays one, and the code is not used.

    Raises InvalidFriendCode, FriendsTooYoung, TooManyFriends.
    """
    good = (FriendCode.code_index == _index(vault, identity.as_made_code(typed)), FriendCode.expires_at > now)
    found = tx.scalar(select(FriendCode.holder_id).where(*good))
    maker_id = None if found is None else merging.person_of(tx, found)
    if maker_id is None or maker_id == person_id:
        raise InvalidFriendCode
    _hold_both(tx, person_id, maker_id, now)
    mine, theirs = merging.holders_of(tx, person_id), merging.holders_of(tx, maker_id)
    both = (Friendship.holder_id.in_(mine), Friendship.friend_id.in_(theirs))
    friendship = tx.scalar(select(Friendship).where(*both).order_by(Friendship.since).limit(1))
    if friendship is None:
        friendship = _spend(tx, good, (person_id, mine), (maker_id, theirs), now)
    return _told(tx, mine, [friendship])[0]


def friends_of(tx: Session, person_id: UUID, *, now: datetime) -> list[dict[str, Any]]:
    """Somebody's friends, the oldest friendship first, by what boards of a campaign of both call them."""
    mine = merging.holders_of(tx, person_id)
    return _told(tx, mine, _standing(tx, mine, now))


def end(tx: Session, person_id: UUID, friendship_id: UUID) -> None:
    """End a friendship of theirs, for both. Raises NotFound."""
    mine = merging.holders_of(tx, person_id)
    one = Friendship.id == friendship_id
    if tx.scalar(select(Friendship.id).where(one, Friendship.holder_id.in_(mine))) is None:
        raise NotFound
    _remove(tx, Friendship, one)


def circle(tx: Session, person_id: UUID, *, now: datetime) -> set[UUID]:
    """Every holder of this person and of their friends."""
    mine = merging.holders_of(tx, person_id)
    befriended = [row.friend_id for row in _standing(tx, mine, now)]
    return {*mine, *befriended, *(id for holders in merging.together(tx, befriended).values() for id in holders)}


def purge_codes(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove codes that have expired; returns how many."""
    over = select(FriendCode.code_index).where(FriendCode.expires_at <= now).order_by(FriendCode.expires_at)
    gone = tx.scalars(over.limit(limit).with_for_update(skip_locked=True)).all()
    _remove(tx, FriendCode, FriendCode.code_index.in_(gone))
    return len(gone)


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this member; who the friends are is theirs to tell."""
    return {
        Friendship.__tablename__: held_rows(tx, Friendship, holder_id, without=("friend_id",)),
        FriendCode.__tablename__: held_rows(tx, FriendCode, holder_id, without=("code_index",)),
    }


def forget(tx: Session, holder_id: UUID) -> None:
    """A forgotten member is nobody's friend."""
    _remove(tx, FriendCode, FriendCode.holder_id == holder_id)
    _remove(tx, Friendship, Friendship.id.in_(select(Friendship.id).where(Friendship.holder_id == holder_id)))


def _hold_both(tx: Session, person_id: UUID, maker_id: UUID, now: datetime) -> None:
    for id in sorted((person_id, maker_id)):
        identity.hold_person(tx, id, alone=True, otherwise=SessionEnded if id == person_id else InvalidFriendCode)
    young = identity.minors_among(tx, {person_id, maker_id}, now=now)
    if young:
        raise FriendsTooYoung if person_id in young else InvalidFriendCode


def _spend(
    tx: Session,
    good: tuple[Any, ...],
    me: tuple[UUID, Collection[UUID]],
    maker: tuple[UUID, Collection[UUID]],
    now: datetime,
) -> Friendship:
    """Use the code up for a friendship of two persons, each with their holders; both are held."""
    for _, holders in (me, maker):
        count = select(func.count()).where(Friendship.holder_id.in_(holders))
        if (tx.scalar(count) or 0) >= MOST_FRIENDS:
            raise TooManyFriends(most=MOST_FRIENDS)
    spent = delete(FriendCode).where(*good).returning(FriendCode.holder_id)
    if tx.scalar(spent.execution_options(synchronize_session=False)) is None:
        raise InvalidFriendCode
    made = {"id": new_id(), "since": now}
    ends = ((me[0], maker[0]), (maker[0], me[0]))
    # In one statement: neither row may be without the other.
    insert_rows(tx, Friendship, [{"holder_id": one, "friend_id": other, **made} for one, other in ends])
    return tx.get_one(Friendship, (made["id"], me[0]))


def _standing(tx: Session, mine: Collection[UUID], now: datetime) -> list[Friendship]:
    """The friendships of these holders of one person, the oldest first, without those that are shown to nobody."""
    query = select(Friendship).where(Friendship.holder_id.in_(mine)).order_by(Friendship.since, Friendship.id)
    rows = list(tx.scalars(query))
    young = identity.minors_among(tx, {*mine, *(row.friend_id for row in rows)}, now=now)
    return [row for row in rows if row.friend_id not in young and young.isdisjoint(mine)]


def _told(tx: Session, mine: Collection[UUID], rows: Sequence[Friendship]) -> list[dict[str, Any]]:
    """Friendships as a member sees them. Without a board on which both could be, the friend is called by a number."""
    befriended = [row.friend_id for row in rows]
    together = merging.together(tx, befriended)
    holders = {(row.id, id) for row in rows for id in together.get(row.friend_id, (row.friend_id,))}
    names = _names(tx, mine, holders)
    return [
        {"id": row.id, "name": names.get(row.id) or display_name(row.id, None, False), "since": row.since}
        for row in rows
    ]


def _names(tx: Session, mine: Collection[UUID], holders: Iterable[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """Friendship → what the friend is called in the campaign they joined last of those in which both take part."""
    given = recordset(tx, "given", {"friendship_id": Uuid(), "holder_id": Uuid()}, sorted(holders))
    own, other = aliased(CampaignParticipant), aliased(CampaignParticipant)
    query = (
        select(given.c.friendship_id, other.id, other.name, other.name_passed)
        .join_from(given, other, other.holder_id == given.c.holder_id)
        .join(own, own.campaign == other.campaign)
        .where(own.holder_id.in_(mine), own.left_at.is_(None))
        .where(other.left_at.is_(None), other.shown, other.kind == PERSON)
        .order_by(other.joined_at, other.id)
    )
    return {row.friendship_id: display_name(row.id, row.name, row.name_passed) for row in tx.execute(query)}


def _remove(tx: Session, model: type[FriendCode] | type[Friendship], *which: Any) -> None:
    tx.execute(delete(model).where(*which).execution_options(synchronize_session=False))


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("friend code", code)
