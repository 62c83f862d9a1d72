"""APIs for tests: valid by default, with one field overridden."""

from __future__ import annotations

import itertools
from typing import Any

from apim.accounts.models import Organisation, User
from apim.traffic.models import Level, Policy
from catalog.models import Service
from publisher.actions.apis import create_api
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.models import Api, Revision

_numbers = itertools.count(1)
BACKEND = {"production": {"url": "http://backend.example:8080/base"}}


def plan(organisation: Organisation, name: str = "Gold", level: str = Level.SUBSCRIPTION) -> Policy:
    """The policy `name`, seeded or made."""
    found, _ = Policy.objects.get_or_create(organisation=organisation, level=level, name=name, defaults={"amount": 10})
    return found


def make_api(by: User, **fields: Any) -> Api:
    """An API with an endpoint and a plan."""
    number = next(_numbers)
    plan(by.organisation)
    usual = {
        "name": f"Api{number}",
        "context": f"/api{number}",
        "version": "1.0.0",
        "endpoints": BACKEND,
        "plans": ["Gold"],
    }
    return create_api(by=by, **{**usual, **fields})


def deploy(by: User, api: Api) -> Revision:
    """A new revision of `api`, deployed to the Default environment."""
    revision = create_revision(by=by, api=api)
    deploy_revision(by=by, revision=revision, environments=["Default"])
    return revision


def make_service(organisation: Organisation, definition: str, **fields: Any) -> Service:
    """A catalog entry."""
    number = next(_numbers)
    usual = {
        "key": f"service{number}-1.0.0",
        "name": f"service{number}",
        "version": "1.0.0",
        "url": f"http://integrator.example:8290/service{number}",
        "md5": "one",
    }
    return Service.objects.create(organisation=organisation, definition=definition, **{**usual, **fields})
