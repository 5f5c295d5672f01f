"""What was posted, page by page, and where each entry comes from."""

import hashlib
from datetime import timedelta

import pytest

from backend import partners
from tests.miniprogram_api.world import cancellation, order, trip


@pytest.fixture
def rider(world, acted_at):
    """A member with one metro ride of 12.4 km on 5 June 2026."""
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    return member


def test_the_receipt_of_a_metro_ride(rider):
    (entry,) = rider.entries()
    receipt = rider.receipt(entry["id"])
    assert receipt["entry"] == entry
    assert receipt["sentence_zh"] == (
        "乘坐地铁 12.4 公里 × 每公里减排 46.7 克 = 579.08 克，入账 579 克减排量，获得 579 积分，6 月 7 日起可用。"
    )
    assert (receipt["reversed_by"], receipt["reason"]) == (None, None)

    made = receipt["quantification"]
    assert made["confirmed"] is True
    distance, duration = made["inputs"]
    assert distance == {
        "name": "distance_km",
        "title": {"zh": "乘坐里程", "en": "distance"},
        "value": "12.4",
        "unit": "pkm",
        "meaning": None,
        "origin": "data",
    }
    assert (duration["name"], duration["value"], duration["unit"]) == ("duration_s", "1800", "s")
    assert made["methodology"]["code"] == "metro_ride"
    assert made["methodology"]["title"]["zh"] == "乘坐地铁"
    assert (made["methodology"]["version"], made["methodology"]["equation"]) == ("V01", "ER = d × ER_km")
    assert made["profile"]["code"] == "CN-DEFAULT"
    assert made["profile"]["baseline_type"]["zh"] == "均值法"
    assert made["emissions"] == {
        "baseline_g": None,
        "project_g": None,
        "leakage_g": None,
        "reduction_g": "579.08",
        "range": {"low_g": "579.08", "central_g": "2566.8", "high_g": "28706/11"},
        "not_published": ["baseline_g", "project_g", "leakage_g"],
    }
    (factor,) = made["factors"]
    assert (factor["value"], factor["unit"], factor["confidence"]) == ("0.0467", "kgCO2/pkm", "DERIVED")
    assert factor["assumption"] is False
    assert [factor["range"][end] for end in ("low", "central", "high")] == ["0.0467", "0.207", "4.63/22"]
    assert [source["tag"] for source in factor["range"]["sources"]] == ["SZ22", "CPCD", "BJ19"]
    assert made["evidence_grade"]["range"] is None
    assert factor["sources"][0]["tag"] == "SZ22"
    assert factor["sources"][0]["url"].startswith("https://")
    assert (made["evidence_grade"]["grade"], made["evidence_grade"]["value"]) == ("E3", "1")
    assert made["evidence_grade"]["assumption"] is True
    assert made["credited"] == {"reduction_g": 579, "offset_g": 0, "eac_wh": 0}


def test_the_points_evidence_and_transfers_on_a_receipt(rider):
    (entry,) = rider.entries()
    receipt = rider.receipt(entry["id"])
    earned = receipt["points"]
    assert (earned["points"], earned["available_at"], earned["expires_at"]) == (
        579,
        "2026-06-06T16:00:00Z",
        "2028-06-05T16:00:00Z",
    )
    assert (earned["rule"]["version"], earned["rule"]["points_per_gram"]) == (1, "1")
    assert earned["lot"] | {"id": ""} == {"id": "", "stage": "pending", "remaining": 579, "expired": 0, "used": 0}
    evidence = receipt["evidence"]
    assert (evidence["source"], evidence["partner"]) == ("webhook", "transit")
    assert evidence["event_id"].startswith("evt_")
    assert len(bytes.fromhex(evidence["body_sha256"])) == hashlib.sha256().digest_size
    assert evidence["signature_scheme"] == "Standard Webhooks v1 (HMAC-SHA256)"
    assert evidence["signed_at"] == "2026-06-08T04:00:00Z"
    assert [(t["debit"], t["credit"], t["amount"]) for t in entry["transfers"]] == [
        ("issuer.reduction", "reduction", 579),
        ("issuer.points", "points.pending", 579),
    ]
    assert entry["transfers"][0]["credit_title"] == {"zh": "减排量", "en": "emission reductions"}
    assert receipt["activity"]["order_no"] == "T1"


