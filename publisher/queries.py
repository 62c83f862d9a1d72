"""What others may read: the portal's visible APIs, the publisher's own list, and what gateways make of an API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.accounts.roles import PUBLISHER_ROLES
from apim.errors import NotFound
from apim.eventhub.models import Current
from apim.eventhub.queries import Gateway, environment_status
from apim.traffic.models import Level, Policy
from publisher import records
from publisher.models import (
    Api,
    ClientCertificate,
    Deployment,
    GatewayEnvironment,
    OperationPolicy,
    Revision,
    State,
    Visibility,
)

PORTAL_STATES = (State.PUBLISHED, State.PROTOTYPED)
SORTS = {"name": "name", "version": "version", "createdTime": "created", "status": "state", "updatedTime": "updated"}
"""Sort keys of the REST contract → columns."""
_QUERY_FIELDS = {
    "name": "name",
    "version": "version",
    "context": "context",
    "status": "state",
    "provider": "provider__username",
}


def apis(by: User) -> QuerySet[Api]:
    """Every API of the user's organisation that its access control shows them. Raises Forbidden without a publisher role."""
    require(by, *PUBLISHER_ROLES)
    found = Api.objects.filter(organisation=by.organisation_id).select_related("organisation", "provider", "service")
    return found if by.has_role() else _accessible(found, by)


def _accessible(found: QuerySet[Api], by: User) -> QuerySet[Api]:
    """Those that access control leaves to `by`. Roles are a JSON list, which SQLite cannot look into."""
    roles = [json.dumps(name, ensure_ascii=plain) for name in by.role_names for plain in (True, False)]
    mine = Q(access_roles=[]) | Q(provider=by)
    return found.alias(access_text=Cast("access_roles", TextField())).filter(
        Q(*(("access_text__contains", role) for role in dict.fromkeys(roles)), _connector=Q.OR) | mine
    )


def listed(by: User) -> QuerySet[Api]:
    """The same for lists: without the definitions, which are long."""
    return apis(by).select_related(None).select_related("organisation", "provider").defer("definition")


def api(by: User, identifier: uuid.UUID | str) -> Api:
    """One API of the user's organisation. Raises NotFound."""
    return _one(apis(by), identifier, "API")


def revision(by: User, of: Api, identifier: uuid.UUID | str) -> Revision:
    """One revision of an API that was read by `api`. Raises NotFound."""
    return _one(of.revisions.select_related("api__organisation"), identifier, "revision")


def environments(organisation: Organisation) -> QuerySet[GatewayEnvironment]:
    """Where the organisation's APIs can be deployed."""
    return GatewayEnvironment.objects.filter(organisation=organisation)


def tagged(found: QuerySet[Api], tag: str) -> QuerySet[Api]:
    """Those with exactly the tag `tag`."""
    return found.alias(tags_text=Cast("tags", TextField())).filter(tags_text__icontains=json.dumps(tag))


def search(found: QuerySet[Api], query: str) -> QuerySet[Api]:
    """Narrow by words (name, context, version, tags, description) and `name:`, `status:`, `tag:` … terms, all of them needed."""
    found = found.alias(tags_text=Cast("tags", TextField()))
    for term in query.replace("\x00", "").split()[:20]:
        field, colon, value = term.partition(":")
        if colon and field.lower() == "tag":
            found = found.filter(tags_text__icontains=value)
        elif colon and field.lower() in _QUERY_FIELDS:
            found = found.filter(**{f"{_QUERY_FIELDS[field.lower()]}__icontains": value})
        else:
            found = found.filter(_anywhere(term))
    return found


def _anywhere(word: str) -> Q:
    columns = ("name", "context", "version", "description", "tags_text")
    return Q(*((f"{column}__icontains", word) for column in columns), _connector=Q.OR)


