"""Texts in two languages. Where the house writes one on one line, it is `中文 / English`."""


def halves(text: str) -> dict[str, str]:
    """A text written `中文 / English` as its two halves; one without English stands for both."""
    zh, _, en = text.partition(" / ")
    return {"zh": zh, "en": en or zh}
