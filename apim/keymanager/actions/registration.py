"""Registers clients that call the platform's own REST APIs in a user's name."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apim.accounts.models import User
from apim.errors import FieldError, Forbidden, Invalid
from apim.keymanager.actions.clients import create_client
from apim.keymanager.grants import MANAGEMENT_GRANTS
from apim.keymanager.models import OAuthClient

KEPT = 10
"""Clients of one name that an owner keeps. Secrets are stored as hashes, so registering again makes a new client."""


@transaction.atomic
def register_client(
    *, by: User, name: str, grant_types: Sequence[str], owner: str = "", callback_url: str = ""
) -> tuple[OAuthClient, str]:
    """A client for the management REST APIs and its secret; the oldest of the same name goes when there are KEPT.

    Grants that we do not know are left out, as WSO2's clients always ask for all of theirs.
    Raises Forbidden for another `owner` than `by`, Invalid naming the field.
    """
    if owner and owner not in (by.get_username(), f"{by.get_username()}@{by.organisation.domain}"):
        raise Forbidden(f"{by.get_username()} cannot register a client for {owner}.")
    grants = [grant for grant in dict.fromkeys(grant_types) if grant in MANAGEMENT_GRANTS]
    if not grants:
        raise Invalid(
            "No such grant.",
            [FieldError("grantType", f"none of {' '.join(grant_types)!r} is in: {' '.join(MANAGEMENT_GRANTS)}")],
        )
    if "authorization_code" in grants and not callback_url:
        grants.remove("authorization_code")
    _make_room(by, name)
    return create_client(
        by=by,
        organisation=by.organisation,
        name=name,
        grant_types=grants,
        callback_url=callback_url if "authorization_code" in grants else "",
        management=True,
    )


def _make_room(by: User, name: str) -> None:
    mine = OAuthClient.objects.filter(user=by, name=name, registration_source=OAuthClient.RegistrationSource.DCR)
    surplus = mine.order_by("-created").values_list("pk", flat=True)[KEPT - 1 :]
    OAuthClient.objects.filter(pk__in=list(surplus)).delete()
