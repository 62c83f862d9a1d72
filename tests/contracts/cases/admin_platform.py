"""Admin: environments, categories, labels, APIs and their providers, applications and their owners, mediation policies, usage."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apim.eventhub.models import GatewayStatus
from tests.contracts.harness import case
from tests.contracts.world import World
from tests.support.people import make_user

ENVIRONMENT = {
    "name": "EU",
    "displayName": "Europe",
    "description": "in Frankfurt",
    "provider": "wso2",
    "gatewayType": "Regular",
    "type": "production",
    "vhosts": [
        {"host": "eu.example.org", "httpContext": "", "httpPort": 8280, "httpsPort": 8243, "wsPort": 9099, "wssPort": 8099}
    ],
    "endpointURIs": [{"protocol": "default", "endpointURI": "https://eu.example.org:8243"}],
    "additionalProperties": [{"key": "zone", "value": "a"}],
    "permissions": {"permissionType": "ALLOW", "roles": ["Internal/devops"]},
}  # fmt: skip
SEQUENCE = '<sequence xmlns="http://ws.apache.org/ns/synapse" name="noted"><log level="full"/></sequence>'


def environment(w: World) -> dict[str, Any]:
    """An environment, added."""
    return w.admin.post("/environments", ENVIRONMENT).json()


@case("admin", "GET /environments")
def environments(w: World) -> Any:
    environment(w)
    return w.admin.get("/environments")


@case("admin", "POST /environments")
def add_environment(w: World) -> Any:
    return w.admin.post("/environments", ENVIRONMENT)


@case("admin", "PUT /environments/{environmentId}")
def change_environment(w: World) -> Any:
    found = environment(w)
    return w.admin.put(f"/environments/{found['id']}", found | {"displayName": "Europe 2"})


@case("admin", "DELETE /environments/{environmentId}")
def delete_environment(w: World) -> Any:
    return w.admin.delete(f"/environments/{environment(w)['id']}")


@case("admin", "GET /environments/{environmentId}/gateways")
def gateways(w: World) -> Any:
    now = timezone.now()
    GatewayStatus.objects.create(
        gateway="eu-1:8243:7", environment="EU", host="eu-1", pid=7, sequence=0, started=now, seen=now
    )
    return w.admin.get(f"/environments/{environment(w)['id']}/gateways")


def category(w: World) -> dict[str, Any]:
    """A category, added."""
    return w.admin.post("/api-categories", {"name": "Finance", "description": "about money"}).json()


@case("admin", "GET /api-categories")
def categories(w: World) -> Any:
    category(w)
    return w.admin.get("/api-categories")


@case("admin", "POST /api-categories")
def add_category(w: World) -> Any:
    return w.admin.post("/api-categories", {"name": "Finance", "description": "about money"})


@case("admin", "PUT /api-categories/{apiCategoryId}")
def change_category(w: World) -> Any:
    return w.admin.put(f"/api-categories/{category(w)['id']}", {"name": "Money"})


@case("admin", "DELETE /api-categories/{apiCategoryId}")
def delete_category(w: World) -> Any:
    return w.admin.delete(f"/api-categories/{category(w)['id']}")


LABEL = {"name": "Public", "description": "for everybody", "accessUrls": ["https://public.example.org"]}


def label(w: World) -> dict[str, Any]:
    """A label, added."""
    return w.admin.post("/labels", LABEL).json()


@case("admin", "GET /labels")
def labels(w: World) -> Any:
    label(w)
    return w.admin.get("/labels")


@case("admin", "POST /labels")
def add_label(w: World) -> Any:
    return w.admin.post("/labels", LABEL)


@case("admin", "PUT /labels/{labelId}")
def change_label(w: World) -> Any:
    return w.admin.put(f"/labels/{label(w)['id']}", LABEL | {"name": "Open"})


@case("admin", "DELETE /labels/{labelId}")
def delete_label(w: World) -> Any:
    return w.admin.delete(f"/labels/{label(w)['id']}")


@case("admin", "getAllAPIs")
def apis(w: World) -> Any:
    w.api(name="Orders")
    return w.admin.get("/apis?limit=5&query=name:Orders")


@case("admin", "providerNamePost")
def change_provider(w: World) -> Any:
    make_user(w.organisation, "Internal/creator", username="another")
    return w.admin.post(f"/apis/{w.api().pk}/change-provider?provider=another")


@case("admin", "GET /applications")
def applications(w: World) -> Any:
    w.application()
    return w.admin.get("/applications?user=admin&limit=5")


@case("admin", "DELETE /applications/{applicationId}")
def delete_application(w: World) -> Any:
    return w.admin.delete(f"/applications/{w.application().pk}")


@case("admin", "POST /applications/{applicationId}/change-owner")
def change_owner(w: World) -> Any:
    make_user(w.organisation, "Internal/subscriber", username="another")
    return w.admin.post(f"/applications/{w.application().pk}/change-owner?owner=another")


def sequence(w: World) -> dict[str, Any]:
    """A mediation policy, added."""
    return w.admin.post("/policies/mediation", {"name": "noted.xml", "type": "IN", "config": SEQUENCE}).json()


@case("admin", "GET /policies/mediation")
def mediation_policies(w: World) -> Any:
    sequence(w)
    return w.admin.get("/policies/mediation")


@case("admin", "POST /policies/mediation")
def add_mediation_policy(w: World) -> Any:
    return w.admin.post("/policies/mediation", {"name": "noted.xml", "type": "IN", "config": SEQUENCE})


@case("admin", "GET /policies/mediation/{mediationPolicyId}")
def mediation_policy(w: World) -> Any:
    return w.admin.get(f"/policies/mediation/{sequence(w)['id']}")


@case("admin", "PUT /policies/mediation/{mediationPolicyId}")
def change_mediation_policy(w: World) -> Any:
    body = sequence(w) | {"type": "OUT"}
    return w.admin.put(f"/policies/mediation/{body['id']}", body)


@case("admin", "DELETE /policies/mediation/{mediationPolicyId}")
def delete_mediation_policy(w: World) -> Any:
    return w.admin.delete(f"/policies/mediation/{sequence(w)['id']}")


@case("admin", "POST /monetization/publish-usage")
def publish_usage(w: World) -> Any:
    return w.admin.post("/monetization/publish-usage")


@case("admin", "GET /monetization/publish-usage/status")
def usage_status(w: World) -> Any:
    w.admin.post("/monetization/publish-usage")
    return w.admin.get("/monetization/publish-usage/status")
