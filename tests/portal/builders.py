"""Valid rows for the portal's tests, one field overridden where a test cares."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from apim.accounts.models import Organisation, User
from apim.eventhub.models import Current
from apim.traffic.models import Level, Policy
from portal.actions.applications import create_application
from portal.actions.keys import generate_keys
from portal.actions.subscriptions import subscribe
from portal.models import Application, ApplicationKey, Subscription
from publisher.models import Api, Deployment, GatewayEnvironment, Operation, Revision, State
from publisher.snapshots import take
from tests.support.people import PASSWORD, make_user

_numbers = itertools.count(1)
DEFINITION = {
    "openapi": "3.0.1",
    "info": {"title": "Backend title", "version": "9"},
    "servers": [{"url": "https://backend.internal:9999/secret"}],
    "paths": {
        "/menu": {"get": {"operationId": "menu", "responses": {"200": {"description": "OK"}}}},
        "/order": {"post": {"security": [{"backend_key": []}], "responses": {"201": {"description": "Created"}}}},
    },
    "components": {"securitySchemes": {"backend_key": {"type": "apiKey", "in": "header", "name": "X-Backend"}}},
}


def make_api(
    organisation: Organisation, name: str = "", *, plans: Iterable[str] = ("Gold", "Bronze"), **fields: Any
) -> Api:
    """A published API with two operations, deployed to the organisation's environment."""
    provider = fields.pop("provider", None) or make_user(organisation, "Internal/creator", "Internal/publisher")
    name = name or f"Pizza{next(_numbers)}"
    values = {
        "version": "1.0",
        "context": f"/{name.lower()}",
        "state": State.PUBLISHED,
        "description": f"What {name} does.",
        "definition": json.dumps(DEFINITION),
        **fields,
    }
    api = Api.objects.create(organisation=organisation, name=name, provider=provider, **values)
    api.plans.set(Policy.objects.filter(organisation=organisation, level=Level.SUBSCRIPTION, name__in=list(plans)))
    Operation.objects.create(api=api, position=1, verb="GET", target="/menu")
    Operation.objects.create(api=api, position=2, verb="POST", target="/order", scopes=["order"])
    deploy(api)
    return api


def deploy(api: Api) -> Deployment:
    """A revision of `api` in its organisation's Default environment."""
    environment = GatewayEnvironment.objects.get(organisation=api.organisation, name="Default")
    revision = Revision.objects.create(api=api, number=1, snapshot=take(api), created_by=api.provider.username)
    return Deployment.objects.create(api=api, revision=revision, environment=environment)


def make_application(owner: User, name: str = "", **fields: Any) -> Application:
    """An application of `owner`."""
    return create_application(by=owner, name=name or f"App {next(_numbers)}", **fields)


def make_key(application: Application, key_type: str = "PRODUCTION") -> ApplicationKey:
    """Its keys."""
    key, _ = generate_keys(
        by=application.owner, application=application, key_type=key_type, grant_types=["client_credentials"]
    )
    return key


def make_subscription(application: Application, api: Api, plan: str = "Gold") -> Subscription:
    """Its subscription."""
    return subscribe(by=application.owner, application=application, api=api, plan=plan)


def browser(user: User | None = None) -> Client:
    """A browser, logged in as `user`."""
    client = Client(headers={"accept": "text/html"})
    if user is not None:
        client.force_login(user)
    return client


def rest(user: User | None = None) -> APIClient:
    """A REST client in the name of `user`. `basic` logs in as real clients do, which costs a password hash each time."""
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client


def basic(user: User) -> APIClient:
    """A REST client that shows its password with every request."""
    client = APIClient()
    token = base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()
    client.credentials(HTTP_AUTHORIZATION=f"Basic {token}")
    return client


def current(kind: str, key: object) -> dict[str, Any] | None:
    """What gateways know of (kind, key), or None."""
    row = Current.objects.filter(kind=kind, key=str(key)).first()
    return json.loads(row.record) if row else None
