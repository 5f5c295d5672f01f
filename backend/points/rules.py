"""The points rules of the programmes, as they are stored: versions that follow one another."""

import json
from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.lists import insert_rows
from backend.points.models import PointsRule
from backend.points.policy import Rule


def save_rule(
    tx: Session,
    *,
    programme: str,
    version: int,
    in_force_from: date,
    points_per_gram: str = "1",
    fixed_points: Mapping[str, int] | None = None,
    expires_after_days: int = 730,
    note: str = "",
) -> None:
    """Publish a version of a programme's points rule. A version that exists already is left as it is."""
    row = {
        "programme": programme,
        "version": version,
        "in_force_from": in_force_from,
        "points_per_gram": points_per_gram,
        "fixed_points": json.dumps(fixed_points or {}, sort_keys=True),
        "expires_after_days": expires_after_days,
        "note": note,
    }
    insert_rows(tx, PointsRule, [row], on_conflict=("programme", "version"))


def rules(tx: Session) -> list[Rule]:
    """Every version of every programme's rule."""
    return [
        Rule.parse(
            row.programme,
            row.version,
            row.in_force_from,
            row.points_per_gram,
            row.fixed_points,
            row.expires_after_days,
            row.note,
        )
        for row in tx.scalars(select(PointsRule).order_by(PointsRule.programme, PointsRule.version))
    ]
