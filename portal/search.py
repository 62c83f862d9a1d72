"""The portal's search language (reference A7): free words and `name: context: version: tag: …` terms, as one SQL filter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from apim.errors import FieldError, Invalid
from publisher.models import Api

LONGEST = 500
MOST_TERMS = 20
_TERM = re.compile(r'(?:(?P<key>[^\s:"]+):\s*)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))')


@dataclass(frozen=True)
class Term:
    """One word of a query, or several in quotes; `key` is empty for free text."""

    key: str
    value: str


def parse(query: str) -> list[Term]:
    """The terms of `query`. Raises Invalid when it is too long to be answered fast, or no text."""
    if "\x00" in query:
        raise Invalid("The search is not text.", [FieldError("query", "must not hold NUL characters")])
    terms = [
        Term((match["key"] or "").lower(), match["plain"] or match["quoted"] or "") for match in _TERM.finditer(query)
    ]
    terms = [term for term in terms if term.value]
    if len(query) > LONGEST or len(terms) > MOST_TERMS:
        limit = f"{LONGEST} characters and {MOST_TERMS} words at most"
        raise Invalid("The search is too long.", [FieldError("query", limit)])
    return terms


def search(apis: QuerySet[Api], query: str, *, content: bool = True) -> QuerySet[Api]:
    """The rows of `apis` that match every term of `query`; `content` False keeps free words to the name."""
    rows = apis.annotate(tag_text=Cast("tags", TextField()), property_text=Cast("additional_properties", TextField()))
    for term in parse(query):
        if term.key in _KEYS:
            rows = rows.filter(_KEYS[term.key](term))
        elif term.key:
            rows = rows.filter(_property(term) | _words(Term("", f"{term.key}:{term.value}"), content))
        else:
            rows = rows.filter(_words(term, content))
    return rows


def by_tag(apis: QuerySet[Api], tag: str) -> QuerySet[Api]:
    """The rows of `apis` that carry exactly `tag`."""
    return apis.annotate(tag_text=Cast("tags", TextField())).filter(_json_text("tag_text", tag))


def _part(field: str) -> Callable[[Term], Q]:
    """Matches inside the field, and the whole of it as a pattern when there is a `*`."""

    def match(term: Term) -> Q:
        return _pattern(field, term.value) if "*" in term.value else Q(**{f"{field}__icontains": term.value})

    return match


def _whole(field: str) -> Callable[[Term], Q]:
    """Matches the whole field; a `*` stands for anything."""

    def match(term: Term) -> Q:
        return _pattern(field, term.value) if "*" in term.value else Q(**{f"{field}__iexact": term.value})

    return match


def _pattern(field: str, value: str) -> Q:
    """Beginning, middle parts and end of `value` around its stars. No regular expression: its cost stays linear."""
    first, *middle, last = value.split("*")
    found = Q(**{f"{field}__istartswith": first}) & Q(**{f"{field}__iendswith": last})
    for part in middle:
        found &= Q(**{f"{field}__icontains": part})
    return found


def _tag(term: Term) -> Q:
    if "*" not in term.value:
        return _json_text("tag_text", term.value)
    first, *_, last = term.value.split("*")
    return Q(tag_text__icontains=f'"{first}') & Q(tag_text__icontains=f'{last}"')


def _property(term: Term) -> Q:
    """A custom property: its name and value both stand in the API's list of properties."""
    return _json_text("property_text", term.key) & _json_text("property_text", term.value)


def _json_text(field: str, value: str) -> Q:
    """The JSON string `value` stands in `field`; PostgreSQL keeps letters as they are, SQLite keeps them escaped."""
    forms = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    found = Q()
    for form in forms:
        found |= Q(**{f"{field}__icontains": form})
    return found


def _words(term: Term, content: bool) -> Q:
    if not content:
        return _part("name")(term)
    fields = ("name", "context", "version", "description", "tag_text", "definition")
    value = term.value.strip("*")
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": value})
    return found


_KEYS: dict[str, Callable[[Term], Q]] = {
    "name": _part("name"),
    "context": _part("context"),
    "description": _part("description"),
    "version": _whole("version"),
    "provider": _whole("provider__username"),
    "status": _whole("state"),
    "tag": _tag,
    "tags": _tag,
    "api-category": _whole("categories__name"),
}