def visible_apis(
    user: User | AnonymousUser, organisation: Organisation, *, subscribed: Iterable[uuid.UUID | str] = ()
) -> QuerySet[Api]:
    """What the portal of `organisation` may show `user`: published and pre-released APIs that are visible to them.

    `subscribed` are ids of APIs the user has subscriptions to; those stay visible when deprecated.
    """
    states = Q(state__in=PORTAL_STATES) | Q(state=State.DEPRECATED, pk__in=list(subscribed))
    of_organisation = Api.objects.filter(organisation=organisation)
    found = of_organisation.filter(states).select_related("organisation", "provider")
    if not user.is_authenticated or user.organisation_id != organisation.pk:
        return found.filter(visibility=Visibility.PUBLIC)
    return found.filter(~Q(visibility=Visibility.RESTRICTED) | Q(pk__in=_open_to(user, of_organisation)))


def _open_to(user: User, of_organisation: QuerySet[Api]) -> list[uuid.UUID]:
    # Roles are a JSON list, which SQLite cannot look into.
    restricted = of_organisation.filter(visibility=Visibility.RESTRICTED).values_list("pk", "visible_roles")
    return [pk for pk, roles in restricted if user.has_role(*roles)]


def uses_of_policy(policy: Policy, most: int = 20) -> Iterator[str]:
    """APIs that would miss `policy`, as descriptions for people; at most `most`."""
    found = Api.objects.filter(organisation=policy.organisation)
    if policy.level == Level.SUBSCRIPTION:
        used = found.filter(plans=policy)
    elif policy.level == Level.API:
        used = found.filter(Q(policy=policy.name) | Q(operations__policy=policy.name)).distinct()
    else:
        used = found.none()
    yield from (f"API {row}" for row in used.only("name", "version")[:most])
    if policy.level == Level.SUBSCRIPTION:
        held = ClientCertificate.objects.filter(api__organisation=policy.organisation, tier=policy.name)
        yield from (f"client certificate {row} of API {row.api}" for row in held.select_related("api")[:most])


@dataclass(frozen=True)
class GatewayView:
    """One gateway worker seen from one deployment: whether it runs exactly this, and why not."""

    gateway: Gateway
    current: bool
    refusal: str = ""


def gateway_views(deployments: Iterable[Deployment]) -> dict[str, list[GatewayView]]:
    """Environment name → its live gateways, seen from the deployment there. Two queries whatever the number."""
    deployments = list(deployments)
    keys = {records.key(row.api, row.environment): row.environment.name for row in deployments}
    current = dict(Current.objects.filter(kind="api", key__in=keys).values_list("key", "sequence"))
    gateways = [gateway for gateway in environment_status() if not gateway.gone] if keys else []
    return {
        name: [_seen(gateway, key, current.get(key, 0)) for gateway in gateways if gateway.environment == name]
        for key, name in keys.items()
    }


def _seen(gateway: Gateway, key: str, sequence: int) -> GatewayView:
    refused = next((str(r.get("reason", "")) for r in gateway.refusals if r.get("key") == key), "")
    return GatewayView(replace(gateway), gateway.sequence >= sequence and not refused, refused)


def policies(by: User) -> QuerySet[OperationPolicy]:
    """The common operation policies of the user's organisation."""
    require(by, *PUBLISHER_ROLES)
    return OperationPolicy.objects.filter(organisation=by.organisation_id, api=None)


def policy(by: User, identifier: uuid.UUID | str, of: Api | None = None) -> OperationPolicy:
    """One common policy, or one of the API `of`. Raises NotFound."""
    require(by, *PUBLISHER_ROLES)
    found = OperationPolicy.objects.filter(organisation=by.organisation_id, api=of)
    return _one(found.select_related("organisation", "api"), identifier, "policy")


def _one(found: QuerySet[Any], identifier: uuid.UUID | str, what: str) -> Any:
    try:
        row = found.filter(pk=uuid.UUID(str(identifier))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(f"There is no {what} {str(identifier)[:80]}.")
    return row
