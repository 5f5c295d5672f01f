"""The badges there are, read strictly from `badges.yaml`."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backend.campaigns.badges.policy import KINDS, Badge, Rule
from backend.errors import Misconfigured

FILE = Path(__file__).resolve().parent / "badges.yaml"
_BADGE, _RULE = {"code", "title", "says", "rules"}, {"in_force_from", "kind", "least"}


@cache
def all_badges() -> tuple[Badge, ...]:
    """Every badge, in the order in which members see them."""
    return read_badges(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def read_badges(stated: Any) -> tuple[Badge, ...]:
    """The badges that this list states. Raises Misconfigured."""
    badges = tuple(_badge(item) for item in stated)
    if len({badge.code for badge in badges}) < len(badges):
        raise Misconfigured("two badges have one code")
    return badges


def _badge(item: Mapping[str, Any]) -> Badge:
    if item.keys() != _BADGE or not all(isinstance(item[name], str) and item[name] for name in _BADGE - {"rules"}):
        raise Misconfigured(f"a badge states {', '.join(sorted(_BADGE))}: {item}")
    rules = tuple(_rule(rule) for rule in item["rules"])
    days = [rule.in_force_from for rule in rules]
    if not days or sorted(set(days)) != days:
        raise Misconfigured(f"the rules of {item['code']} do not follow each other")
    return Badge(item["code"], item["title"], item["says"], rules)


def _rule(item: Mapping[str, Any]) -> Rule:
    codes = item.get("methodologies")
    if not _RULE <= item.keys() <= _RULE | {"methodologies"} or type(item["in_force_from"]) is not date:
        raise Misconfigured(f"a rule states {', '.join(sorted(_RULE))}, and methodologies if not all: {item}")
    if item["kind"] not in KINDS or type(item["least"]) is not int or item["least"] < 1:
        raise Misconfigured(f"kind is one of {', '.join(KINDS)}, least a number from 1 on: {item}")
    return Rule(item["in_force_from"], item["kind"], item["least"], None if codes is None else frozenset(codes))
