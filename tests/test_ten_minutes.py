"""The ten minutes of docs/partners.md, command by command, against a running sandbox."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend import clock, ledger
from backend.sandbox.programme import Member, load_member
from tests.backend.sandbox.serving import serving
from tests.house_rules import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Waits until the worker has settled everything, however busy the machine is.
SLEEP = """
sleep() {
  while python3 docs/examples/partner.py deliveries "$URL" transit "$KEY" | grep -q '"state": *"waiting"'; do :; done
}
"""


def section() -> str:
    text = (ROOT / "docs" / "partners.md").read_text("utf-8")
    return text[text.index("## Ten minutes") : text.index("## In five steps")]


def test_ten_minutes_lead_to_the_grams_they_promise(postgresql_url: str, tmp_path: Path) -> None:
    blocks = FENCE.findall(section())
    commands = [block for language, block in blocks if language == "sh"]
    said = [block for language, block in blocks if language == "text"]
    assert commands.pop(0) == "make run\n" and "URL=http://127.0.0.1:8000\n" in commands[0]
    with_node = shutil.which("node") is not None
    if not with_node:
        commands = [block for block in commands if "node " not in block]
    with serving(postgresql_url) as (house, url):
        script = SLEEP + "".join(commands).replace("http://127.0.0.1:8000", url)
        # `python3` is what runs the tests, not what another test may have put on the path.
        (tmp_path / "python3").symlink_to(sys.executable)
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with house.transaction() as tx:
            kai = load_member(tx, house, Member("kai"), now=clock.now())
            assert ledger.balances(tx, kai)["members"]["reduction"] == (579 + 152 if with_node else 579)
    assert '"reduction_g":579' in done.stdout and '"points":579' in done.stdout
    if not with_node:
        pytest.skip("node is not installed: the JavaScript of the ten minutes was NOT run")
    for text in said:
        assert text in done.stdout
