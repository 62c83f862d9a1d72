"""The caller's mistakes, as values: one class, one wire form (`code, message, description, moreInfo, error[]`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One wrong field: where it is (`endpointConfig.production_endpoints.url`) and what is allowed there."""

    field: str
    message: str


class ApimError(Exception):
    """A request that cannot be carried out. Subclasses set `status`, `code` and `message`.

    `description` is for the caller's eyes: it names the value and what is allowed, never internals.
    """

    status = 400
    code = 900400
    message = "Bad Request"

    def __init__(self, description: str = "", fields: Iterable[FieldError] = ()) -> None:
        super().__init__(description or self.message)
        self.description = description or self.message
        self.fields = tuple(fields)

    def body(self) -> dict[str, object]:
        """The error object of the REST contracts."""
        return {
            "code": self.code,
            "message": self.message,
            "description": self.description,
            "moreInfo": "",
            "error": [{"code": self.code, "message": f"{f.field}: {f.message}", "field": f.field} for f in self.fields],
        }


class Invalid(ApimError):
    """A value is wrong; say which one in `fields`."""


class Unauthenticated(ApimError):
    """Nobody is logged in, or the token is not valid."""

    status, code, message = 401, 900401, "Unauthorized"


class Forbidden(ApimError):
    """The user is known but may not do this."""

    status, code, message = 403, 900403, "Forbidden"


class NotFound(ApimError):
    """There is no such thing, or the user may not know of it."""

    status, code, message = 404, 900404, "Not Found"


class Conflict(ApimError):
    """It exists already, or its state does not allow the step."""

    status, code, message = 409, 900409, "Conflict"


class PreconditionFailed(ApimError):
    """Somebody changed it since the caller read it (ETag)."""

    status, code, message = 412, 900412, "Precondition Failed"