def test_points_that_ripen_and_lapse_have_short_receipts(world, rider, moment):
    moment.shift(timedelta(days=1))
    world.ripen()
    rider.log_in_again()
    ripened, issued = rider.entries()
    receipt = rider.receipt(ripened["id"])
    assert receipt["sentence_zh"] == "2026 年 6 月 5 日“乘坐地铁”获得的 579 积分已生效。"
    assert [receipt[part] for part in ("activity", "quantification", "evidence")] == [None, None, None]
    assert receipt["points"]["lot"]["stage"] == "available"
    assert rider.receipt(issued["id"])["points"]["lot"]["stage"] == "available"
    moment.shift(timedelta(days=740))
    world.ripen()
    rider.log_in_again()
    lapsed = rider.entries()[0]
    assert rider.receipt(lapsed["id"])["sentence_zh"] == (
        "2026 年 6 月 5 日“乘坐地铁”获得的积分中，579 积分已过期。"
    )
    assert rider.receipt(issued["id"])["points"]["lot"] | {"id": ""} == {
        "id": "", "stage": "closed", "remaining": 0, "expired": 579, "used": 0,
    }


def test_a_reversal_names_what_it_takes_back_and_the_other_way_round(world, rider, acted_at):
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    reversal, issue = rider.entries()
    assert (reversal["kind"], reversal["reverses"]) == ("issue.reversed", issue["id"])
    receipt = rider.receipt(reversal["id"])
    assert receipt["sentence_zh"] == (
        "冲正 2026 年 6 月 5 日“乘坐地铁”的入账：收回 579 克减排量、579 积分。原因：订单已取消。"
    )
    assert receipt["reason"]["code"] == "CANCELLED"
    assert receipt["quantification"]["credited"]["reduction_g"] == 579
    original = rider.receipt(issue["id"])
    assert original["reversed_by"] == reversal["id"]
    assert original["sentence_zh"].endswith("6 月 7 日起可用。这笔入账已于 6 月 8 日冲正。")
    account = rider.account()
    assert account["reduction_g"] == 0
    assert account["points"] == {"pending": 0, "available": 0, "reserved": 0, "debt": 0, "debt_sentence": None}
    (activity,) = rider.get("/activities").json["items"]
    assert (activity["status"], activity["reason"]["code"], activity["reduction_g"]) == ("taken_back", "CANCELLED", 0)


