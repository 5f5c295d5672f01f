"""Reading what WeChat sends: XML or JSON, whichever the mini-program's console is set to."""

from collections.abc import Mapping
from xml.parsers import expat

from backend import strict_json
from backend.wechat_pushes.errors import UnreadablePush

_DEEPEST = strict_json.MAX_DEPTH


def read_fields(body: bytes) -> dict[str, str]:
    """The texts and whole numbers at the top of a message, by name; what is nested in it is left out.

    WeChat's own JSON samples have names with a space before them, so names are stripped. XML with a document type is
    refused: no entity is ever expanded or fetched. Raises UnreadablePush, InvalidJson or their kin, and nothing else.
    """
    pairs = _xml_pairs(body) if body.lstrip()[:1] == b"<" else _json_pairs(body)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise UnreadablePush("a field is named twice")
    return fields


def read_items(body: bytes) -> list[dict[str, str]]:
    """The texts and whole numbers of each part of a message's `List`; WeChat writes a list of one without the list.

    Raises what `read_fields` does.
    """
    if body.lstrip()[:1] == b"<":
        return _xml_items(body)
    members = strict_json.loads_object(body, wide_integers=True).items()
    listed = {name.strip(): value for name, value in members}.get("List", [])
    items = listed if isinstance(listed, list) else [listed]
    return [_plain(item) for item in items if isinstance(item, dict)]


def _plain(item: Mapping[str, object]) -> dict[str, str]:
    # type(), because true and false are whole numbers to Python
    return {name.strip(): str(value) for name, value in item.items() if type(value) in (str, int)}


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    members = strict_json.loads_object(body, wide_integers=True).items()
    # type(), because true and false are whole numbers to Python
    return [(name.strip(), str(value)) for name, value in members if type(value) in (str, int)]


def _xml_pairs(body: bytes) -> list[tuple[str, str]]:
    return [(path[1], text) for path, text in _xml_texts(body) if len(path) == 2]


def _xml_items(body: bytes) -> list[dict[str, str]]:
    """The parts of `<xml><…Event><List>…`: a field that was seen already begins the next part."""
    items: list[dict[str, str]] = []
    for path, text in _xml_texts(body):
        if len(path) == 4 and path[2] == "List":
            if not items or path[3] in items[-1]:
                items.append({})
            items[-1][path[3]] = text
    return items


def _xml_texts(body: bytes) -> list[tuple[tuple[str, ...], str]]:
    """Every element that holds no other, as the names above and its own, and its text."""
    found: list[tuple[tuple[str, ...], str]] = []
    open_names: list[str] = []
    texts: list[str] = []
    deepest = 0

    def begin(name: str, _: object) -> None:
        nonlocal deepest
        open_names.append(name)
        texts.clear()
        deepest = len(open_names)
        if deepest > _DEEPEST:
            raise UnreadablePush("nested too deeply")

    def end(name: str) -> None:
        if len(open_names) == deepest:
            found.append((tuple(open_names), "".join(texts)))
        open_names.pop()

    def refuse_document_type(*_: object) -> None:
        raise UnreadablePush("a document type is not wanted")

    parser = expat.ParserCreate("utf-8")  # whatever encoding the text claims for itself
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(body.lstrip(), True)
    except expat.ExpatError as error:
        raise UnreadablePush(f"not XML: {expat.ErrorString(error.code)}") from None
    return found
