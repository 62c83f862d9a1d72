"""API definitions as plain values: JSON, or YAML with the scalars of YAML 1.2, in which dates and words like `no` are text."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import yaml

_TAG = "tag:yaml.org,2002:"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast one where it was built
    """Reads nodes only; what they mean is said below."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _name, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]{1,300}$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$", list("-+.0123456789")),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


def read(text: str) -> Any:
    """What `text` says; names in it are text always (`200:` is "200"). Raises ValueError when it is neither JSON nor YAML."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _yaml(text)


def _yaml(text: str) -> Any:
    try:
        root = yaml.compose(text, Loader=_Loader)
        return _built(root, {}) if root is not None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"the definition is neither JSON nor YAML: {str(error)[:200]}") from error


def _built(node: yaml.Node, known: dict[int, Any]) -> Any:
    """The value of a node; an alias is the same value once more."""
    if id(node) not in known:
        if isinstance(node, yaml.MappingNode):
            made: Any = {_name_of(key): _built(value, known) for key, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            made = [_built(item, known) for item in node.value]
        else:
            made = _scalar(node.tag.removeprefix(_TAG), node.value)
        known[id(node)] = made
    return known[id(node)]


def _name_of(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise ValueError(f"line {key.start_mark.line + 1}: a name must be one word")
    return str(key.value)


def _scalar(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]!r} is not a number JSON knows")
        return number
    return text