def test_every_kind_of_act_has_a_receipt(world, acted_at):
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at, km="5", mode="bicycle"))
    world.send("zhuanzhuan", order("device.traded_in", "alice", "Z1", acted_at, {"category": "phone", "serial": "SN1"}))
    world.send(
        "dangdang",
        order(
            "donation.received",
            "alice",
            "D1",
            acted_at,
            {"category": "clothes", "weight_kg": "5.5"},
            {"category": "books", "quantity": 3},
        ),
    )
    world.send(
        "dangdang", order("device.recycled", "alice", "D2", acted_at, {"category": "refrigerator", "serial": "FR1"})
    )
    world.send(
        "shop",
        order(
            "product.purchased",
            "alice",
            "S1",
            acted_at,
            {"model": "YOGA Pro 16s IMH9", "serial": "PC1", "certificate_no": "C1", "retired_kg": 500},
        ),
    )
    world.settle()
    entries = member.entries()
    receipts = {r["quantification"]["methodology"]["code"]: r for r in map(member.receipt, [e["id"] for e in entries])}
    assert receipts.keys() == {
        "bicycle_ride",
        "device_reuse",
        "clothes_donation",
        "book_donation",
        "appliance_recycling",
        "low_carbon_pc",
    }
    for receipt in receipts.values():
        assert receipt["quantification"]["confirmed"]
        assert receipt["sentence_zh"].endswith("。")
        credited = receipt["quantification"]["credited"]
        moved = {t["credit"]: t["amount"] for t in receipt["entry"]["transfers"]}
        assert (moved.get("reduction", 0), moved.get("offset", 0)) == (credited["reduction_g"], credited["offset_g"])
    # The offset of a carbon-neutral PC stands beside the reductions, never among them.
    computer = receipts["low_carbon_pc"]
    assert computer["quantification"]["credited"] == {"reduction_g": 0, "offset_g": 500_000, "eac_wh": 0}
    assert (computer["points"]["points"], computer["points"]["rule"]["fixed_points"]) == (500, 500)
    assert "不与减排量相加" in computer["sentence_zh"]
    account = member.account()
    assert account["offset_g"] == 500_000
    assert account["reduction_g"] == sum(r["quantification"]["credited"]["reduction_g"] for r in receipts.values())
    # A range is shown where sources differ in the same quantity, and the grams credited are its low end.
    ranges = {code: one["quantification"]["emissions"]["range"] for code, one in receipts.items()}
    assert {code for code, stated in ranges.items() if stated is None} == {
        "book_donation",
        "appliance_recycling",
        "low_carbon_pc",
    }
    assert ranges["device_reuse"] == {"low_g": "23750", "central_g": "28072.5", "high_g": "32395"}
    assert receipts["device_reuse"]["quantification"]["credited"]["reduction_g"] == 23_750
    # A traded-in phone can be returned for seven days; its points wait until that has passed.
    assert receipts["device_reuse"]["points"]["available_at"] == "2026-06-12T16:00:00Z"


def test_equivalences_are_shown_beside_reductions_and_never_beside_offsets(world, acted_at):
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    certified = {"model": "YOGA Pro 16s IMH9", "serial": "PC1", "certificate_no": "C1", "retired_kg": 500}
    world.send("shop", order("product.purchased", "alice", "S1", acted_at, certified))
    world.settle()
    account = member.account()
    assert (account["reduction_g"], account["offset_g"] > 0) == (579, True)
    trees, distance, energy = account["equivalences"]
    # the reduction alone: the offset behind the computer is turned into nothing
    assert (trees["amount"], trees["unit"], trees["factor"]["unit"]) == ("579/60500", "tree*10yr", "kgCO2/tree/10yr")
    assert trees["factor"]["sources"][0]["tag"] == "EPA1"
    assert [trees["factor"]["range"][end] for end in ("low", "central", "high")] == ["14.0", "60.5", "183"]
    assert "10 年" in trees["sentence_zh"] and "仅供展示" in trees["sentence_zh"]
    assert (distance["amount_text"], distance["unit"], distance["factor"]["value"]) == ("约 3.459", "vkm", "0.1674")
    assert (energy["unit"], energy["factor"]["keys"]["region"]) == ("kWh", "national")
    by_methodology = {}
    for entry in member.entries():
        receipt = member.receipt(entry["id"])
        by_methodology[receipt["quantification"]["methodology"]["code"]] = receipt
        moved = {transfer["asset"] for transfer in entry["transfers"]}
        assert moved <= {"co2e_reduction_g", "co2e_offset_g", "points"}  # nothing of it is in the ledger
    assert by_methodology["metro_ride"]["equivalences"] == account["equivalences"]
    assert by_methodology["low_carbon_pc"]["quantification"]["credited"]["offset_g"] > 0
    assert by_methodology["low_carbon_pc"]["equivalences"] == []


def test_what_was_taken_back_compares_to_nothing(world, rider, acted_at):
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    reversal, issue = rider.entries()
    assert rider.account()["equivalences"] == []
    assert rider.receipt(reversal["id"])["equivalences"] == []
    assert len(rider.receipt(issue["id"])["equivalences"]) == 3


