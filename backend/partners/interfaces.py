"""What an adapter is: the kinds of orders a platform sends, and how each line becomes the draft of an act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.activities import ActRefused, library
from backend.partners.contract import Event
from backend.partners.translation import Translator
from backend.settlement import Draft


@dataclass(frozen=True, slots=True)
class Adapter:
    """A platform's dialect: order type → translator. How it signs is configured per partner, never guessed here.

    `methodologies`: every methodology its drafts may name; their scenes are what members consent to.
    """

    name: str
    translators: Mapping[str, Translator]
    methodologies: tuple[str, ...]

    @property
    def scenes(self) -> tuple[str, ...]:
        """The scenes a member's consent can be about with this platform, in the order of the methodologies."""
        return tuple(dict.fromkeys(library().get(code).scene for code in self.methodologies))

    def sends(self, event: Event) -> bool:
        """Whether this platform sends events of this type."""
        return event.order_type is None or event.order_type in self.translators

    def translate(self, partner: str, event: Event, line: str, order_type: str, return_days: int) -> Draft:
        """The draft of one line. Raises ActRefused with the reason the line cannot count."""
        translator = self.translators.get(order_type)
        if translator is None:
            raise ActRefused("UNKNOWN_CATEGORY")
        fields: Mapping[str, Any] = event.lines[line]
        return translator(partner, event, line, fields, return_days)
