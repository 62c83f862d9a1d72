"""What the resources share: who may, checked input, names of fields in errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid, NotFound

SEE, MANAGE = ("apim:admin", "apim:tier_view"), ("apim:admin", "apim:tier_manage")
TRANSFER = (*MANAGE, "apim:policies_import_export")
SEE_DENIALS, MANAGE_DENIALS = ("apim:admin", "apim:bl_view"), ("apim:admin", "apim:bl_manage")


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
    """A resource for administrators. `see` and `manage` are the scopes that open reading and writing."""

    permission_classes = (AdminScope,)
    see: tuple[str, ...] = SEE
    manage: tuple[str, ...] = MANAGE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Administrators only. Raises Forbidden."""
        super().initial(request, *args, **kwargs)
        require(request.user)

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Raises Invalid."""
        return as_object(self.request.data, "body")


def listing(rows: Iterable[Any], show: Callable[[Any], dict[str, Any]]) -> Response:
    """All rows in the list form of the contract."""
    found = [show(row) for row in rows]
    return Response({"count": len(found), "list": found})


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
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise wrong(place, "holds a NUL or half a surrogate pair")
    return value


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
