"""Lists ask the database as often for fifty rows as for five."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apim.traffic.models import Policy
from publisher.actions.client_certificates import add_certificate
from publisher.actions.endpoint_certificates import add_certificate as add_backend
from publisher.actions.products import create_product
from publisher.models import Api, EndpointCertificate, LifecycleEvent, Operation, OperationPolicy
from tests.publisher.make import make_api, plan
from tests.support.client_certificate import make_client_certificate


def fill(by: Any, first: int, count: int) -> None:
    """More of everything that is listed."""
    organisation = by.organisation
    rows = [
        Api(organisation=organisation, provider=by, name=f"N{n}", version="1", context=f"/n{n}", kind=kind, tags=["t"])
        for n in range(first, first + count)
        for kind in ("HTTP",)
    ]
    products = [
        Api(organisation=organisation, provider=by, name=f"P{n}", version="1", context=f"/p{n}", kind="PRODUCT")
        for n in range(first, first + count)
    ]
    Api.objects.bulk_create([*rows, *products])
    gold = Policy.objects.get(organisation=organisation, level="subscription", name="Gold")
    through = Api.plans.through
    through.objects.bulk_create([through(api_id=row.pk, policy_id=gold.pk) for row in rows])
    OperationPolicy.objects.bulk_create(
        OperationPolicy(organisation=organisation, name=f"p{n}", specification={"name": f"p{n}", "version": "v1"})
        for n in range(first, first + count)
    )
    known = EndpointCertificate.objects.first()
    EndpointCertificate.objects.bulk_create(
        EndpointCertificate(
            organisation=organisation, alias=f"c{n}", endpoint="https://backend.example", pem=known.pem, subject="s",
            serial="1", not_before=known.not_before, not_after=known.not_after,
        )
        for n in range(first, first + count)
    )  # fmt: skip
    one = Api.objects.get(name="One")
    LifecycleEvent.objects.bulk_create(LifecycleEvent(api=one, after="CREATED", user="u") for _ in range(count))
    Operation.objects.bulk_create(
        Operation(api=one, verb="GET", target=f"/{n}", position=n) for n in range(first, first + count)
    )


PATHS = (
    "/apis?limit=100",
    "/apis?limit=100&query=tag:t name:N",
    "/apis?limit=100&sortBy=name&sortOrder=asc",
    "/api-products?limit=100",
    "/search?query=N&limit=100",
    "/operation-policies?limit=100",
    "/endpoint-certificates?limit=100",
    "/endpoint-certificates/backend/usage?limit=100",
    "/apis/{one}/lifecycle-history",
    "/apis/{one}/resource-paths?limit=100",
    "/apis/{one}/client-certificates?limit=100",
    "/apis/{one}",
    "/api-products/{product}",
)


@pytest.fixture
def things(publisher_user, tmp_path) -> dict[str, str]:
    plan(publisher_user.organisation)
    one = make_api(publisher_user, name="One")
    pem = make_client_certificate(tmp_path, "alice").pem.encode()
    add_certificate(by=publisher_user, api=one, alias="alice", content=pem, tier="Gold")
    add_backend(by=publisher_user, alias="backend", endpoint="https://backend.example:8080", content=pem)
    resources = [{"api": str(one.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    product = create_product(by=publisher_user, name="Bundle", context="/bundle", version="1", resources=resources)
    return {"one": str(one.pk), "product": str(product.pk)}


@pytest.mark.parametrize("path", PATHS)
def test_fifty_rows_cost_as_many_queries_as_five(publisher_user, rest, things, path) -> None:
    client = rest(publisher_user)
    counts = []
    for first, count in ((0, 5), (5, 45)):
        fill(publisher_user, first, count)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = client.call("get", path.format(**things))
        assert answer.status_code == 200, answer.content
        counts.append(len(asked))
    assert counts[0] == counts[1], [one["sql"][:200] for one in asked.captured_queries]
