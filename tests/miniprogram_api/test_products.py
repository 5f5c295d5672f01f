"""The product register over HTTP: what somebody sees who scans a carbon-neutral label."""

from datetime import timedelta

import pytest

from backend import activities, clock
from tests.miniprogram_api.world import API, order

CERTIFIED = ["legion_y9000k_irx9", "thinkbook_x_imh", "yoga_book_9_13imu9", "yoga_pro_16s_imh9"]


@pytest.fixture
def scan(client):
    """Open what a label says, as a stranger."""

    def opened(label: str):
        answer = client.get(f"{API}/products/{label}")
        assert answer.status_code == 200, answer.text
        return answer.json

    return opened


def credits(page) -> dict:
    return {one["claim_type"]: (one["bound"], one["grams"]) for one in page["earns"]["credits"]}


@pytest.mark.parametrize("label", CERTIFIED)
def test_a_certified_model_says_what_is_claimed_and_what_nobody_published(scan, label):
    page = scan(label)
    assert page["certificate"]["issued"] == "2023-12"
    assert "《产品碳中和实施通则》" in page["claim"]["zh"]
    assert "出具机构：未公布" in page["claim"]["zh"] and "valid until: not published" in page["claim"]["en"]
    assert page["footprint"] is None
    unpublished = {*page["certificate"]["not_published"]}
    assert unpublished >= {"number", "issuer", "valid_until", "registry", "retirement_serials"}
    # compensation is not a reduction
    assert credits(page) == {"REDUCTION": ("exactly", 0), "OFFSET_BACKED": ("at_most", 799_000)}
    assert "补偿不是减排" in page["earns"]["credits"][1]["meaning"]["zh"]
    assert ("ASSUMED", ["SRC"]) in [
        (row["confidence"], [source["tag"] for source in row["sources"]]) for row in page["earns"]["rows"]
    ]


def test_a_footprint_sheet_is_shown_with_its_sources(scan):
    page = scan("ideapad_3_14")
    sheet = page["footprint"]
    assert (sheet["value"], sheet["unit"], sheet["published_on"], sheet["use_location"]) == (
        *("210", "kgCO2e/item", "2020-02", "美国"),
    )
    assert sheet["error_margin"]["share"] == "0.186"
    assert [source["tag"] for source in sheet["sources"]] == ["BOAV"]
    assert sheet["not_published"] == ["boundary", "tool", "stage_shares"]
    assert (page["certificate"], page["earlier_certificates"]) == (None, [])
    assert credits(page) == {"REDUCTION": ("exactly", 400), "OFFSET_BACKED": ("at_most", 0)}


def test_no_more_is_compensated_than_the_footprint(scan):
    page = scan("thinkpad_x1_carbon_gen9")
    assert page["certificate"]["retired_kg"] == "1000"
    assert credits(page) == {"REDUCTION": ("exactly", 0), "OFFSET_BACKED": ("at_most", 508_000)}


def test_a_product_that_cannot_be_counted_says_why(scan):
    page = scan("yoga_air_14s")
    assert page["certificate"]["issuer"] == {"zh": "TÜV 莱茵", "en": "TÜV Rheinland"}
    assert page["earns"] is None
    assert page["earns_nothing"]["code"] == "PRODUCT_NOT_DOCUMENTED"
    assert page["earns_nothing"]["zh"] and page["earns_nothing"]["en"]


def test_the_methodology_it_names_is_there(client, scan):
    earns = scan("thinkbook_x_imh")["earns"]
    answer = client.get(f"{API}/methodologies/{earns['methodology']}")
    assert answer.json["title"] == earns["title"]
    told = {row["row_hash"] for parameter in answer.json["parameters"].values() for row in parameter["rows"]}
    assert {row["row_hash"] for row in earns["rows"]} <= told


def test_buying_one_earns_what_the_label_promised(world, scan, acted_at):
    member = world.active_member("alice")
    items = [{"model": "IdeaPad 3-14", "serial": "PC1"}]
    items.append({"model": "ThinkPad X1 Carbon Gen 9", "serial": "PC2", "certificate_no": "C2", "retired_kg": 1000})
    world.send("shop", order("product.purchased", "alice", "S1", acted_at, *items))
    world.settle()
    promised = [credits(scan(label)) for label in ("ideapad_3_14", "thinkpad_x1_carbon_gen9")]
    account = member.account()
    assert account["reduction_g"] == sum(one["REDUCTION"][1] for one in promised)
    assert account["offset_g"] == sum(one["OFFSET_BACKED"][1] for one in promised)


def test_the_day_in_china_decides(client, moment):
    moment.shift(clock.parse_instant("2023-12-31T15:59:00Z") - clock.now())
    page = client.get(f"{API}/products/thinkbook_x_imh").json
    assert (page["day"], page["certificate"], page["earns"]) == ("2023-12-31", None, None)
    moment.shift(timedelta(minutes=1))
    page = client.get(f"{API}/products/thinkbook_x_imh").json
    assert (page["day"], page["certificate"]["issued"]) == ("2024-01-01", "2023-12")
    assert page["earns"] is not None


def test_the_register_comes_in_pages(client):
    whole = client.get(f"{API}/products").json
    labels = [item["label"] for item in whole["items"]]
    assert labels == sorted(labels) and {*CERTIFIED} < {*labels}
    assert whole["next_after"] is None
    seen, after = [], ""
    while after is not None:
        answer = client.get(f"{API}/products?limit=3{after and '&after=' + after}").json
        assert len(answer["items"]) <= 3
        seen += [item["label"] for item in answer["items"]]
        after = answer["next_after"]
    assert seen == labels
    assert client.get(f"{API}/products?limit=101").status_code == 422


@pytest.mark.parametrize("label", ["commodore_64", "THINKBOOK_X_IMH", "..%2F..%2Fsources", "%00", "x" * 4000])
def test_an_unknown_label_is_a_problem(client, label):
    answer = client.get(f"{API}/products/{label}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_answers_may_be_cached_for_minutes(client):
    for path in ("/products", "/products/thinkbook_x_imh"):
        assert client.get(API + path).headers["Cache-Control"] == "public, max-age=300"


def test_every_registered_product_can_be_opened(client):
    products, rest = activities.registered_products(None, 100)
    assert rest is None
    for product in products:
        assert client.get(f"{API}/products/{product.label}").json["models"] == list(product.models)