def test_open_knowledge_says_where_sources_differ(client):
    metro = client.get("/api/v1/methodologies/metro_ride").json
    assert "入账低端 0.0467" in metro["uncertainty"]["text"]
    rows = {row["keys"]["profile"]: row for row in metro["parameters"]["reduction_per_km"]["rows"]}
    assert rows["CN-DEFAULT"]["range"]["high"] == "4.63/22"
    assert rows["CN-SZ-2021"]["range"] is None


# -- pages -------------------------------------------------------------------------------------------------


@pytest.fixture
def commuter(world, acted_at):
    """A member with five entries and five activities."""
    member = world.active_member("alice")
    for number in range(5):
        world.send("transit", trip("alice", number, acted_at - timedelta(days=number)))
        world.settle()
    return member


@pytest.mark.parametrize("path", ["/me/entries", "/activities"])
def test_pages_follow_each_other_to_the_end(commuter, path):
    everything = [item["id"] for item in commuter.get(f"{path}?limit=100").json["items"]]
    assert len(everything) == 5
    seen, cursor = [], ""
    while cursor is not None:
        page = commuter.get(f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == everything


def test_an_exactly_full_page_is_the_last(commuter):
    assert commuter.get("/me/entries?limit=5").json["next_cursor"] is None


def test_filters(commuter):
    assert len(commuter.get("/me/entries?programme=members").json["items"]) == 5
    assert commuter.get("/me/entries?programme=staff").json == {"items": [], "next_cursor": None}
    assert commuter.get("/me/entries?programme=nowhere").json["code"] == "UNKNOWN_PROGRAMME"
    assert len(commuter.get("/activities?status=issued&programme=members").json["items"]) == 5
    assert commuter.get("/activities?status=refused").json["items"] == []
    assert len(commuter.get("/me/entries?page=3&colour=red").json["items"]) == 5  # unknown parameters are ignored


@pytest.mark.parametrize("path", ["/me/entries", "/activities"])
def test_a_cursor_is_good_for_its_list_member_and_filter_only(world, commuter, path):
    cursor = commuter.get(f"{path}?limit=2").json["next_cursor"]
    assert commuter.get(f"{path}?cursor={cursor}").status_code == 200
    other = world.active_member("bob")
    elsewhere = {"/me/entries": "/activities", "/activities": "/me/entries"}[path]
    flipped = ("A" if cursor[5] != "A" else "B").join([cursor[:5], cursor[6:]])
    attempts = [
        other.get(f"{path}?cursor={cursor}"),
        commuter.get(f"{elsewhere}?cursor={cursor}"),
        commuter.get(f"{path}?programme=members&cursor={cursor}"),
        commuter.get(f"{path}?cursor={flipped}"),
        commuter.get(f"{path}?cursor={cursor[:-1]}"),
        commuter.get(f"{path}?cursor={cursor}A"),
        commuter.get(f"{path}?cursor="),
        commuter.get(f"{path}?cursor={'%00' * 43}"),
        commuter.get(f"{path}?cursor={'A' * 43}"),
        commuter.get(f"{path}?cursor={'A' * 5000}"),
        commuter.get(f"{path}?cursor=%E4%B8%AD"),
    ]
    for answer in attempts:
        assert (answer.status_code, answer.json["code"]) == (400, "INVALID_CURSOR")


def test_every_bit_of_a_cursor_counts(commuter):
    import base64

    cursor = commuter.get("/me/entries?limit=2").json["next_cursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor + "="))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert commuter.get(f"/me/entries?cursor={text}").json["code"] == "INVALID_CURSOR", position


# -- somebody else's ---------------------------------------------------------------------------------------


def test_somebody_elses_things_look_like_nothing(world, rider):
    bob = world.active_member("bob")
    nothing = bob.get("/activities/01234567-89ab-7def-8123-456789abcdef")
    (entry,) = rider.entries()
    (link,) = [one for one in rider.get("/me/partner-links").json["links"] if one["partner"] == "transit"]
    attempts = [
        bob.get(f"/me/entries/{entry['id']}/receipt"),
        bob.get(f"/activities/{entry['activity_id']}"),
        bob.call("DELETE", f"/me/partner-links/{link['id']}"),
        rider.get(f"/me/entries/{entry['activity_id']}/receipt"),
        rider.get(f"/activities/{entry['id']}"),
    ]
    for answer in attempts:
        assert (answer.status_code, answer.json) == (404, nothing.json)
    assert bob.entries() == []
    assert bob.get("/activities").json["items"] == []
    assert rider.get("/me/partner-links").json["links"][0]
    assert len(rider.get("/me/partner-links").json["links"]) == 4


def test_whose_claim_another_one_is_is_told_neither_to_the_member_nor_to_the_partner(world, rider, acted_at):
    bob = world.active_member("bob")
    fridge = {"category": "fridge", "serial": "same"}
    world.send("dangdang", order("device.recycled", "bob", "D1", acted_at, fridge))
    world.settle()
    assert bob.account()["reduction_g"] > 0
    phone = {"category": "phone", "serial": "SAME"}
    world.send("zhuanzhuan", order("device.traded_in", "alice", "Z1", acted_at - timedelta(hours=1), phone))
    world.settle()
    (lost,) = bob.get("/activities").json["items"]
    assert (lost["status"], lost["reason"]["code"], lost["reduction_g"]) == ("outdone", "ALREADY_CLAIMED", 0)
    assert bob.get(f"/activities/{lost['id']}").json["excluded_by"] is None
    with world.house.transaction() as tx:
        (delivery,) = partners.deliveries(tx, "dangdang")
    (line,) = delivery["lines"]
    assert (line["activity_id"], line["standing"]) == (lost["id"], "outdone")
    receipts = [bob.receipt(entry["id"]) for entry in bob.entries()]
    assert [receipt["reason"]["code"] for receipt in receipts if receipt["reason"]] == ["ALREADY_CLAIMED"]
    told = f"{bob.get('/activities').text} {bob.get('/me/export').text} {receipts} {delivery}"
    won = rider.get("/activities").json["items"][0]
    assert won["order_no"] == "Z1"
    for name in (won["id"], '"Z1"', "'Z1'", rider.get("/me").json["id"]):
        assert name not in told
    assert "zhuanzhuan" not in f"{lost} {receipts} {delivery}"


def test_an_act_whose_claim_its_partner_keeps_is_recorded_told_and_not_credited(world, rider, acted_at):
    kept = trip("alice", 2, acted_at + timedelta(hours=2))
    kept["data"]["claim"] = "kept"
    world.send("transit", kept)
    world.settle()
    (act,) = rider.get("/activities?status=kept").json["items"]
    assert (act["order_no"], act["reduction_g"], act["reason"]["code"]) == ("T2", 0, "CLAIM_KEPT")
    assert "合作平台自行计入" in act["reason"]["zh"]
    assert rider.get(f"/activities/{act['id']}").json["entry_ids"] == []
    assert (rider.account()["reduction_g"], len(rider.entries())) == (579, 1)


def test_an_act_that_lost_to_ones_own_names_it(world, rider, acted_at):
    world.send("transit", trip("alice", 2, acted_at + timedelta(minutes=10)))
    world.settle()
    lost, won = rider.get("/activities").json["items"]
    assert (lost["reason"]["code"], won["status"]) == ("OVERLAPPING_TRIP", "issued")
    detail = rider.get(f"/activities/{lost['id']}").json
    assert detail["excluded_by"] == won["id"]
    assert detail["entry_ids"] == []
    assert detail["data"] == {"distance_km": "12.4", "duration_s": 1800}
    (entry,) = rider.entries()
    assert rider.get(f"/activities/{won['id']}").json["entry_ids"] == [entry["id"]]
    earned = rider.get(f"/activities/{won['id']}").json["points"]
    assert (earned["rule_version"], earned["bonus_points"], earned["cuts"], detail["points"]) == (1, 0, [], None)
