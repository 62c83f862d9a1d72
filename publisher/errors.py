"""The publisher's own refusals, with the codes that clients of the REST contract know."""

from __future__ import annotations

from apim.errors import ApimError, Conflict


class NoPlan(ApimError):
    """An API without business plan cannot be published (reference A2)."""

    code, message = 903224, "No business plan"


class NotDeployed(ApimError):
    """An API without deployed revision cannot be published (reference A2)."""

    code, message = 903225, "No deployed revision"


class BadDefinition(ApimError):
    """The text is not an OpenAPI definition that we can take; `fields` name the places."""

    code, message = 900754, "The OpenAPI definition is not valid"


class NoEndpoint(ApimError):
    """A revision without any endpoint cannot serve a call, so it is not deployed."""

    code, message = 903226, "No endpoint"


class TooManyRevisions(ApimError):
    """The API has as many revisions as it may have."""

    code, message = 903227, "Maximum number of revisions reached"


class RevisionDeployed(ApimError):
    """The revision runs in an environment."""

    code, message = 903228, "Revision is deployed"


class BadTransition(ApimError):
    """The life cycle knows no such step from the API's state."""

    code, message = 903229, "Life-cycle action not available"


class Taken(Conflict):
    """Name and version, or the context, belong to another API."""

    code, message = 900250, "The API already exists"


class InUse(Conflict):
    """Somebody still depends on the API."""

    code, message = 900251, "The API is in use"
