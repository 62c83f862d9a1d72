"""What every resource of the admin contract shares: who may, entity tags, pages of lists, checked input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid, NotFound, PreconditionFailed

DEFAULT_LIMIT, MOST = 25, 1000
"""Entries of a page when nothing is asked for, and at most."""


class AdminScope(BasePermission):
    """Logged in, and a token has one of the scopes that the resource asks for this method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """The answer; `message` says which scopes would do."""
        if not request.user.is_authenticated:
            return False
        wanted = view.see if request.method in ("GET", "HEAD", "OPTIONS") else view.manage
        given = getattr(request.auth, "scopes", None)
        self.message = f"The access token needs one of the scopes: {', '.join(wanted)}."
        return given is None or not given.isdisjoint(wanted)


class Resource(APIView):
    """A resource for administrators. `see` and `manage` are the scopes that open reading and writing.

    Answers carry an entity tag; `If-None-Match` gets 304, and a write with `If-Match` is carried out only on what the caller has
    read. Resources that cannot be read alone say by `current` what their tag is made of.
    """

    permission_classes = (AdminScope,)
    see: tuple[str, ...] = ("apim:admin",)
    manage: tuple[str, ...] = ("apim:admin",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Administrators only. Raises Forbidden, PreconditionFailed."""
        super().initial(request, *args, **kwargs)
        require(request.user)
        given = _tags(request.headers.get("If-Match", ""))
        if given and "*" not in given and request.method in ("PUT", "PATCH", "DELETE"):
            found = self.current(request, **kwargs)
            if found is not None and entity_tag(found) not in given:
                raise PreconditionFailed("It has been changed since you read it: read it again.")

    def current(self, request: Request, **kwargs: Any) -> Any:
        """What a GET answers now; None where nothing can be read. Raises NotFound."""
        return self.get(request, **kwargs).data if hasattr(self, "get") else None

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Adds the entity tag, and makes it 304 when the caller has that already."""
        if isinstance(response, Response) and response.data is not None and response.status_code in (200, 201):
            tag = entity_tag(response.data)
            if request.method == "GET" and tag in _tags(request.headers.get("If-None-Match", "")):
                response = Response(status=304)
            response["ETag"] = tag
        return super().finalize_response(request, response, *args, **kwargs)

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Raises Invalid."""
        return as_object(self.request.data, "body")

    def word(self, name: str) -> str:
        """A query parameter, empty when absent. Raises Invalid for text that no database stores."""
        return storable(self.request.query_params.get(name, ""), name)


def entity_tag(body: Any) -> str:
    """A strong entity tag of what is answered."""
    text = json.dumps(body, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",") if part.strip()}


def listing(rows: Iterable[Any], show: Callable[[Any], dict[str, Any]]) -> Response:
    """All rows in the list form of the contract."""
    found = [show(row) for row in rows]
    return Response({"count": len(found), "list": found})


def page(request: Request, rows: Any, show: Callable[[Any], dict[str, Any]], path: str, name: str = "list") -> Response:
    """The part of a queryset that `limit` and `offset` ask for, with links to its neighbours. Raises Invalid."""
    limit = min(_number(request, "limit", DEFAULT_LIMIT, 1), MOST)
    offset, total = _number(request, "offset", 0, 0), rows.count()
    found = [show(row) for row in rows[offset : offset + limit]]
    others = {key: value for key, value in request.query_params.items() if key not in ("limit", "offset")}

    def link(start: int) -> str:
        return f"{path}?{urlencode({**others, 'limit': limit, 'offset': start})}"

    following = link(offset + limit) if offset + limit < total else ""
    previous = link(max(offset - limit, 0)) if offset else ""
    pagination = {"offset": offset, "limit": limit, "total": total, "next": following, "previous": previous}
    return Response(
        {"count": len(found), "next": following, "previous": previous, name: found, "pagination": pagination}
    )


def _number(request: Request, name: str, default: int, least: int) -> int:
    value = request.query_params.get(name, "") or str(default)
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= least):
        raise wrong(name, f"{value[:40]!r} is not a whole number from {least} on")
    return int(value)


def storable(value: str, place: str) -> str:
    """`value`, if a database keeps it: no NUL, no half of a surrogate pair. Raises Invalid."""
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise wrong(place, "holds a NUL or half a surrogate pair")
    return value


def identifier(text: str, what: str) -> UUID:
    """The id in an address. Raises NotFound: something else is nobody's id."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no {what} {text!r}.") from error


def as_object(value: Any, path: str) -> dict[str, Any]:
    """A JSON object. Raises Invalid naming its place."""
    if not isinstance(value, dict):
        raise wrong(path, "must be an object")
    return dict(value.items())


def as_list(value: Any, path: str) -> list[Any]:
    """A JSON list, empty for null. Raises Invalid naming its place."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(path, "must be a list")
    return value


def text(body: dict[str, Any], name: str, path: str = "", default: str | None = None) -> str:
    """The string in a field; without `default` it must be there and not empty. Raises Invalid naming its place."""
    place = f"{path}.{name}" if path else name
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise wrong(place, "is required" if value in (None, "") else "must be a text")
    return storable(value, place)


def strings(body: dict[str, Any], name: str, path: str = "", most: int = 1000) -> list[str]:
    """The list of strings in a field, empty when absent. Raises Invalid naming its place."""
    place = f"{path}.{name}" if path else name
    value = as_list(body.get(name), place)
    if len(value) > most or not all(isinstance(one, str) for one in value):
        raise wrong(place, f"must be a list of at most {most} texts")
    return [storable(one, place) for one in value]


def whole(body: dict[str, Any], name: str, path: str = "", default: int | None = None) -> int:
    """The whole number in a field. Raises Invalid naming its place."""
    place = f"{path}.{name}" if path else name
    value = body.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not -(10**15) <= value <= 10**15:
        raise wrong(place, "is required" if value is None else "must be a whole number")
    return value


def flag(body: dict[str, Any], name: str, path: str = "", default: bool = False) -> bool:
    """True or false in a field. Raises Invalid naming its place."""
    value = body.get(name, default)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise wrong(f"{path}.{name}" if path else name, "must be true or false")
    return value


def choice(body: dict[str, Any], name: str, allowed: Sequence[str], path: str = "", default: str | None = None) -> str:
    """One of `allowed` in a field, capitals or not. Raises Invalid naming them."""
    value = text(body, name, path, default)
    found = next((one for one in allowed if one.lower() == value.lower()), None)
    if found is None:
        raise wrong(f"{path}.{name}" if path else name, f"{value!r} is not one of {', '.join(allowed)}")
    return found


def wrong(path: str, reason: str) -> Invalid:
    """The mistake in one field."""
    return Invalid(f"{path}: {reason}.", [FieldError(path, reason)])


@contextmanager
def named(rename: Callable[[str], str]) -> Iterator[None]:
    """Errors of the actions name the fields of the contract."""
    try:
        yield
    except Invalid as error:
        fields = [FieldError(rename(one.field), one.message) for one in error.fields]
        raise Invalid(error.description, fields) from error
