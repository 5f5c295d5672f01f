"""What a name may be that a member chooses and others see: the house's own rules, before WeChat is asked. Pure."""

import re
import unicodedata

from backend.errors import Refusal

LONGEST = 20
#: Letters and digits of any script, blanks, and a few marks between them.
_NAME = re.compile(r"\w(?:[\w ·•'’.-]*\w)?")
#: More digits than this in a name are a telephone or an identity number.
_MOST_DIGITS = 4
_ADDRESS = re.compile(r"(?i)www|\.com|\.cn|http|微信号|加微|vx")
#: Whoever is called so would be taken for the house itself.
_OF_THE_HOUSE = re.compile(r"(?i)官方|管理员|客服|系统通知|admin|official")


class NameRefused(Refusal):
    """The name is too long, says how to reach somebody, or sounds like the house itself."""

    code = "NAME_REFUSED"
    status = 422
    title = "名称为 1 至 20 个文字，不得含联系方式或冒充官方 / 1 to 20 letters, no contact details, nothing official"


def as_shown(typed: str) -> str:
    """A name as it may be shown to everybody, blanks and characters in their plain form. Raises NameRefused.

    It is somebody's own choice and public, so it holds nothing by which they could be called or found.
    """
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    digits = sum(letter.isdigit() for letter in name)
    if not 0 < len(name) <= LONGEST or not _NAME.fullmatch(name) or "_" in name or digits > _MOST_DIGITS:
        raise NameRefused(longest=LONGEST)
    if _ADDRESS.search(name) or _OF_THE_HOUSE.search(name):
        raise NameRefused(longest=LONGEST)
    return name
