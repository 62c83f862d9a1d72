"""AsyncAPI definitions that we write: for an API designed by hand, one brought in step with its topics, and one for callers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from publisher.asyncapi.definition import VERBS
from publisher.openapi.reading import Source, Unreadable
from publisher.openapi.references import follow

VERSION = "2.4.0"
_PARAMETER = re.compile(r"\{([^{}/]+)\}")
_KEYS = {verb: key for key, verb in VERBS.items()}


def generate(name: str, version: str, description: str, operations: Iterable[dict[str, Any]]) -> str:
    """A definition of an API that has none, as JSON."""
    info = {"title": name, "version": version, **({"description": description} if description else {})}
    document: dict[str, Any] = {"asyncapi": VERSION, "info": info, "channels": {}}
    for operation in operations:
        _add(document, operation)
    return json.dumps(document, indent=2, ensure_ascii=False)


def in_step(text: str, operations: list[dict[str, Any]]) -> str:
    """`text` with channels for exactly `operations`; the very same text when it has them already."""
    try:
        source = Source(text)
    except Unreadable:
        return text
    document = source.document
    wanted = {(_target(one["target"]), _KEYS.get(one["verb"], "")): one for one in operations}
    there = _present(document)
    if wanted.keys() == there.keys():
        return text
    for key in there.keys() - wanted.keys():
        _remove(document, there[key], key[1])
    for key in wanted.keys() - there.keys():
        _add(document, wanted[key])
    if source.is_json:
        return json.dumps(document, indent=2, ensure_ascii=False)
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def for_callers(text: str, addresses: dict[str, list[str]]) -> dict[str, Any]:
    """The document with the gateway's addresses (environment → addresses) as its servers and without our extensions."""
    document: dict[str, Any] = json.loads(json.dumps(Source(text).document))
    servers = {}
    for environment, urls in addresses.items():
        for url in urls:
            scheme, _, rest = url.partition("://")
            servers[f"{environment}-{scheme}".replace(" ", "-")] = {"url": rest, "protocol": scheme}
    document["servers"] = servers
    return _bare(document)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items() if not str(key).startswith("x-")}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def _target(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _present(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(target, key of the operation) → name of its channel."""
    found = {}
    for name, channel in (document.get("channels") or {}).items():
        item = follow(document, channel)
        found |= {(_target(name), key): name for key in VERBS if isinstance(item.get(key), dict)}
    return found


def _remove(document: dict[str, Any], channel: str, key: str) -> None:
    item = document["channels"][channel]
    if "$ref" in item:
        item = document["channels"][channel] = dict(follow(document, item))
    item.pop(key, None)
    if not any(verb in item for verb in VERBS):
        del document["channels"][channel]


def _add(document: dict[str, Any], operation: dict[str, Any]) -> None:
    target, key = operation["target"], _KEYS.get(operation["verb"])
    if key is None:
        return
    channels = document.setdefault("channels", {})
    item = channels.setdefault(
        target if target not in channels and target[1:] not in channels else _known(channels, target), {}
    )
    item[key] = {"message": {"payload": {"type": "string"}}}
    parameters = {name: {"schema": {"type": "string"}} for name in _PARAMETER.findall(target)}
    if parameters:
        item.setdefault("parameters", parameters)


def _known(channels: dict[str, Any], target: str) -> str:
    """The name under which the channel of a topic stands already."""
    return target if target in channels else target[1:]
