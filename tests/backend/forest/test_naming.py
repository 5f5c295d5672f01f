"""What may stand on a certificate, and how gathered steps become trees."""

from uuid import UUID

import pytest

from backend.forest import CertificateNameRefused, certificate_name
from backend.forest.policy import Open, next_tree

ANN, BOB = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("name", ["小林", "Lin", "林 · 小队", " 绿色  出行 ", "O'Neill", "三班2026"])
def test_pen_names(name: str) -> None:
    assert certificate_name(name) == " ".join(name.split())


@pytest.mark.parametrize(
    "name",
    ["", " ", "13800138000", "微信 abc12345", "<script>", "a@b.cn", "www.x", "x" * 21, "小\u202e林", "_", "🌳"],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(CertificateNameRefused):
        certificate_name(name)


def test_a_tree_is_paid_by_the_earliest_donations() -> None:
    given = [Open(ANN, UUID(int=11), 4_000), Open(BOB, UUID(int=12), 0), Open(BOB, UUID(int=13), 9_000)]
    assert next_tree(given, 13_001) is None
    assert next_tree(given, 10_000) == [Open(ANN, UUID(int=11), 4_000), Open(BOB, UUID(int=13), 6_000)]
    assert next_tree(given, 4_000) == [Open(ANN, UUID(int=11), 4_000)]
