"""The wording of published documents: titles, descriptions, applicability, sentences.

It decides no gram, so it may be improved after publication; but members read numbers in it, so it never changes unseen:
a new wording is NOT_LOCKED until the lock lists its hash beside that of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from methodologies.kernel.definition import Definition
from methodologies.kernel.equivalences import Equivalence
from methodologies.kernel.model import Profile, Title

_SUFFIX = " wording"


def wording_address(owner: str) -> str:
    return owner + _SUFFIX


def is_wording(address: str) -> bool:
    """Whether this is the address of a wording, which may be edited."""
    return address.endswith(_SUFFIX)


def texts_of_methodology(definition: Definition) -> list[str]:
    """Every text of a document that its rows and versions do not hold."""
    texts = [*definition.applicability, definition.boundary, definition.uncertainty]
    texts += [definition.evidence, definition.exclusivity.text, *(text for _, text in definition.standards)]
    texts += [field.description for field in definition.monitored.values()]
    texts += [formula.sentence for formula in definition.formulas.values()]
    return [*texts, *_both(_titles(definition))]


def texts_of_profile(profile: Profile) -> list[str]:
    return [*_both([profile.title, profile.baseline_type]), profile.note]


def texts_of_equivalence(equivalence: Equivalence) -> list[str]:
    return [*_both([equivalence.title, equivalence.factor.title]), equivalence.sentence]


def _titles(definition: Definition) -> Iterator[Title]:
    yield definition.title
    named = (definition.formulas, definition.parameters, definition.monitored)
    for titled in (*definition.limits, *definition.rates, *(one for group in named for one in group.values())):
        yield titled.title
    for field in definition.monitored.values():
        yield from field.choices.values()


def _both(titles: Iterable[Title]) -> Iterator[str]:
    for title in titles:
        yield title.zh
        yield title.en
