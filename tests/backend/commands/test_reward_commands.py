"""`flask reward`: set up by two, priced from a later day, filled from files, and all of it in the operator log."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from backend import clock, rewards
from backend.rewards import Limit, RewardNotFound
from backend.rewards.catalogue.describing import told_terms
from backend.rewards.catalogue.offers import offer
from tests.backend.operating import operator_with_token, run
from tests.backend.rewards.stocked import written
from tests.backend.world import World
from tests.house_rules import ROOT


def described(**changes: Any) -> dict[str, Any]:
    terms = {
        "in_force_from": clock.today().isoformat(),
        "price_points": 300,
        "offered_to": {"members": ["personal"]},
        "per_person": {"count": 1, "days": 30},
    }
    return {
        "code": "coffee",
        "kind": "voucher",
        "title": {"zh": "咖啡券", "en": "Coffee"},
        "provider": "voucher_pool",
        "stock": "pool",
        "terms": terms,
    } | changes


def test_a_reward_from_its_file_to_its_end(world: World, app: Any, tmp_path: Path, caplog: Any) -> None:
    tokens = {name: operator_with_token(world, name, "finance")[1] for name in ("zhao", "sun")}
    printed: list[str] = []

    def act(*arguments: str, by: str = "zhao", code: str = "") -> str:
        """A command of an operator; with a `code` it is refused with that."""
        asked = (*arguments[:2], "--operator", by, "--reason", "because", *arguments[2:])
        done = run(app, *asked, token=tokens[by])
        printed.append(done.output + done.stderr)
        assert done.exit_code == (1 if code else 0) and done.stderr.startswith(code), done.output + done.stderr
        return str(done.stdout.strip())

    def file(name: str, said: Any) -> str:
        return str(written(tmp_path, name, said if isinstance(said, str) else json.dumps(said)))

    for field, wrong in (
        ("code", "Coffee!"),
        ("kind", "lottery"),
        ("stock", "counted"),
        ("provider", "somebody"),
        ("title", {"zh": "咖啡券"}),
        ("terms", described()["terms"] | {"price_points": 0}),
        ("terms", described()["terms"] | {"price": 1}),
        ("terms", described()["terms"] | {"offered_to": {"members": ["friends"]}}),
    ):
        act("reward", "add", file("wrong.json", described(**{field: wrong})), code="INVALID_REWARD")
        assert f'"field": "{field}' in printed[-1], printed[-1]

    asked = act("reward", "add", file("coffee.json", described()))
    day = {"programme": "members", "account_kind": "personal", "day": clock.today()}
    with world.house.transaction() as tx:
        try:
            offer(tx, "coffee", **day)
            raise AssertionError("offered by one operator alone")
        except RewardNotFound:
            pass
    act("approval", "decide", asked, "--grant", code="SECOND_OPERATOR_NEEDED")
    act("approval", "decide", asked, "--grant", by="sun")
    with world.house.transaction() as tx:
        assert offer(tx, "coffee", **day).price_points == 300

    lines = "\n".join(f"SECRET-{number:05}" for number in range(6_000))
    expires = ("--expires", (clock.today() + timedelta(days=365)).isoformat())
    codes = file("codes.txt", lines)
    done = run(app, "reward", "import-codes", "coffee", codes, *expires, "--dry-run")
    assert done.exit_code == 0 and "6000" in done.stdout and "0/6000" in done.stdout
    act("reward", "import-codes", "coffee", file("lies.txt", "SECRET-A\nSECRET-A"), *expires, code="INVALID_CODE_FILE")
    batch = act("reward", "import-codes", "coffee", codes, *expires).splitlines()[-1].split()[0]
    act("reward", "import-codes", "coffee", codes, *expires, code="INVALID_CODE_FILE")
    act("reward", "restock", "coffee", "5", code="NO_COUNTED_STOCK")

    today = described()["terms"] | {"price_points": 500}
    act("reward", "propose", "coffee", file("today.json", today), code="TERMS_TOO_EARLY")
    tomorrow = today | {"in_force_from": (clock.today() + timedelta(days=1)).isoformat()}
    asked = act("reward", "propose", "coffee", file("tomorrow.json", tomorrow))
    act("approval", "decide", asked, "--grant", by="sun")
    (listed,) = map(json.loads, run(app, "reward", "list", "--json").stdout.splitlines())
    assert (listed["price_points"], listed["announced"][0], listed["left"]) == (300, 500, 6_000)
    shown = json.loads(run(app, "reward", "show", "coffee").stdout)
    assert [terms["price_points"] for terms in shown["terms"]] == [300, 500]
    assert shown["terms"][1]["approval"] == asked and shown["batches"][0]["codes"] == 6_000

    words = {"title": {"zh": "手冲咖啡券", "en": "Filter coffee"}}
    act("reward", "describe", "coffee", file("words.json", words))
    act("reward", "describe", "coffee", file("words.json", words | {"price_points": 1}), code="INVALID_REWARD")
    assert json.loads(run(app, "reward", "show", "coffee").stdout)["title"] == words["title"]

    mug = described(code="mug", kind="goods", provider="recorded", stock="counted")
    act("approval", "decide", act("reward", "add", file("mug.json", mug)), "--refuse", by="sun")
    act("reward", "restock", "mug", "5")
    act("reward", "restock", "mug", "--correction", "--", "-2")
    act("reward", "restock", "mug", "--correction", "--", "-4", code="STOCK_TOO_LOW")
    assert act("reward", "withdraw-codes", batch).endswith("6000")
    act("reward", "withdraw-codes", batch, code="UNKNOWN_BATCH")
    act("reward", "retire", "coffee")
    act("reward", "retire", "coffee", code="REWARD_ENDED")

    given = run(app, "reward", "donations").stdout
    assert given.splitlines() == ["reward,title,month,redeemed,refunded,amount,unit"]
    logged = [json.loads(line) for line in run(app, "operator", "log").stdout.splitlines()]
    assert [row["action"] for row in logged if row["action"].startswith("reward")] == [
        *("reward.added", "rewards.terms_requested", "rewards.terms_granted", "reward.codes_imported"),
        *("rewards.terms_requested", "rewards.terms_granted", "reward.described"),
        *("reward.added", "rewards.terms_requested", "rewards.terms_refused"),
        *("reward.stock_added", "reward.stock_corrected", "reward.codes_withdrawn", "reward.retired"),
    ]
    changed = [row for row in logged if row["action"] == "rewards.terms_granted"][1]
    assert (changed["before"]["price_points"], changed["after"]["price_points"]) == (300, 500)
    with world.house.transaction() as tx:
        kept = "\n".join(
            str(tx.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("operator_log", "approval_requests", "reward_code_batches", "outbox")
        )
    assert "SECRET-" not in "".join(printed) + caplog.text + kept + done.output


def test_the_reward_in_the_documents_is_one() -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r'```json\n(\{\n  "code": "coffee-30".*?)```', document, re.DOTALL)
    described, terms = rewards.read_reward(json.loads(example))
    assert (described.code, terms.price_points, terms.per_device) == ("coffee-30", 3_000, Limit(2, 30))
    assert rewards.read_terms(told_terms(terms), described.kind) == terms
