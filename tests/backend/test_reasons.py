"""Every code with which the library may refuse an act has a sentence for members."""

import methodologies
from backend.activities import REASONS


def test_every_bound_limit_and_choice_of_the_library_has_a_sentence() -> None:
    codes = set()
    for methodology in methodologies.library():
        definition = methodology.definition
        codes |= {limit.code for limit in definition.limits} | {rate.code for rate in definition.rates}
        codes |= {f"UNKNOWN_{name.upper()}" for name, one in definition.monitored.items() if one.kind == "choice"}
    assert len(codes) > 15
    assert codes - REASONS.keys() == set()


def test_sentences_are_whole_and_in_both_languages() -> None:
    for code, (zh, en) in REASONS.items():
        assert zh.endswith("。") and en.endswith("."), code
        assert any("一" <= letter <= "鿿" for letter in zh) and en.isascii(), code
