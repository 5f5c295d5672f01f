"""Files that operators write by hand, YAML or JSON: read strictly, and never more than was written."""

import re
from pathlib import Path
from typing import Any

import yaml

from backend import strict_json
from backend.errors import Refusal

MAX_FILE_BYTES = 256 * 2**10
MAX_DEPTH = 8
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_WORDS = {"true": True, "false": False, "null": None}


def read_file(file: Path, refused: type[Refusal], *, typed: bool = False) -> Any:
    """What a YAML or JSON file says. Raises `refused` with `field` and `problem`.

    YAML is read as texts, lists and mappings only; where it is `typed`, plain `true`, `false`, `null` and whole numbers
    are what they look like, and everything else, quoted or not, is a text.
    """
    with file.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise refused(field="file", problem=f"at most {MAX_FILE_BYTES} bytes are read")
    if file.suffix.lower() == ".json":
        return strict_json.loads_object(content, max_bytes=MAX_FILE_BYTES)
    try:
        text = content.decode("utf-8")
        _refuse_bombs(text, refused)
        return _value(yaml.compose(text, Loader=yaml.BaseLoader), refused, typed)
    except UnicodeDecodeError:
        raise refused(field="file", problem="not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise refused(field="file", problem=f"not YAML{where}") from None


def _refuse_bombs(text: str, refused: type[Refusal]) -> None:
    """Before anything is built: a few lines of aliases can stand for gigabytes, and nesting for the whole stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise refused(field="file", problem="aliases are not taken")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise refused(field="file", problem=f"at most {MAX_DEPTH} levels")


def _value(node: Any, refused: type[Refusal], typed: bool) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, refused, typed) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        pairs = [(_value(key, refused, False), _value(value, refused, typed)) for key, value in node.value]
        names = [name for name, _ in pairs if isinstance(name, str)]
        if len(set(names)) < len(pairs):
            raise refused(field=f"line {node.start_mark.line + 1}", problem="a key is repeated or is no text")
        return dict(pairs)
    if node is None:
        return None
    plain = typed and node.style is None
    if plain and node.value in _WORDS:
        return _WORDS[node.value]
    return int(node.value) if plain and _WHOLE.fullmatch(node.value) else node.value
