"""Name, version and context: what tells APIs apart, and which of them are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Lower

from apim.accounts.models import Organisation
from publisher.checks.basics import Problems, matching, shown
from publisher.errors import Taken
from publisher.models import API_NAME, API_VERSION, CONTEXT, Api

NAME_LENGTH = 60
HOST = re.compile(
    r"^(?=.{1,250}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)
RESERVED = re.compile(r"^/t(/|$)")


def name(problems: Problems, value: Any) -> str:
    """An API's name: 60 characters, none of the reserved ones."""
    hint = "Do not use spaces at the start, slashes or any of ~!@#;:%^*()+={}|\\<>\"',&$[]."
    return matching(problems, "name", value, API_NAME.regex, hint, most=NAME_LENGTH).strip()


def version(problems: Problems, value: Any) -> str:
    """An API's version, which becomes one segment of its address."""
    if value in (".", ".."):
        problems.add("version", f"{shown(value)} cannot be a segment of an address.")
    return matching(problems, "version", value, API_VERSION.regex, API_VERSION.message, most=30)


def context(problems: Problems, value: Any, organisation: Organisation) -> str:
    """The base path without tenant prefix; a missing slash at the start is added, one at the end dropped."""
    if isinstance(value, str):
        value = "/" + value.strip().strip("/") if value.strip().strip("/") else ""
        if organisation.prefix and value.startswith(organisation.prefix + "/"):
            value = value.removeprefix(organisation.prefix)
    before = len(problems.found)
    value = matching(problems, "context", value, CONTEXT.regex, CONTEXT.message, most=200)
    if len(problems.found) == before:
        _segments(problems, value)
    return value


def _segments(problems: Problems, value: str) -> None:
    if "//" in value or any(part in (".", "..") for part in value.split("/")):
        problems.add("context", f"{shown(value)} has an empty segment or one of dots only.")
    elif RESERVED.match(value):
        problems.add("context", "/t/ is where the organisations' own addresses begin; choose another first segment.")
    elif "{" in value.replace("{version}", "") or "}" in value.replace("{version}", ""):
        problems.add("context", f"{shown(value)}: the only placeholder is {{version}}.")


def full_path(context: str, version: str) -> str:
    """The base path with the version in its place, without tenant prefix."""
    return context.replace("{version}", version) if "{version}" in context else f"{context}/{version}"


def host(problems: Problems, field: str, value: Any) -> str:
    """A host name, lower case."""
    hint = "It must be a host name, like api.example.org."
    return matching(problems, field, value, HOST, hint, most=250).strip().lower()


def refuse_taken(organisation: Organisation, name: str, version: str, context: str) -> None:
    """Raise Taken if another API of the organisation has this name and version, or this address.

    Versions of one API share their context; APIs of different names do not.
    """
    path = full_path(context, version)
    for other_name, other_version, other_context in _near(organisation, name, version, context, path):
        same_name = other_name.lower() == name.lower()
        if same_name and other_version == version:
            raise Taken(f"There is an API {other_name} with version {other_version} already.")
        if full_path(other_context, other_version) == path or (other_context == context and not same_name):
            raise Taken(f"The context {context} belongs to {other_name} {other_version}.")


def _near(
    organisation: Organisation, name: str, version: str, context: str, path: str
) -> Iterator[tuple[str, str, str]]:
    """Name, version and context of those APIs that could be in the way: found by indexes, but for contexts with {version}."""
    rows = Api.objects.filter(organisation=organisation).order_by().values_list("name", "version", "context")
    same_name = Q(lower_name=Lower(Value(name)), version=version)
    before, _, last = path.rpartition("/")
    yield from rows.alias(lower_name=Lower("name")).filter(
        same_name | Q(context=context) | Q(context=before, version=last)
    )
    yield from rows.filter(context__contains="{version}")
