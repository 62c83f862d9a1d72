"""Renders every error of a REST resource in the form of the contracts. Apart from `rest`, which DRF's views import."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apim.accounts.database_errors import as_mistake
from apim.errors import ApimError, FieldError, Forbidden, Invalid, NotFound, Unauthenticated


def error_response(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: every error leaves in the form of the REST contracts."""
    standard = exception_handler(exception, context)
    exception = as_mistake(exception) or exception
    if isinstance(exception, ApimError):
        return Response(exception.body(), status=exception.status)
    if standard is None:
        return None
    headers = {
        name: value for name, value in standard.items() if name.lower() in ("www-authenticate", "retry-after", "allow")
    }
    return Response(_translate(exception, standard).body(), status=standard.status_code, headers=headers)


def _translate(exception: Exception, standard: Response) -> ApimError:
    if isinstance(exception, exceptions.ValidationError):
        return Invalid("Some fields are not valid.", _fields(exception.detail))
    description = str(getattr(exception, "detail", exception))
    for kind in (Unauthenticated, Forbidden, NotFound):
        if standard.status_code == kind.status:
            return kind(description)
    error = Invalid(description)
    error.status, error.code = standard.status_code, 900000 + standard.status_code
    return error


def _fields(detail: Any, path: str = "") -> list[FieldError]:
    if isinstance(detail, dict):
        return [f for name, value in detail.items() for f in _fields(value, f"{path}.{name}" if path else str(name))]
    if isinstance(detail, list):
        return [f for value in detail for f in _fields(value, path)]
    return [FieldError(path or "body", str(detail))]
