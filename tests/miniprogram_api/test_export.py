"""Everything held about a member, verified as a stranger would: offline, with nothing but the published key."""

import base64
import hashlib
import importlib.util
import json
import tracemalloc
from datetime import timedelta
from types import ModuleType
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event

from backend import identity
from backend.database import Base
from backend.holdings import LEFT_OUT
from backend.identity import SandboxWeChat
from backend.signed_statements import SignedStatement
from backend.signing import SigningKey
from tests.house_rules import ROOT
from tests.miniprogram_api.world import order, trip


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """The published example; it knows nothing of this program."""
    spec = importlib.util.spec_from_file_location("verifier", ROOT / "docs/examples/verify_statement.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def alice(world, acted_at):
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.send("zhuanzhuan", order("device.traded_in", "alice", "Z1", acted_at, {"category": "phone", "serial": "S"}))
    world.settle()
    world.ripen()
    return member


def exported(member):
    answer = member.get("/me/export")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


def keys(world):
    return world.client.get("/.well-known/jwks.json").json


def test_a_stranger_verifies_the_export(world, alice, verifier):
    answer = exported(alice)
    statement = verifier.verify(answer.json, keys(world))
    assert statement["schema"] == "carbon-inclusion/personal-data/1"
    assert statement["holder_id"] == alice.get("/me").json["id"]
    assert statement["made_at"] == "2026-06-08T04:00:00Z"
    # The statement stands in the file as it was signed, so that it can be checked without writing it again.
    raw = answer.data[answer.data.index(b'"statement":') + len(b'"statement":') : -1]
    assert hashlib.sha256(raw).hexdigest() == answer.json["signature"]["sha256"]


def test_it_holds_everything_about_the_member_in_clear(world, alice):
    sections = exported(alice).json["statement"]["sections"]
    assert {row["user_ref"] for row in sections["partner_links"]} == {"alice"}
    found = SandboxWeChat().exchange("sandbox:alice")
    assert {row["kind"]: row["value"] for row in sections["person_identities"]} == {
        "wechat_openid": f"{found.appid}|{found.openid}",
        "wechat_unionid": found.unionid,
    }
    assert [row["reduction_g"] for row in sections["activities"]] == [579, 23_750]
    bodies = [json.loads(row["body"]) for row in sections["inbox"]]
    assert {body["data"]["user_ref"] for body in bodies} == {"alice"}
    assert [hashlib.sha256(row["body"].encode()).hexdigest() for row in sections["inbox"]] == [
        row["body_sha256"] for row in sections["inbox"]
    ]
    granted = sum(row["amount"] for row in sections["ledger_transfers"] if row["debit"] == "issuer.reduction")
    assert granted == alice.account()["reduction_g"] == 579 + 23_750
    assert len(sections["consent_changes"]) == len(sections["consents"]) == 5


def test_every_table_about_a_holder_is_handed_out_or_named_with_a_reason(alice):
    statement = exported(alice).json["statement"]
    about = {name for name, table in Base.metadata.tables.items() if "holder_id" in table.columns} | {"holders"}
    assert statement["sections"].keys() | statement["left_out"].keys() == about
    assert not statement["sections"].keys() & statement["left_out"].keys()
    assert statement["left_out"] == LEFT_OUT


def test_it_holds_nothing_of_anybody_else_and_no_key(world, alice, acted_at):
    bob = world.active_member("bob")
    world.send("transit", trip("bob", 2, acted_at))
    world.settle()
    answer = exported(alice)
    assert "bob" not in answer.text
    assert bob.get("/me").json["id"] not in answer.text
    assert world.house.vault.statement_key.seed.hex() not in answer.text
    for name in ("wrapped_key", "digest", "value_index", "user_ref_index", "sealed"):
        assert name not in answer.text, name


def test_tampering_is_noticed(world, alice, verifier):
    def changed(change):
        document = exported(alice).json
        change(document)
        return document

    def set_in(document, *path, value):
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    def resign(document):
        """What somebody without the key can do: a digest that fits, and a signature of their own."""
        text = json.dumps(document["statement"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        document["signature"]["sha256"] = digest = hashlib.sha256(text.encode()).hexdigest()
        signed = Ed25519PrivateKey.generate().sign(b"carbon-inclusion:statement:v1:" + digest.encode())
        document["signature"]["value"] = base64.b64encode(signed).decode()

    def richer(document):
        set_in(document, "statement", "sections", "balances", 0, "amount", value=10**9)

    def richer_with_its_digest(document):
        signature = document["signature"]["value"]
        richer(document)
        resign(document)
        document["signature"]["value"] = signature

    changes = [
        richer,
        richer_with_its_digest,
        resign,
        lambda d: d["statement"]["sections"].pop("consents"),
        lambda d: d["statement"]["sections"]["activities"].reverse(),
        lambda d: set_in(d, "statement", "holder_id", value=str(UUID(int=1))),
        lambda d: set_in(d, "signature", "algorithm", value="none"),
        lambda d: set_in(d, "signature", "key_id", value="0" * 16),
        lambda d: set_in(d, "signature", "value", value=""),
    ]
    verifier.verify(changed(lambda _: None), keys(world))
    for number, change in enumerate(changes):
        with pytest.raises((ValueError, KeyError, InvalidSignature)):
            verifier.verify(changed(change), keys(world))
            pytest.fail(f"change {number} went unnoticed")


def test_the_published_key_is_public_and_nothing_else(world):
    answer = world.client.get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    (key,) = answer.json["keys"]
    assert key.keys() == {"kty", "crv", "alg", "use", "kid", "x"}
    assert base64.urlsafe_b64decode(key["x"] + "=") == world.house.vault.statement_key.public.raw


def test_it_is_of_one_moment(world, alice, acted_at):
    """What is credited while the export is read is in all of its sections or in none."""
    engine = world.house.sessions.kw["bind"]
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets nobody write while the export is read")
    world.send("transit", trip("alice", 5, acted_at - timedelta(hours=3)))
    began = []

    def settle_once_begun(connection, cursor, statement, *_):
        if "FROM holders" in statement and not began:
            began.append(True)
            world.settle()

    event.listen(engine, "after_cursor_execute", settle_once_begun)
    try:
        sections = exported(alice).json["statement"]["sections"]
    finally:
        event.remove(engine, "after_cursor_execute", settle_once_begun)
    assert began
    assert len(sections["activities"]) == len(sections["inbox"]) == 2
    assert len(exported(alice).json["statement"]["sections"]["activities"]) == 3


def test_who_was_forgotten_is_told_nothing(world, alice, monkeypatch):
    confirmation = alice.call("POST", "/me/deletion-requests").json["confirmation"]
    alice.call("DELETE", f"/me?confirmation={confirmation}")
    for _ in range(2):
        answer = alice.get("/me/export")
        assert (answer.status_code, answer.json["code"]) == (401, "SESSION_ENDED")
        # Once more as if the account had been deleted right after the login was looked at.
        monkeypatch.setattr(identity, "require_live_session", lambda *_, **__: None)


def test_a_large_statement_takes_little_memory(verifier):
    key = SigningKey(b"k" * 32)
    row = {"note": "一行" * 200, "amount": 7}
    tracemalloc.start()
    statement = SignedStatement(key, {"schema": "x"}, {"rows": (row for _ in range(30_000)), "none": iter(())})
    size = sum(map(len, statement.chunks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == statement.size_bytes > 30_000_000
    assert peak < 6_000_000
