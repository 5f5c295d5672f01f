"""What `flask methodology restate` says: the table of a dry run, the progress of a run and how to resume it."""

import json
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import click
from sqlalchemy.orm import Session

from backend import house, identity, settlement
from backend.activities import sentence
from backend.columns import aligned
from backend.commands.operators import acting_sometimes, answering, deciding, note
from backend.errors import Refusal
from backend.identity import ADMINISTRATOR, OperatorView
from backend.progress import Progress
from backend.settlement import Forecast, RefusedAct, RunState
from methodologies import MethodologyError

#: What a shell reports of a program that Ctrl-C ended.
INTERRUPTED = 130
_CLAIM_TYPES = {"reduction_g": "减排量 reduction g", "offset_g": "抵消补偿 offset g", "eac_wh": "绿证电量 certified Wh"}
_POINTS = {
    "earned": "已得 earned",
    "pending": "待生效 pending",
    "available": "可用 available",
    "used": "已使用 used",
    "expired": "已过期 expired",
    "would_be": "按重述应得 would have earned",
}


class Interruption:
    """Ctrl-C asks the run to end behind the batch in hand."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Until the block ends, Ctrl-C is noted here instead of raised."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


@click.command("restate")
@click.argument("code")
@click.argument("version")
@click.option("--dry-run", is_flag=True, help="say who would change and write nothing")
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--json", "as_json", is_flag=True, help="answer with JSON")
@click.option("--batch", default=settlement.BATCH, show_default=True, type=click.IntRange(1, 10_000))
@acting_sometimes
def restate(code: str, version: str, dry_run: bool, yes: bool, as_json: bool, batch: int, **by: str | None) -> None:
    """Compute the issued acts of a version anew and post the differences; points that were earned stay.

    An administrator does it, except with --dry-run, which writes nothing. Ctrl-C ends it behind the batch in hand; the
    same command goes on from there.
    """
    try:
        if dry_run:
            _dry_run(code, version, batch=batch, as_json=as_json)
            return
        who = answering(**by)
        if not yes:
            question = f"重述 {code} {version} 的已入账行为？建议先 --dry-run。Restate what was issued?"
            click.confirm(question, abort=True, err=True)
        _run(code, version, who, batch=batch, as_json=as_json)
    except (Refusal, MethodologyError) as error:
        facts = json.dumps(error.facts, ensure_ascii=False, default=str)
        click.echo(f"{error.code}: {error} {facts}", err=True)
        sys.exit(1)


def _dry_run(methodology: str, version: str, *, batch: int, as_json: bool) -> None:
    """Tell who would change, with the progress on standard error. Raises what `settlement.forecast` raises."""
    told = settlement.forecast(house().sessions, methodology, version, limit=batch)
    found = next(told)
    progress = Progress("试算 dry run", found.total, sys.stderr)
    for found in told:
        progress.show(found.examined)
    progress.end()
    click.echo(_forecast_json(found) if as_json else "\n".join(_forecast_lines(found)))


def _run(methodology: str, version: str, who: tuple[str, str, str], *, batch: int, as_json: bool) -> None:
    """Restate, a batch at a time; Ctrl-C ends it behind the batch in hand with exit code 130.

    `who`: name, token and reason of the administrator. Logged where it begins and where it ends.
    """
    log = _Log(methodology, version, *who)
    sessions = house().sessions
    states = settlement.restate(sessions, methodology, version, limit=batch, witness=log)
    interruption, refused = Interruption(), list[RefusedAct]()
    with interruption.listening():
        state = next(states)
        if state.taken_up:
            click.echo(f"接着上次中断处继续 resuming behind {state.examined}/{state.total}", err=True)
        progress = Progress("重述 restate", state.total, sys.stderr)
        progress.show(state.examined)
        for state in states:
            refused += state.batch.refused
            progress.show(state.examined)
            if interruption.asked and not state.finished:
                log.interrupted(state)
                break
        progress.end()
    click.echo(_run_json(state, refused) if as_json else "\n".join(_run_lines(state, refused)))
    if not state.finished:
        again = f"flask methodology restate {methodology} {version}"
        click.echo(f"已中断，本批已保存；再次运行即可继续 interrupted, nothing is lost; resume with: {again}", err=True)
        sys.exit(INTERRUPTED)


class _Log:
    """What the operator log has of a run: its beginning and its end, in the transactions that bring them about."""

    def __init__(self, methodology: str, version: str, name: str, token: str, reason: str) -> None:
        self._who, self._reason, self._subject = (name, token), reason, f"{methodology} {version}"
        self._begun_with: dict[str, object] | None = None

    def __call__(self, tx: Session, state: RunState) -> None:
        operator = identity.authenticate_operator(tx, *self._who)
        operator.require(ADMINISTRATOR)
        if self._begun_with is None:
            self._begun_with = _counted(state)
            note(tx, operator, "methodology.restatement_begun", self._subject, self._reason, before=self._begun_with)
        elif state.finished:
            self._end(tx, operator, "methodology.restated", state)

    def interrupted(self, state: RunState) -> None:
        with deciding(*self._who, ADMINISTRATOR) as (tx, operator):
            self._end(tx, operator, "methodology.restatement_interrupted", state)

    def _end(self, tx: Session, operator: OperatorView, action: str, state: RunState) -> None:
        after = _counted(state)
        note(tx, operator, action, self._subject, self._reason, before=self._begun_with, after=after)


def _counted(state: RunState) -> dict[str, object]:
    names = ("examined", "total", "restated", "refused", "finished")
    return {"run_id": state.run_id, **{name: getattr(state, name) for name in names}}


def _run_json(state: RunState, refused: Iterable[RefusedAct]) -> str:
    counts = {name: getattr(state, name) for name in ("examined", "total", "restated", "refused", "finished")}
    return _json({"run_id": state.run_id, **counts, "refused_acts": [asdict(act) for act in refused]})


def _run_lines(state: RunState, refused: Iterable[RefusedAct]) -> Iterator[str]:
    counts = {
        "已核算 examined": state.examined,
        "已重述 restated": state.restated,
        "无法核算，未改动 refused, left alone": state.refused,
    }
    yield f"重述批次 run {state.run_id}"
    yield from aligned([(title, f"{count:,}") for title, count in counts.items()], right=(1,))
    yield from _refused_lines(refused)


def _forecast_json(found: Forecast) -> str:
    """The dry run for programs."""
    return _json(
        {
            **{name: getattr(found, name) for name in ("methodology", "version", "examined", "acts", "holders")},
            "amounts": {credit: asdict(amounts) for credit, amounts in found.amounts.items()},
            "points": asdict(found.points),
            "largest": [asdict(mover) for mover in found.largest],
            "refused_acts": [asdict(act) for act in found.refused],
        }
    )


def _forecast_lines(found: Forecast) -> Iterator[str]:
    """The dry run for people."""
    yield f"{found.methodology} {found.version} 试算：未写入任何内容 dry run: nothing was written"
    yield from aligned(
        [
            ("核算 acts examined", f"{found.examined:,}"),
            ("将变动 acts that would change", f"{found.acts:,}"),
            ("涉及会员 members affected", f"{found.holders:,}"),
            ("无法核算，不改动 refused, left alone", f"{len(found.refused):,}"),
        ],
        right=(1,),
    )
    yield ""
    rows = [("受影响行为 affected acts", "现值 before", "重述后 after", "差额 difference")]
    for credit, amounts in found.amounts.items():
        rows.append((_CLAIM_TYPES[credit], f"{amounts.before:,}", f"{amounts.after:,}", f"{amounts.difference:+,}"))
    yield from aligned(rows, right=(1, 2, 3))
    yield ""
    yield "受影响行为的积分（仅供参考，积分不变）points of these acts, for information: they stay"
    yield from aligned([(title, f"{getattr(found.points, name):,}") for name, title in _POINTS.items()], right=(1,))
    if found.largest:
        yield ""
        movers = [("变动最大的会员 largest movers", "行为 acts", *_CLAIM_TYPES.values())]
        for mover in found.largest:
            amounts_of = _signed(mover.differences)
            movers.append((str(mover.holder_id), f"{mover.acts:,}", *amounts_of))
        yield from aligned(movers, right=(1, 2, 3, 4))
    yield from _refused_lines(found.refused)


def _signed(differences: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{differences[credit]:+,}" for credit in _CLAIM_TYPES)


def _refused_lines(refused: Iterable[RefusedAct]) -> Iterator[str]:
    """Why, how often, and which acts for example; all of them are in the JSON."""
    found = list(refused)
    if not found:
        return
    yield ""
    yield "现行方法学无法核算，保持原值 the library refuses these now; they keep what they have"
    examples = {act.code: str(act.activity_id) for act in reversed(found)}
    rows = []
    for code, count in sorted(Counter(act.code for act in found).items()):
        said = sentence(code)
        rows.append((code, f"{count:,}", said["zh"] if said else "", f"如 e.g. {examples[code]}"))
    yield from aligned(rows, right=(1,))


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2, default=str)
