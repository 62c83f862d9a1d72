"""The process of `benchmarks.lists`: a scratch database with so many rows, asked through the real views."""

from __future__ import annotations

import json
import os
import sys
import time
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - after setup
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from apim.accounts import hooks  # noqa: E402
from apim.accounts.models import Organisation, User  # noqa: E402
from apim.traffic.models import Level, Policy  # noqa: E402
from portal.models import Application, Subscription  # noqa: E402
from publisher.models import Api, Deployment, GatewayEnvironment, Operation, Revision, State  # noqa: E402

DEFINITION = json.dumps(
    {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {}, "x-padding": "x" * 8000}
)
LISTS = {
    "publisher_apis": "/api/am/publisher/v4/apis?limit=25",
    "publisher_apis_far": "/api/am/publisher/v4/apis?limit=25&offset=4000",
    "publisher_search": "/api/am/publisher/v4/search?query=api4&limit=25",
    "publisher_subscriptions": "/api/am/publisher/v4/subscriptions?limit=25",
    "portal_apis": "/api/am/devportal/v3/apis?limit=25",
    "portal_apis_far": "/api/am/devportal/v3/apis?limit=25&offset=4000",
    "portal_search": "/api/am/devportal/v3/search?query=api4&limit=25",
    "portal_applications": "/api/am/devportal/v3/applications?limit=25",
    "portal_subscriptions": "/api/am/devportal/v3/subscriptions?applicationId={application}&limit=25",
    "admin_applications": "/api/am/admin/v4/applications?limit=25",
    "catalogue_page": "/devportal/",
    "publisher_page": "/publisher/",
}


def fill(rows: int) -> tuple[User, Application]:
    """An administrator with so many APIs, applications, and subscriptions of one application."""
    organisation = Organisation.objects.get_or_create(domain="carbon.super", defaults={"display_name": "x"})[0]
    hooks.seed(organisation)
    user = User(username="someone", organisation=organisation, is_superuser=True, is_staff=True)
    user.set_unusable_password()
    user.save()
    plan = Policy.objects.filter(organisation=organisation, level=Level.SUBSCRIPTION).first()
    tier = Policy.objects.filter(organisation=organisation, level=Level.APPLICATION).first()
    environment = GatewayEnvironment.objects.get(organisation=organisation, name="Default")
    common = {"organisation": organisation, "provider": user, "state": State.PUBLISHED, "definition": DEFINITION}
    apis = Api.objects.bulk_create(
        [Api(name=f"Api{n}", context=f"/api{n}", version="1.0", **common) for n in range(rows)], batch_size=500
    )
    Api.plans.through.objects.bulk_create([Api.plans.through(api_id=api.pk, policy_id=plan.pk) for api in apis])
    Operation.objects.bulk_create([Operation(api=api, position=1, verb="GET", target="/*") for api in apis])
    revisions = Revision.objects.bulk_create(
        [Revision(api=api, number=1, snapshot={}, created_by=user.username) for api in apis], batch_size=500
    )
    Deployment.objects.bulk_create(
        [Deployment(api=one.api, revision=one, environment=environment) for one in revisions]
    )
    applications = Application.objects.bulk_create(
        [Application(organisation=organisation, owner=user, name=f"App{n}", policy=tier) for n in range(rows)]
    )
    Subscription.objects.bulk_create(
        [Subscription(organisation=organisation, api=api, application=applications[0], plan=plan) for api in apis],
        batch_size=500,
    )
    return user, applications[0]


def main() -> None:
    """Fill, ask, and write milliseconds by list as one line of JSON."""
    rows, rounds = int(sys.argv[1]), int(sys.argv[2])
    setup_test_environment()
    call_command("migrate", verbosity=0)
    user, application = fill(rows)
    client = Client()
    client.force_login(user)
    found: dict[str, float] = {}
    for name, address in LISTS.items():
        path = address.format(application=application.pk)
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        found[name] = median(_milliseconds(client, path) for _ in range(rounds))
    sys.stdout.write(json.dumps(found) + "\n")


def _milliseconds(client: Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
