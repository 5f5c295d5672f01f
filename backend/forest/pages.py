"""The certificate as a page that can be printed, and the page its QR code opens. No scripts, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import segno

_STYLE = """
body{font:16px/1.7 system-ui,"Noto Sans CJK SC",sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}small,.en{color:#55655c}table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid #cfd8d2}th{width:11rem}
.valid{color:#2f7d4f}.withdrawn{color:#a3341f;font-weight:700}.number{font:600 1.1rem ui-monospace,monospace}
.sheet{border:3px double #2f7d4f;padding:2rem;text-align:center}.sheet table{text-align:left}
.name{font-size:1.5rem;margin:1rem 0}svg{width:9rem;height:9rem}
@media print{body{margin:0;max-width:none}.sheet{break-inside:avoid}}
"""
#: What stands in place of a name that nobody chose.
_NOBODY = "一位会员 <small>a member</small>"


def verification_page(said: Mapping[str, Any]) -> str:
    """Whether the certificate is valid, and what it is for."""
    return _page(
        f"证书核验 {said['number']}",
        [
            '<h1>认领证书核验</h1><p class="en" lang="en">Verification of an adoption certificate</p>',
            f'<p class="number">{escape(said["number"])}</p>',
            _state(said),
            f"<table>{''.join(_rows(said))}</table>",
            "<p><small>署名由捐步人自行选择；证书不代表任何减排量。The name is the donor's choice; "
            "a certificate is no emission reduction.</small></p>",
        ],
    )


def printable_page(said: Mapping[str, Any], address: str) -> str:
    """The certificate itself; its QR code leads to `address`, where it is verified."""
    code = segno.make(address, error="m", micro=False).svg_inline(scale=4, border=2)
    title = said["project"]["title"]
    return _page(
        f"公益林认领证书 {said['number']}",
        [
            '<div class="sheet"><h1>公益林认领证书</h1><p class="en" lang="en">Certificate of an adopted tree</p>',
            f'<p class="name">{_name(said)}</p>',
            f"<p>以捐赠的步数在“{escape(title['zh'])}”认领一棵树<br>"
            f'<small lang="en">adopted a tree of {escape(title["en"])} with donated steps</small></p>',
            _state(said),
            f"<table>{''.join(_rows(said))}</table>",
            f'<p class="number">{escape(said["number"])}</p>{code}',
            f"<p><small>扫码核验 / verify at<br>{escape(address)}</small></p></div>",
        ],
    )


def _page(title: str, parts: list[str]) -> str:
    head = (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body>"
    )
    return "\n".join([head, *parts, "</body></html>"])


def _state(said: Mapping[str, Any]) -> str:
    if said["valid"]:
        return '<p class="valid">有效 <small lang="en">valid</small></p>'
    return (
        f'<p class="withdrawn">已作废（{said["withdrawn_on"]}）：其步数捐赠已被撤回 '
        f'<small lang="en">withdrawn: steps behind it were taken back</small></p>'
    )


def _name(said: Mapping[str, Any]) -> str:
    if said["signed_as"] is None:
        return _NOBODY
    team = " <small>小队 team</small>" if said["is_team"] else ""
    return escape(said["signed_as"]) + team


def _rows(said: Mapping[str, Any]) -> Iterator[str]:
    project = said["project"]
    yield _row("署名", "in the name of", _name(said))
    yield _row("认领日期", "adopted on", str(said["adopted_on"]))
    for field, zh, en in (
        ("title", "公益林", "forest"),
        ("species", "树种", "species"),
        ("place", "地点", "place"),
        ("organisation", "实施方", "run by"),
    ):
        text = project[field]
        yield _row(zh, en, f'{escape(text["zh"])} <small lang="en">{escape(text["en"])}</small>')
    yield _row("每棵所需步数", "steps for a tree", f"{project['steps_per_tree']:,}")
    survey = project["survival"]
    if survey is None:
        yield _row("成活报告", "survival", '尚无 <small lang="en">none yet</small>')
        return
    share = survey["alive"] * 1000 // survey["counted"]
    looked_at = f"{survey['surveyed_on']}：抽查 {survey['counted']:,} 棵"
    found = f"{looked_at}，成活 {survey['alive']:,} 棵（{share // 10}.{share % 10}%）"
    yield _row("成活报告", "survival", f'{found} <small lang="en">alive of those looked at</small>')


def _row(zh: str, en: str, told: str) -> str:
    return f'<tr><th>{zh} <small lang="en">{en}</small></th><td>{told}</td></tr>'
