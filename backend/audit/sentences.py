"""One Chinese sentence that tells a member what an entry is, with its real numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from backend import activities, bilingual, clock, ledger
from backend.activities import Act, Credited, Restatement
from backend.ledger import Entry
from backend.points import GrantView

#: Entries that credit an act, or take such a credit back; others only move points that were credited before.
ISSUE, REVERSAL = "issue", "issue.reversed"
RESTATEMENT, RESTATEMENT_REVERSAL = "restatement", "restatement.reversed"
#: Entries of a campaign's bonus on the points of an act.
BONUS, BONUS_REVERSAL = "bonus", "bonus.reversed"
_CREDITS = {"reduction": "{} 克减排量", "offset": "{} 克抵消补偿量", "eac": "{} 瓦时绿证电量"}
_UNITS = {ledger.POINTS: "积分", ledger.STEPS: "步", ledger.EAC: "瓦时"}


@dataclass(frozen=True, slots=True)
class Story:
    """What a sentence is told from.

    `trail`: the calculation behind the act; `earned`: the points part of the receipt; `reason`: the code of why the act
    no longer counts; `restated`: what the act of an issue was restated to since; `numbers`: the act before and after a
    restatement; `grant`: what the entry is about, where it is no act.
    """

    entry: Entry
    act: Act | None
    trail: Mapping[str, Any] | None
    earned: Mapping[str, Any] | None
    reversed_by: Entry | None
    reason: str | None
    restated: Sequence[Restatement] = ()
    numbers: tuple[Act | None, Act | None] = (None, None)
    grant: GrantView | None = None


def sentence_zh(story: Story) -> str:
    """The entry in one sentence, two where it was taken back."""
    if story.entry.transaction.kind == "write_off":
        return _write_off(story.entry)
    if story.entry.transaction.kind in _OF_USES:
        return _of_a_use(story.entry)
    if story.grant is not None:
        return _granted(story, story.grant)
    tellers = {ISSUE: _issue, REVERSAL: _reversal, "ripen": _ripen, "lapse": _lapse}
    tellers["write_off.recovered"] = _recovered
    tellers |= {RESTATEMENT: _restatement, RESTATEMENT_REVERSAL: _reversal, BONUS: _bonus, BONUS_REVERSAL: _reversal}
    teller = tellers.get(story.entry.transaction.kind)
    if teller is None or story.act is None:
        return _transfers(story.entry)
    return teller(story, story.act)


def _issue(story: Story, act: Act) -> str:
    trail = story.trail or {}
    told = trail.get("sentence_zh") or f"{_title(act)}，入账 {_credits(story.entry)}"
    if list(trail.get("credits", ())) == ["REDUCTION"]:
        told += "减排量"
    if story.earned and story.earned["points"]:
        ripe = _day(clock.day_of(story.earned["available_at"]), act.day)
        told += f"，获得 {story.earned['points']} 积分，{ripe}起可用"
    else:
        told += "，不产生积分"
    told += _cuts(story)
    if story.restated:
        last = story.restated[-1]
        day = _day(clock.day_of(last.restated_at), act.day)
        told += f"。因公布的数字更正，已于 {day}重述为 {_amounts(last.credits)}"
    if story.reversed_by:
        told += f"。这笔入账已于 {_day(clock.day_of(story.reversed_by.posted_at), act.day)}冲正"
    return told + "。"


def _bonus(story: Story, act: Act) -> str:
    assert story.earned is not None and story.earned["multiplier"] is not None
    earned, campaign = story.earned, story.earned["multiplier"]["title"]["zh"]
    ripe = _day(clock.day_of(earned["available_at"]), act.day)
    told = f"{_day(act.day)}“{_title(act)}”获得“{campaign}”加成 {earned['points']} 积分，{ripe}起可用{_cuts(story)}"
    if story.reversed_by:
        told += f"。这笔加成已于 {_day(clock.day_of(story.reversed_by.posted_at), act.day)}冲正"
    return told + "。"


def _cuts(story: Story) -> str:
    """What caps and budgets cut, sentence by sentence."""
    return "".join(f"。{cut['zh'].removesuffix('。')}" for cut in (story.earned or {}).get("cuts", ()))


def _credits(entry: Entry) -> str:
    """What an issue credited, by claim type."""
    moved = _moved(entry)
    return "、".join(words.format(moved[account]) for account, words in _CREDITS.items() if account in moved) or "0 克"


def _reversal(story: Story, act: Act) -> str:
    moved = _moved(story.entry)
    issuers = {f"issuer.{account}": words for account, words in _CREDITS.items()} | {"issuer.points": "{} 积分"}
    taken = [words.format(moved[account]) for account, words in issuers.items() if moved.get(account)]
    parts = [f"收回 {'、'.join(taken)}"] if taken else []
    parts += [f"退回 {words.format(moved[account])}" for account, words in _CREDITS.items() if moved.get(account)]
    what = {RESTATEMENT_REVERSAL: "重述", BONUS_REVERSAL: "加成"}.get(story.entry.transaction.kind, "入账")
    told = f"冲正 {_day(act.day)}“{_title(act)}”的{what}：{'、'.join(parts)}"
    if debt := moved.get("points.debt"):
        told += f"，另有 {debt} 积分已被使用，记为待扣回"
    reason = activities.sentence(story.reason)
    return told + (f"。原因：{reason['zh']}" if reason else "。")


def _restatement(story: Story, act: Act) -> str:
    before, after = story.numbers
    assert before is not None and after is not None
    stood, stands = _amounts(activities.credits_of(before)), _amounts(activities.credits_of(after))
    told = f"公布的数字已更正，{_day(act.day)}“{_title(act)}”由 {stood}重述为 {stands}，已得积分不变。"
    if story.reversed_by:
        told += f"这笔重述已于 {_day(clock.day_of(story.reversed_by.posted_at), act.day)}随入账冲正。"
    return told


def _amounts(credits: Credited) -> str:
    """Credits by claim type; what is nothing is left out, unless all of it is."""
    amounts = {"reduction": credits.reduction_g, "offset": credits.offset_g, "eac": credits.eac_wh}
    told = [words.format(amounts[account]) for account, words in _CREDITS.items() if amounts[account]]
    return "、".join(told) or "0 克"


def _ripen(story: Story, act: Act) -> str:
    moved = _moved(story.entry)
    told = f"{_day(act.day)}“{_title(act)}”获得的 {moved['points.available']} 积分已生效"
    if paid := moved.get("issuer.points"):
        told += f"，其中 {paid} 积分用于抵扣待扣回积分"
    return told + "。"


def _lapse(story: Story, act: Act) -> str:
    return f"{_day(act.day)}“{_title(act)}”获得的积分中，{_moved(story.entry)['expired.points']} 积分已过期。"


def _granted(story: Story, grant: GrantView) -> str:
    """What became of points that were given for no act."""
    moved, title = _moved(story.entry), f"“{bilingual.halves(grant.title)['zh']}”"
    kind = story.entry.transaction.kind
    if kind == "lapse":
        return f"{title}的积分中，{moved['expired.points']} 积分已过期。"
    if kind == "ripen":
        told = f"{title}的 {moved['points.available']} 积分已生效"
        paid = moved.get("issuer.points")
        return told + (f"，其中 {paid} 积分用于抵扣待扣回积分。" if paid else "。")
    if kind == "grant.reversed":
        told = f"收回{title} {moved.get('issuer.points', 0)} 积分"
        if debt := moved.get("points.debt"):
            told += f"，另有 {debt} 积分已被使用，记为待扣回"
        reason = activities.sentence(story.reason)
        return told + (f"。原因：{reason['zh']}" if reason else "。")
    return f"获得{title} {grant.points} 积分。" if kind == "grant" else _transfers(story.entry)


def _write_off(entry: Entry) -> str:
    return f"经审批，您的 {_moved(entry)['written_off.points']} 待扣回积分已核销，不再从之后的积分中扣回。"


def _recovered(story: Story, act: Act) -> str:
    points = _moved(story.entry)["owed.points"]
    return f"{_day(act.day)}“{_title(act)}”的积分已重新返还，其中 {points} 积分抵回此前为同一行为核销的待扣回积分。"


#: Entries about a use of points: how much of the account that gives them, and what is said about it.
_OF_USES = {
    "reserve": ("points.available", "兑换已提交，{} 积分为您保留，完成后扣除。"),
    "confirm": ("points.reserved", "兑换完成，已使用 {} 积分。"),
    "spend": ("points.available", "兑换完成，已使用 {} 积分。"),
    "release": ("points.reserved", "兑换未完成，为您保留的 {} 积分已退回原批次"),
    "refund": ("spent.points", "兑换已退回，已使用的 {} 积分已退回原批次"),
}


def _of_a_use(entry: Entry) -> str:
    account, words = _OF_USES[entry.transaction.kind]
    told = words.format(sum(transfer.amount for transfer in entry.transaction.transfers if transfer.debit == account))
    if words.endswith("。"):
        return told
    if paid := _moved(entry).get("owed.points"):
        told += f"，其中 {paid} 积分用于抵扣待扣回积分"
    return told + "。"


def _transfers(entry: Entry) -> str:
    """Any other entry, transfer by transfer."""
    parts = [
        f"从“{_account(transfer.debit)}”转入“{_account(transfer.credit)}” {transfer.amount} "
        f"{_UNITS.get(ledger.CHART[transfer.debit].asset, '克')}"
        for transfer in entry.transaction.transfers
    ]
    return "，".join(parts) + "。"


def _moved(entry: Entry) -> dict[str, int]:
    """What the entry moved into each account."""
    moved: dict[str, int] = {}
    for transfer in entry.transaction.transfers:
        moved[transfer.credit] = moved.get(transfer.credit, 0) + transfer.amount
    return moved


def _account(name: str) -> str:
    return bilingual.halves(ledger.CHART[name].title)["zh"]


def _title(act: Act) -> str:
    return activities.methodology_title(act.methodology)["zh"]


def _day(day: date, beside: date | None = None) -> str:
    """A day as people say it; the year is left out beside a day of the same year."""
    told = f"{day.month} 月 {day.day} 日"
    return told if beside is not None and beside.year == day.year else f"{day.year} 年 {told}"
