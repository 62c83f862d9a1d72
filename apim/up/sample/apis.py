"""The two experience APIs: designed by the creator, deployed and published by the publisher."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from django.conf import settings

from apim.accounts.models import Organisation, User
from apim.up.trouble import Trouble
from catalog.models import Service
from publisher.actions.definitions import import_openapi
from publisher.actions.deployments import deploy_revision
from publisher.actions.lifecycle import change_state
from publisher.actions.revisions import create_revision
from publisher.actions.services import create_from_service
from publisher.models import Api, State
from publisher.seeds import DEFAULT_ENVIRONMENT

log = structlog.get_logger(__name__)
HERE = Path(__file__).resolve().parent
SERVICE = "order"
ORDER, PIZZA = "OrderAPI", "PizzaShackAPI"
PLANS = ("Bronze", "Gold", "Unlimited")
REGISTRATION = 60.0
"""Seconds in which the integrator has to register its services."""


def ensure_apis(organisation: Organisation, creator: User, publisher: User) -> list[Api]:
    """Both APIs, published and running in the default environment."""
    made = [_order(organisation, creator), _pizza(organisation, creator)]
    return [_publish(api, publisher) for api in made]


def _order(organisation: Organisation, creator: User) -> Api:
    found = Api.objects.filter(organisation=organisation, name=ORDER).first()
    if found is not None:
        return found
    service = _service(organisation)
    log.info("sample.api_from_service", api=ORDER, service=str(service), endpoint=service.url)
    return create_from_service(by=creator, service=service, name=ORDER, context="/order", version="1.0.0", plans=PLANS)


def _pizza(organisation: Organisation, creator: User) -> Api:
    found = Api.objects.filter(organisation=organisation, name=PIZZA).first()
    if found is not None:
        return found
    log.info("sample.api_from_openapi", api=PIZZA)
    text = (HERE / "pizzashack.yaml").read_text()
    endpoint = f"{settings.APIM.integrator}/pizzashack"
    return import_openapi(by=creator, text=text, name=PIZZA, context="/pizzashack", endpoint=endpoint, plans=PLANS)


def _service(organisation: Organisation) -> Service:
    """The integrator's `order`, as soon as it is registered."""
    deadline = time.monotonic() + REGISTRATION
    while True:
        found = Service.objects.filter(organisation=organisation, name=SERVICE).first()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise Trouble(
                f"The integrator did not register the service {SERVICE!r} within {REGISTRATION:g} s; see its log."
            )
        time.sleep(0.2)


def _publish(api: Api, publisher: User) -> Api:
    if not api.deployments.exists():
        revision = api.revisions.first() or create_revision(
            by=publisher, api=api, description="First revision of the sample"
        )
        deploy_revision(by=publisher, revision=revision, environments=[DEFAULT_ENVIRONMENT])
    if api.state == State.CREATED:
        log.info("sample.publish", api=str(api))
        return change_state(by=publisher, api=api, action="Publish")
    return api
