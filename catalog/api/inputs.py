"""Reads the query parameters and multipart parts of the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rest_framework.request import Request

from apim.errors import FieldError, Invalid
from catalog.archive import LARGEST_ARCHIVE, text_of
from catalog.documents import LARGEST
from catalog.metadata import ServiceMetadata, parse_metadata
from catalog.queries import SORT_FIELDS, Search

LONGEST_PAGE = 1000
LARGEST_OFFSET = 2**31


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    offset: int
    limit: int


def page(request: Request) -> Page:
    """`offset` and `limit` (25 unless told). Raises Invalid."""
    return Page(_number(request, "offset", 0, LARGEST_OFFSET), _number(request, "limit", 25, LONGEST_PAGE))


def search(request: Request) -> Search:
    """The filters and the order. Raises Invalid naming the parameter."""
    query = request.query_params
    sort = _choice(request, "sortBy", tuple(SORT_FIELDS))
    order = _choice(request, "sortOrder", ("asc", "desc"))
    keys = tuple(key for key in query.get("key", "").split(",") if key)
    for name in ("name", "version", "key"):
        if "\0" in query.get(name, ""):
            raise Invalid(f"{name} holds a NUL character.", [FieldError(name, "no NUL character")])
    return Search(
        query.get("name", ""),
        query.get("version", ""),
        query.get("definitionType", ""),
        keys[:500],
        sort,
        order == "desc",
    )


def flag(request: Request, name: str) -> bool:
    """A boolean query parameter, false when absent. Raises Invalid."""
    return _choice(request, name, ("false", "true")) == "true"


def metadata(request: Request) -> ServiceMetadata:
    """The part `serviceMetadata`, as a file or as a field. Raises Invalid."""
    text = _part(request, "serviceMetadata")
    if text is None:
        raise Invalid("The part serviceMetadata is required.", [FieldError("serviceMetadata", "required")])
    return parse_metadata(text, "serviceMetadata")


def definition(request: Request) -> str | None:
    """The part `definitionFile` or `inlineContent`, None when neither is there. Raises Invalid."""
    text = _part(request, "definitionFile")
    return _part(request, "inlineContent") if text is None else text


def archive(request: Request) -> bytes:
    """The zip in the part `file`. Raises Invalid when it is missing or too big."""
    upload = request.FILES.get("file")
    if upload is None:
        raise Invalid("The part file with a zip archive is required.", [FieldError("file", "required")])
    if upload.size > LARGEST_ARCHIVE:
        raise Invalid(f"file has {upload.size} bytes; at most {LARGEST_ARCHIVE} are allowed.")
    return upload.read()


def verifier(request: Request) -> dict[str, str]:
    """The part `verifier`, a JSON list of {key, md5}, as a map. Raises Invalid."""
    text = _part(request, "verifier")
    if not text or not text.strip():
        return {}
    try:
        rows = json.loads(text)
        if not isinstance(rows, list):
            raise TypeError("not a list")
        return {str(row["key"]): str(row["md5"]) for row in rows}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        message = "must be a JSON list of objects with key and md5"
        raise Invalid(f"verifier {message}.", [FieldError("verifier", message)]) from error


def _part(request: Request, name: str) -> str | None:
    upload = request.FILES.get(name)
    if upload is None:
        text = request.POST.get(name)
        return text_of(text.encode("utf-8", "replace"), name) if text is not None else None
    if upload.size > LARGEST:
        raise Invalid(f"{name} has {upload.size} bytes; at most {LARGEST} are allowed.")
    return text_of(upload.read(), name)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text[:20]) > most:
        message = f"a whole number from 0 to {most}"
        raise Invalid(f"{name} must be {message}, not {text[:100]!r}.", [FieldError(name, message)])
    return int(text)


def _choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    text = request.query_params.get(name, "") or allowed[0]
    if text not in allowed:
        message = f"one of {', '.join(allowed)}"
        raise Invalid(f"{name} must be {message}, not {text[:100]!r}.", [FieldError(name, message)])
    return text
