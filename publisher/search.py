"""Unified search: APIs, API products and documents that match a query, as one list paged in the database.

A query is words and `prefix:value` terms, all of them needed; quotes keep a value with spaces together. Words look into names,
contexts, versions, descriptions, tags, definitions, documents. A prefix that is none of ours is a custom property's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import CharField, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower

from apim.accounts.models import User
from publisher import queries
from publisher.kinds import PRODUCT
from publisher.models import Api, Document, State

MOST_TERMS, LONGEST = 20, 500
_TERM = re.compile(r'(?:([A-Za-z0-9_.-]+):)?(?:"([^"]*)"|(\S+))')
_TYPES = {"apiproduct": PRODUCT.name, "websocket": "WS", "webhook": "WEBSUB", "rest": "HTTP"}
_STATES = {"prototyped": State.PROTOTYPED, "pre-released": State.PROTOTYPED}


@dataclass(frozen=True)
class Term:
    """One of a query's terms: its prefix in lower case (empty for a plain word), its value, and whether that was in quotes."""

    prefix: str
    value: str
    exact: bool = False


@dataclass(frozen=True)
class Hit:
    """One row of the list. `document` is None for APIs and products."""

    api: Api
    document: Document | None = None


def terms(query: str) -> list[Term]:
    """The terms of `query`; what is longer or more than anybody types is cut off."""
    found = _TERM.findall(query.replace("\x00", "")[:LONGEST])
    read = [Term(prefix.lower(), quoted or plain.strip('*"'), bool(quoted)) for prefix, quoted, plain in found]
    return [term for term in read if term.value][:MOST_TERMS]


def hits(by: User, query: str, limit: int, offset: int) -> tuple[list[Hit], int]:
    """The part of the list that `limit` and `offset` ask for, and the length of all of it. Four queries at most."""
    asked = terms(query)
    apis = queries.apis(by).select_related(None)
    rows = _keys(_narrowed(apis, asked), "api", "name")
    # `provider:` and its like are said of APIs; documents are found by words, content: and doc: alone.
    if all(term.prefix in ("", "content", "doc") for term in asked):
        documents = _documents(Document.objects.filter(api__in=apis.values("pk")), asked)
        rows = (
            _keys(documents, "doc", "name") if _only_documents(asked) else rows.union(_keys(documents, "doc", "name"))
        )
    total = rows.count()
    page = list(rows.order_by("label", "what", "key")[offset : offset + limit])
    return _read(by, page), total


def matching(found: QuerySet[Api], query: str) -> QuerySet[Api]:
    """Those of `found` that match `query`, for lists of APIs; plain words are not looked for in definitions there."""
    return _narrowed(found, terms(query), _ABOUT)


def _keys(rows: QuerySet, what: str, name: str) -> QuerySet:
    label = Cast(Lower(name), CharField(max_length=200))
    return rows.order_by().values(key=Cast("pk", CharField(max_length=40)), what=Value(what), label=label)


def _read(by: User, page: list[dict[str, str]]) -> list[Hit]:
    apis = {str(api.pk).replace("-", ""): api for api in _by_keys(queries.listed(by), page, "api")}
    rows = Document.objects.defer("text").select_related("api__organisation", "api__provider").defer("api__definition")
    documents = {str(row.pk).replace("-", ""): row for row in _by_keys(rows, page, "doc")}
    found: list[Hit] = []
    for row in page:
        key = row["key"].replace("-", "")
        if row["what"] == "api" and key in apis:
            found.append(Hit(apis[key]))
        elif row["what"] == "doc" and key in documents:
            found.append(Hit(documents[key].api, documents[key]))
    return found


def _by_keys(rows: QuerySet, page: list[dict[str, str]], what: str) -> QuerySet:
    keys = [row["key"] for row in page if row["what"] == what]
    return rows.filter(pk__in=keys) if keys else rows.none()


def _narrowed(found: QuerySet[Api], asked: list[Term], columns: tuple[str, ...] = ()) -> QuerySet[Api]:
    found = found.alias(tags_text=Cast("tags", TextField()), properties_text=Cast("additional_properties", TextField()))
    for term in asked:
        if not term.prefix:
            found = found.filter(_any(columns or (*_ABOUT, "definition"), term.value))
        elif term.prefix in _PREFIXES:
            found = found.filter(_PREFIXES[term.prefix](term))
        else:
            found = found.filter(_property(term))
    return found


def _documents(found: QuerySet[Document], asked: list[Term]) -> QuerySet[Document]:
    for term in asked:
        found = found.filter(_any(("name", "summary", "text"), term.value))
    return found


def _only_documents(asked: list[Term]) -> bool:
    return any(term.prefix == "doc" for term in asked)


_ABOUT = ("name", "context", "version", "description", "tags_text")


def _any(columns: tuple[str, ...], value: str) -> Q:
    pairs = [(f"{column}__icontains", value) for column in columns]
    # Databases differ in how JSON columns write what is beyond ASCII.
    escaped = json.dumps(value)[1:-1]
    pairs += [(f"{column}__icontains", escaped) for column in columns if column.endswith("_text") and escaped != value]
    return Q(*pairs, _connector=Q.OR)


def _column(name: str) -> Callable[[Term], Q]:
    return lambda term: Q((f"{name}__{'iexact' if term.exact else 'icontains'}", term.value))


def _columns(*names: str) -> Callable[[Term], Q]:
    return lambda term: _any(names, term.value)


def _status(term: Term) -> Q:
    return Q(state__iexact=_STATES.get(term.value.lower(), term.value))


def of_type(term: Term) -> Q:
    """The kind of an API, or the answer's own word for all APIs and for products."""
    said = term.value.lower().replace("_", "")
    if said == "api":
        return ~Q(kind=PRODUCT.name)
    return Q(kind=_TYPES[said]) if said in _TYPES else Q(kind__iexact=term.value)


def _property(term: Term) -> Q:
    # Properties are a JSON list, which SQLite cannot look into: the name and the value stand in one of its objects.
    within, end = ("", '"') if term.exact else ('[^"]*', "")
    wanted = {re.escape(term.value), re.escape(json.dumps(term.value)[1:-1])}
    name = re.escape(term.prefix)
    patterns = [rf'"name": "{name}", "value": "{within}{value}{end}' for value in sorted(wanted)]
    return Q(*(("properties_text__iregex", pattern) for pattern in patterns), _connector=Q.OR)


_PREFIXES: dict[str, Callable[[Term], Q]] = {
    "content": _columns("definition", "description"),
    "doc": lambda term: Q(pk__in=_documents(Document.objects.all(), [term]).values("api")),
    "name": _column("name"),
    "version": _column("version"),
    "context": _column("context"),
    "description": _column("description"),
    "provider": _column("provider__username"),
    "status": _status,
    "lcstate": _status,
    "type": of_type,
    "tag": _columns("tags_text"),
    "tags": _columns("tags_text"),
    "api-category": lambda term: Q(categories__name__iexact=term.value),
}
"""Prefix → condition on an API."""
