"""Reads of scopes: the shared ones with how many APIs ask for them, and whether a name is in use at all."""

from __future__ import annotations

import json
import uuid

from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast

from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.accounts.roles import PUBLISHER_ROLES
from apim.errors import NotFound
from publisher.models import Operation, SharedScope


def shared_scopes(by: User) -> QuerySet[SharedScope]:
    """Those of the user's organisation, each with `uses`. Raises Forbidden without a role of the publisher."""
    require(by, *PUBLISHER_ROLES)
    return SharedScope.objects.filter(organisation=by.organisation_id).annotate(uses=Count("apis"))


def shared_scope(by: User, identifier: uuid.UUID | str) -> SharedScope:
    """One of them. Raises NotFound."""
    try:
        found = shared_scopes(by).select_related("organisation").filter(pk=uuid.UUID(str(identifier))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"There is no shared scope {str(identifier)[:80]}.")
    return found


def operations_asking(organisation: Organisation, name: str) -> QuerySet[Operation]:
    """Operations of the organisation's APIs that ask for the scope `name`, with their APIs."""
    # Scopes are a JSON list, which SQLite cannot look into; databases differ in how they write what is beyond ASCII.
    found = Operation.objects.filter(api__organisation=organisation).alias(text=Cast("scopes", TextField()))
    plain, escaped = json.dumps(name, ensure_ascii=False), json.dumps(name)
    return found.filter(Q(text__contains=plain) | Q(text__contains=escaped)).select_related("api")


def exists(organisation: Organisation, name: str) -> bool:
    """Whether `name` is a shared scope, or one that an operation asks for."""
    shared = SharedScope.objects.filter(organisation=organisation, name=name)
    return shared.exists() or operations_asking(organisation, name).exists()
