"""The bank test in its short form: clerks are killed while they work; afterwards every point is where it must be."""

from pathlib import Path

import pytest
from sqlalchemy import text

from backend import database
from bench.chaos import bank, bank_checks


def test_a_bank_whose_clerks_are_killed_loses_and_makes_nothing(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "LOOK_EACH", 800)
    told = ("--operations", "2000", "--members", "25", "--tellers", "0", "--read-every-s", "0.1", "--seed", "5")
    paced = ("--operations-between-kills", "700", "--operations-a-day", "20")  # a busy machine does the same, later
    short = bank.Bank(postgresql_url, bank.arguments(*told, *paced), tmp_path)
    report = short.run()
    assert report["faults"] == []
    assert report["operations"] >= 2_000
    assert set(report["by kind"]) >= {
        "issue",
        "issue.reversed",
        "ripen",
        "lapse",
        "reserve",
        "confirm",
        "release",
        "spend",
    }
    assert (report["killed"]["all"] > 0, report["everything proven, times"] > 1) == (True, True)
    engine = database.make_engine(postgresql_url)
    for statement, fault in PLANTED.items():
        with engine.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text(statement))
        found = [*bank_checks.look(engine), *bank_checks.forgotten(engine, tmp_path.glob("*.journal"))]
        assert [each for each in found if fault in each], statement
    engine.dispose()


#: What the checks of the bank find when it is there.
PLANTED = {
    "UPDATE balances SET amount = amount + 1 WHERE account = 'points.available' AND amount > 0": "a balance is not",
    "UPDATE points_lots SET expired = expired - 1 WHERE expired > 0": "a lot is not",
    "UPDATE points_uses SET state = 'released' WHERE state = 'spent'": "what was spent",
    "DELETE FROM ledger_transactions WHERE kind = 'confirm'": "are not in the books",
}
