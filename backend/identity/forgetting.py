"""Forgetting a person: the key that opens everything sealed for them is destroyed, the books stay whole."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from backend import clock, outbox
from backend.identity import wechat_sessions
from backend.identity.acting import end_stewardships
from backend.identity.agreements.references import end_references_of
from backend.identity.consent import end_consents
from backend.identity.errors import SessionEnded
from backend.identity.guardians import forget_guardianships
from backend.identity.merging.proposals import forget_proposals
from backend.identity.models import LinkCode, LoginSession, PartnerLink, PersonIdentity, PersonKey
from backend.identity.persons import enrolments
from backend.identity.public_names.desk import forget_names
from backend.identity.roster.members import forget_staff
from backend.outbox import Announcement

#: What deletion erases; each is `中文 / English`.
ERASED = (
    "微信、员工登录与手机号标识；以同一微信再次登录将成为新会员 / "
    "identities by WeChat, staff login and phone; logging in with the same WeChat makes a new member",
    "您的个人密钥；以其加密的原始凭证、平台用户标识和券码自此无法读取 / "
    "your personal key; evidence, references and voucher codes sealed under it can never be read again",
    "等待处理的记录及其内容 / records that waited, and their content",
    "每日步数；证书上的署名 / daily counts of steps; names on certificates",
    "自行申报的照片、说明与申诉 / photos, words and appeals of what you declared",
    "活动中的称呼、城市、小队与好友；您不再出现在进行中的榜单上 / "
    "names, cities, teams and friends in campaigns; you leave the boards of those that run",
    "提醒与订阅消息的授权次数（一小时内） / warnings, and permissions to send messages (within the hour)",
    "全部登录、平台关联与关联码、授权与监护关系 / all logins, partner links and link codes, consents and guardianships",
    "花名册中工号、姓名与您账户的对应 / what the roster of an employer says about your account: staff number and name",
    "尚未送达第三方平台的通知；曾收到通知的平台会被告知删除 / "
    "notices that have not reached other platforms; platforms that got any are told to delete what they hold",
)
#: What deletion keeps, and why.
KEPT = (
    (
        "减排量与积分账目（不含微信标识）；剩余积分不可再用 / "
        "the books of reductions and points, without any identity; points left cannot be used any more",
        "账目只增不改，须保持平衡并可供核查 / books are append-only, have to balance and can be audited",
    ),
    (
        "核算输入（如里程、品类、数量、时间）与平台订单编号 / "
        "inputs of the calculation (distance, category, quantity, time) and order numbers",
        "每一克减排量都须可重新计算；订单取消时须能冲回 / "
        "every gram has to be recomputable, and goes back when its order is cancelled",
    ),
    (
        "行为与照片的指纹（无法还原） / fingerprints of acts and photos, which nobody can read back",
        "防止同一行为被重复计算 / so that no act is counted twice",
    ),
    (
        "授权变更记录 / records of consents and their changes",
        "依法至少保存三年 / the law asks for three years at least",
    ),
)


def hold_to_forget(tx: Session, holder_id: UUID) -> datetime | None:
    """Let nobody log in, link or consent as this person until commit; when they were forgotten, if they were."""
    query = select(PersonKey).where(PersonKey.holder_id == holder_id)
    key = tx.scalar(query.with_for_update().execution_options(populate_existing=True))
    if key is None:
        raise SessionEnded
    return key.forgotten_at


def users_of(tx: Session, holder_id: UUID) -> list[tuple[str, bytes]]:
    """The (partner, user reference index) this person is linked to now."""
    open_links = (PartnerLink.holder_id == holder_id, PartnerLink.ended_at.is_(None))
    rows = tx.execute(select(PartnerLink.partner, PartnerLink.user_ref_index).where(*open_links))
    return [(row.partner, row.user_ref_index) for row in rows]


def forget_person(tx: Session, holder_id: UUID, *, source: str, now: datetime) -> datetime:
    """Destroy the key, erase identities and references, end logins, links and consents, and announce that it is so.

    Holds as `hold_to_forget`. Returns when it was done: an instant behind everything that was credited to this person.
    """
    mine = PartnerLink.holder_id == holder_id
    tx.execute(select(PartnerLink.id).where(mine).order_by(PartnerLink.id).with_for_update())
    ended = func.coalesce(PartnerLink.ended_at, max(now, clock.now()))
    tx.execute(update(PartnerLink).where(mine).values(ended_at=ended, sealed_user_ref=b"", user_ref_index=b""))
    tx.execute(delete(LinkCode).where(LinkCode.holder_id == holder_id))
    end_consents(tx, holder_id, source=source, now=now)
    forget_guardianships(tx, holder_id, now=now)
    end_stewardships(tx, holder_id, now=now)
    forget_staff(tx, holder_id, now=now)
    forget_proposals(tx, holder_id)
    forget_names(tx, holder_id)
    end_references_of(tx, holder_id, today=clock.day_of(now))
    tx.execute(delete(PersonIdentity).where(PersonIdentity.holder_id == holder_id))
    live = (LoginSession.holder_id == holder_id, LoginSession.ended_at.is_(None))
    tx.execute(update(LoginSession).where(*live).values(ended_at=now))
    wechat_sessions.end_all(tx, holder_id)
    forgotten_at = max(now, clock.now())  # by now nobody holds a link or a consent of theirs to credit by
    mine_alone = update(PersonKey).where(PersonKey.holder_id == holder_id)
    tx.execute(mine_alone.values(wrapped_key=None, forgotten_at=forgotten_at))
    accounts = [{"programme": row.programme} for row in enrolments(tx, holder_id)]
    outbox.announce(tx, [Announcement("account.forgotten", holder_id, item) for item in accounts], now=forgotten_at)
    return forgotten_at
