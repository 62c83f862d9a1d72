"""What the publisher's REST resources share: entity tags, paging, checked input, uploads."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.errors import ApimError, FieldError, Invalid, NotFound
from publisher import queries
from publisher.actions.access import etag
from publisher.api import dto
from publisher.api.contract_scopes import scopes_of
from publisher.api.shapes import streaming
from publisher.checks.basics import refuse_unstorable, shown, storable
from publisher.fetching import fetch
from publisher.models import Api
from publisher.openapi.reading import Source
from publisher.products import PRODUCT

DEFAULT_LIMIT, MOST = 25, 1000


class ContractScope(BasePermission):
    """Logged in, and a token has one of the scopes that the contract names for this method; others need none."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """The answer; `message` says which scopes would do."""
        if not request.user.is_authenticated:
            return False
        given = getattr(request.auth, "scopes", None)
        if given is None:
            return True
        wanted = view.scopes.get("GET" if request.method == "HEAD" and "HEAD" not in view.scopes else request.method)
        if wanted is None:
            wanted = scopes_of(request.method, request.resolver_match.route)
        self.message = f"The access token needs one of the scopes: {', '.join(wanted or ())}."
        return wanted is None or not given.isdisjoint(wanted)


class Resource(APIView):
    """A resource below /api/am/publisher/v4.

    Bearers of tokens need a scope that the contract names for the operation; `scopes` names others by method.
    """

    permission_classes = (ContractScope,)
    scopes: ClassVar[dict[str, tuple[str, ...]]] = {}

    def api(self, identifier: Any) -> Api:
        """The caller's API with that id. Raises NotFound, also for API products, which have resources of their own."""
        found = queries.api(self.request.user, identifier)
        if found.kind == PRODUCT:
            raise NotFound(f"There is no API {str(identifier)[:80]}.")
        return found

    def word(self, name: str, default: str = "") -> str:
        """A query parameter. Raises Invalid for text that no database stores."""
        value = self.request.query_params.get(name, default)
        if not storable(value):
            raise Invalid(f"{name}: not valid text.", [FieldError(name, "Holds a NUL.")])
        return value

    def required(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.word(name)
        if not value:
            raise Invalid(f"The query parameter {name} is missing.", [FieldError(name, "Is required.")])
        return value

    def switch(self, name: str) -> bool:
        """A query parameter that is true or false (the default)."""
        value = self.word(name, "false").lower()
        if value not in ("true", "false"):
            raise Invalid(f"{name}: {value!r} is neither true nor false.", [FieldError(name, "true or false")])
        return value == "true"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole-number query parameter."""
        value = self.word(name) or str(default)
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value)):
            raise Invalid(
                f"{name}: {shown(value)} is not a number from {least} on.", [FieldError(name, "Not a number.")]
            )
        return min(int(value), most)

    def if_match(self) -> str:
        """The entity tag the caller wants to change; empty when it does not care."""
        return self.request.headers.get("If-Match", "").strip()

    def has(self, tag: str) -> bool:
        """Whether the caller has read the version `tag` already, and asks only for another."""
        given = self.request.headers.get("If-None-Match", "").split(",")
        return self.request.method in ("GET", "HEAD") and tag in [one.strip() for one in given]

    def page(self, rows: Any, show: Callable[[Any], dict[str, Any]], total: int | None = None) -> Response:
        """One page of `rows` (a queryset or a list) in the contract's form."""
        limit, offset = self.number("limit", DEFAULT_LIMIT, 1, MOST), self.number("offset", 0, 0, 10**9)
        total = total if total is not None else (len(rows) if isinstance(rows, Sequence) else rows.count())
        return self.cut([show(row) for row in rows[offset : offset + limit]], total)

    def wide_page(self, rows: QuerySet[Any], show: Callable[[Any], dict[str, Any]]) -> Response:
        """One page of rows with long columns: only their keys are sorted, and only those of the page are read."""
        limit, offset = self.number("limit", DEFAULT_LIMIT, 1, MOST), self.number("offset", 0, 0, 10**9)
        keys = list(rows.values_list("pk", flat=True)[offset : offset + limit])
        found = {row.pk: row for row in rows.filter(pk__in=keys).order_by()}
        return self.cut([show(found[key]) for key in keys if key in found], rows.count())

    def cut(self, shown_rows: list[dict[str, Any]], total: int) -> Response:
        """The page that `limit` and `offset` ask for, read already, of a list of `total` rows."""
        limit, offset = self.number("limit", DEFAULT_LIMIT, 1, MOST), self.number("offset", 0, 0, 10**9)
        body = {"count": len(shown_rows), "list": shown_rows, "pagination": self._links(limit, offset, total)}
        return tagged(self.request, body)

    def _links(self, limit: int, offset: int, total: int) -> dict[str, Any]:
        others = {name: value for name, value in self.request.query_params.items() if name not in ("limit", "offset")}
        path = self.request.path.partition("/publisher/v4")[2]

        def link(start: int) -> str:
            return f"{path}?{urlencode({**others, 'limit': limit, 'offset': start})}"

        following = link(offset + limit) if offset + limit < total else ""
        previous = link(max(offset - limit, 0)) if offset else ""
        return {"offset": offset, "limit": limit, "total": total, "next": following, "previous": previous}


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object sent. Raises Invalid when it is something else, or no database stores its texts."""
    if not isinstance(request.data, dict):
        raise Invalid("The body must be a JSON object.", [FieldError("body", "Must be a JSON object.")])
    refuse_unstorable(request.data)
    return request.data


def list_of(request: Request) -> list[Any]:
    """The JSON list sent; a single object counts as a list of one."""
    data = [request.data] if isinstance(request.data, dict) and request.data else request.data or []
    if not isinstance(data, list):
        raise Invalid("The body must be a JSON list.", [FieldError("body", "Must be a JSON list.")])
    refuse_unstorable(data)
    return data


def definition_of(request: Request, inline: str) -> str:
    """The definition sent as `file` or in the form field `inline`.

    What only a `url` is given for is fetched: see publisher.fetching. Raises Invalid when there is none or it is not UTF-8.
    """
    upload = request.data.get("file")
    if upload is not None and hasattr(upload, "read"):
        try:
            return str(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise Invalid(
                f"file: not UTF-8 text ({error.reason} at byte {error.start}).", [FieldError("file", "Not UTF-8 text.")]
            ) from error
    text = request.data.get(inline) or (upload if isinstance(upload, str) else "")
    if isinstance(text, str) and text.strip():
        return text
    url = request.data.get("url")
    if isinstance(url, str) and url.strip():
        try:
            return fetch(url).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid("url: what it answers is not UTF-8 text.", [FieldError("url", "Not UTF-8 text.")]) from error
    raise Invalid(f"Send the definition as file, {inline} or url.", [FieldError("file", "Is required.")])


def document_response(request: Request, text: str, tag: str) -> HttpResponse:
    """A definition: as it was given where that is JSON or the caller asks for YAML, else the same document as JSON; or 304."""
    if request.method == "GET" and tag in [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]:
        return HttpResponse(status=304, headers={"ETag": tag})
    kind = "application/json"
    if not text.lstrip().startswith(("{", "[")):
        if "yaml" in request.headers.get("Accept", ""):
            kind = "application/yaml"
        else:
            text = json.dumps(Source(text).document, indent=2, ensure_ascii=False)
    return HttpResponse(text, content_type=f"{kind}; charset=utf-8", headers={"ETag": tag, "Vary": "Accept"})


@contextmanager
def renamed(fields: dict[str, str]) -> Iterator[None]:
    """Raise an ApimError from inside with the contract's names: `fields` maps theirs to ours."""
    try:
        yield
    except ApimError as error:
        names = {ours: theirs for theirs, ours in fields.items()}
        error.fields = tuple(FieldError(names.get(one.field, one.field), one.message) for one in error.fields)
        if isinstance(error, Invalid) and error.fields:
            error.description = f"{error.fields[0].field}: {error.fields[0].message}"
        raise


def base64_name(text: str) -> str:
    """The name that a path holds base64url-encoded, as the contract has it; plain ones are taken as they are."""
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        found = text
    return found if storable(found) and found.isprintable() else text


def json_field(request: Request, name: str) -> dict[str, Any]:
    """The JSON object in a form field; empty when absent."""
    text = request.data.get(name) or "{}"
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name}: not valid JSON: {error}", [FieldError(name, "Not valid JSON.")]) from error
    if not isinstance(value, dict):
        raise Invalid(f"{name}: must be a JSON object.", [FieldError(name, "Must be a JSON object.")])
    refuse_unstorable(value, name)
    return value


