"""What the difficult receiver answers. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Without a status the connection is dropped; `delay_s` passes before anything happens."""

    name: str
    status: int | None
    retry_after_s: int = 0
    delay_s: int = 0

    @property
    def taken(self) -> bool:
        """Whether this ends the matter for the sender."""
        return self.status is not None and 200 <= self.status < 300


#: What the first event meets, attempt by attempt, before it is accepted.
SCRIPT = (
    Answer("error", 500),
    Answer("unavailable", 503),
    Answer("too_many", 429, retry_after_s=5),
    Answer("slow", 503, delay_s=5),
    Answer("dropped", None),
)
ACCEPTED, DUPLICATE = Answer("accepted", 202), Answer("duplicate", 200)
#: What the backend would refuse as well: the request for what it showed, or another body under a known id.
REFUSED, REUSED = Answer("refused", 400), Answer("reused", 409)
#: A run that has seen enough.
FULL = Answer("full", 429, retry_after_s=86_400)
ANSWERS = {answer.name: answer for answer in (*SCRIPT, ACCEPTED, DUPLICATE, REFUSED, REUSED, FULL)}


def next_answer(attempts_before: int, *, difficult: bool) -> Answer:
    """The answer to a sound event that came so many times before."""
    step = attempts_before if difficult else attempts_before + len(SCRIPT)
    if step < len(SCRIPT):
        return SCRIPT[step]
    return ACCEPTED if step == len(SCRIPT) else DUPLICATE
