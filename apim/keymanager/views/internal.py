"""What gateways ask the key manager: whose user name and password these are. Only for the platform's own processes."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from apim.accounts.doors import PasswordNotEnough
from apim.accounts.models import Organisation, User
from apim.errors import Invalid
from apim.eventhub.views import cluster_only

LONGEST = 1024


class Question(msgspec.Struct, frozen=True):
    """A caller of an API of `organisation` says who it is. `address` is the caller's, for the lock against guessing."""

    organisation: str
    username: str
    password: str
    address: str = ""


@cluster_only
@require_POST
@sensitive_variables("question")
def people(request: HttpRequest) -> HttpResponse:
    """Whether the password is right, with the user's roles. The rules of every other log-in apply, locks included."""
    try:
        question = msgspec.json.decode(request.body, type=Question)
    except ValueError as error:
        raise Invalid(f"The body is no question: {error}") from error
    user = _known(question)
    found: dict[str, Any] = {"active": user is not None}
    if user is not None:
        found |= {"username": user.get_username(), "roles": sorted(user.role_names)}
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


@sensitive_variables("question")
def _known(question: Question) -> User | None:
    organisation = Organisation.objects.filter(domain=question.organisation, active=True).first()
    texts = question.username + question.password
    if organisation is None or "\x00" in texts or len(texts) > LONGEST:
        return None
    asked = HttpRequest()
    asked.tenant = organisation
    asked.META["REMOTE_ADDR"] = question.address[:64]
    try:
        user = authenticate(asked, username=question.username, password=question.password)
    except PasswordNotEnough:
        return None
    return user if isinstance(user, User) else None