def described(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contract's API in the form field `additionalProperties` of an import, and the keywords that an action makes of it."""
    body = json_field(request, "additionalProperties")
    fields = dto.changes(body)
    plans = fields.pop("plans", ())
    if not isinstance(plans, list | tuple):
        raise Invalid("policies: must be a list.", [FieldError("policies", "Must be a list.")])
    return body, {**{name: body.get(name) for name in ("name", "context", "version")}, "plans": plans, **fields}


def tagged(
    request: Request, body: Any, tag: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """`body` with an entity tag, or 304 when the caller has it already."""
    if not tag:
        text = json.dumps(body, sort_keys=True, default=str)
        tag = '"' + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + '"'
    if request.method == "GET" and tag in [
        given.strip() for given in request.headers.get("If-None-Match", "").split(",")
    ]:
        return Response(status=304, headers={"ETag": tag})
    return Response(body, status=status, headers={"ETag": tag, **(headers or {})})


def api_response(request: Request, api: Api, status: int = 200) -> Response:
    """The whole API with its entity tag; with its address when it is new."""
    headers = {"Last-Modified": api.updated.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    if status == 201:
        headers["Location"] = f"/apis/{api.pk}"
    return tagged(request, streaming.for_reader(dto.full(api), request.user), etag(api), status, headers)
