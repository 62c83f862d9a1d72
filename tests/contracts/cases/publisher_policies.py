"""Operation policies: the organisation's and those of one API."""

from __future__ import annotations

import json

from publisher.actions.policies import add_policy
from publisher.models import Api, OperationPolicy
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher.test_policies import DEFINITION, SPEC

FILES = {
    "policySpecFile": ("spec.json", json.dumps(SPEC).encode(), "application/json"),
    "synapsePolicyDefinitionFile": ("policy.j2", DEFINITION.encode(), "application/octet-stream"),
}


def policy(w: World, api: Api | None = None) -> OperationPolicy:
    return add_policy(by=w.user, spec=json.dumps(SPEC), definition=DEFINITION, api=api)


def place(w: World) -> str:
    api = w.api()
    return f"/apis/{api.pk}/operation-policies/{policy(w, api).pk}"


@case("publisher", "getAllCommonOperationPolicies")
def common(w: World) -> Answer:
    return w.publisher.get("/operation-policies?limit=3")


@case("publisher", "addCommonOperationPolicy")
def add(w: World) -> Answer:
    return w.publisher.post("/operation-policies", files=FILES)


@case("publisher", "getCommonOperationPolicyByPolicyId")
def one(w: World) -> Answer:
    return w.publisher.get(f"/operation-policies/{policy(w).pk}")


@case("publisher", "deleteCommonOperationPolicyByPolicyId")
def delete(w: World) -> Answer:
    return w.publisher.delete(f"/operation-policies/{policy(w).pk}")


@case("publisher", "getCommonOperationPolicyContentByPolicyId")
def content(w: World) -> Answer:
    return w.publisher.get(f"/operation-policies/{policy(w).pk}/content")


@case("publisher", "getAllAPISpecificOperationPolicies")
def of_api(w: World) -> Answer:
    return w.publisher.get(place(w).rpartition("/")[0])


@case("publisher", "addAPISpecificOperationPolicy")
def add_to_api(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.api().pk}/operation-policies", files=FILES)


@case("publisher", "getOperationPolicyForAPIByPolicyId")
def one_of_api(w: World) -> Answer:
    return w.publisher.get(place(w))


@case("publisher", "deleteAPISpecificOperationPolicyByPolicyId")
def delete_of_api(w: World) -> Answer:
    return w.publisher.delete(place(w))


@case("publisher", "getAPISpecificOperationPolicyContentByPolicyId")
def content_of_api(w: World) -> Answer:
    return w.publisher.get(f"{place(w)}/content")
