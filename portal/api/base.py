"""What every resource of the portal's REST API shares: the tenant asked for, paging, entity tags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.db.models import QuerySet
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.accounts.models import Organisation
from apim.errors import FieldError, Invalid, NotFound, PreconditionFailed
from portal.picked import Picked
from publisher.checks.basics import storable

DEFAULT_LIMIT = 25
MOST = 1000
"""Most entries in one answer; larger limits are cut to it."""


class OpenView(APIView):
    """A resource that answers without log-in; a given credential is still checked."""

    permission_classes = (AllowAny,)


def tenant(request: Request) -> Organisation:
    """The organisation whose portal is asked: the one in the header `X-WSO2-Tenant`, else the user's, else the address's.

    Of another organisation than their own people see what is public there.

    Raises NotFound for an organisation that does not exist.
    """
    domain = kept("X-WSO2-Tenant", request.headers.get("X-WSO2-Tenant", "").strip())
    if request.user.is_authenticated and domain in ("", request.user.organisation.domain):
        return request.user.organisation
    if not domain:
        return _existing(request.organisation)
    return _existing(Organisation.objects.filter(domain=domain, active=True).first())


def page(
    request: Request,
    rows: QuerySet[Any] | Sequence[Any],
    build: Callable[[Any], Any],
    path: str,
    *,
    together: bool = False,
) -> Response:
    """The part of `rows` that `limit` and `offset` ask for, in the list form of the contracts.

    `build` makes an entry of a row; with `together` all entries of the list of rows.
    """
    limit = min(number(request, "limit", DEFAULT_LIMIT, least=1), MOST)
    offset = number(request, "offset", 0)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    if isinstance(rows, QuerySet):
        rows = Picked(rows)
    part = rows[offset : offset + limit]
    found = build(list(part)) if together else [build(row) for row in part]
    rest = {name: value for name, value in request.query_params.items() if name not in ("limit", "offset")}

    def link(start: int) -> str:
        return f"{path}?{urlencode({'limit': limit, 'offset': start, **rest})}"

    pagination = {
        "offset": offset,
        "limit": limit,
        "total": total,
        "next": link(offset + limit) if offset + limit < total else "",
        "previous": link(max(offset - limit, 0)) if offset else "",
    }
    return Response({"count": len(found), "list": found, "pagination": pagination})


def number(request: Request, name: str, default: int, least: int = 0) -> int:
    """The whole number in query parameter `name`. Raises Invalid naming it."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise Invalid("A number is wrong.", [FieldError(name, f"{text!r} is not a whole number of at least {least}")])
    return int(text)


def tagged(request: Request, body: dict[str, Any], status: int = 200, **headers: str) -> Response:
    """`body` with its entity tag; 304 without body when the caller has it already."""
    tag = entity_tag(body)
    if request.method == "GET" and tag in _tags(request.headers.get("If-None-Match", "")):
        return Response(status=304, headers={"ETag": tag})
    return Response(body, status=status, headers={"ETag": tag, **headers})


def has(request: Request, tag: str) -> bool:
    """Whether the caller has the version `tag` already and asks only for another."""
    return tag in _tags(request.headers.get("If-None-Match", ""))


def accepted(location: str) -> Response:
    """202 with WorkflowResponse: somebody must approve it first."""
    return Response({"workflowStatus": "CREATED", "jsonPayload": ""}, status=202, headers={"Location": location})


def unchanged(request: Request, body: dict[str, Any]) -> None:
    """Go on only when `If-Match` (if given) names the entity as it is. Raises PreconditionFailed."""
    given = _tags(request.headers.get("If-Match", ""))
    if given and "*" not in given and entity_tag(body) not in given:
        raise PreconditionFailed("It has been changed since you read it: read it again.")


def entity_tag(body: dict[str, Any]) -> str:
    """A strong entity tag of what a GET answers."""
    return f'"{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:24]}"'


def payload(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises Invalid when it is something else."""
    if not isinstance(request.data, dict):
        raise Invalid("The body must be a JSON object.", [FieldError("body", "send an object")])
    return request.data


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """The string in field `name`; without `default` it must be there. Raises Invalid naming it."""
    value = body.get(name, default)
    if value is None and default is not None:
        value = default
    if not isinstance(value, str):
        problem = "is required" if value is None else f"{value!r} is not a string"
        raise Invalid("A field is wrong.", [FieldError(name, problem)])
    return kept(name, value)


def strings(body: dict[str, Any], name: str, required: bool = False) -> list[str]:
    """The list of strings in field `name`, empty when absent. Raises Invalid naming it."""
    value = body.get(name)
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid("A field is wrong.", [FieldError(name, "must be a list of strings")])
    return [kept(name, one) for one in value]


def asked(request: Request, name: str) -> str:
    """The query parameter `name`, empty when absent. Raises Invalid when no database could look for it."""
    return kept(name, request.query_params.get(name, ""))


def kept(name: str, value: str) -> str:
    """`value`, if a database can keep it: no NUL, no half of a surrogate pair. Raises Invalid naming the field."""
    if not storable(value):
        raise Invalid("A field is wrong.", [FieldError(name, "holds a NUL or half a surrogate pair")])
    return value


@contextmanager
def field_names(names: dict[str, str]) -> Iterator[None]:
    """Errors of a floor below name the fields of this request: `names` maps theirs to ours."""
    try:
        yield
    except Invalid as error:
        fields = [FieldError(names.get(wrong.field, wrong.field), wrong.message) for wrong in error.fields]
        raise Invalid(error.description, fields) from error


def _existing(organisation: Organisation | None) -> Organisation:
    if organisation is None:
        raise NotFound("There is no such organisation.")
    return organisation


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",") if part.strip()}
