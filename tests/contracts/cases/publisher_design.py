"""APIs: made, changed, copied, taken away; what else one can ask about them."""

from __future__ import annotations

from publisher.actions.services import create_from_service
from publisher.models import Api, GatewayEnvironment
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher import make

BODY = {
    "name": "Orders",
    "context": "/orders",
    "version": "1.0.0",
    "description": "Orders",
    "policies": ["Gold"],
    "tags": ["shop"],
    "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "https://orders.example/v1"}},
    "operations": [{"target": "/orders", "verb": "GET"}],
}
OPENAPI = (
    '{"openapi":"3.0.1","info":{"title":"Menu","version":"1.0"},'
    '"paths":{"/menu":{"get":{"responses":{"200":{"description":"ok"}}}}}}'
)


@case("publisher", "createAPI")
def create(w: World) -> Answer:
    make.plan(w.organisation)
    return w.publisher.post("/apis", BODY)


@case("publisher", "updateAPI")
def update(w: World) -> Answer:
    return w.publisher.put(f"/apis/{w.api().pk}", {"description": "Changed"})


@case("publisher", "deleteAPI")
def delete(w: World) -> Answer:
    return w.publisher.delete(f"/apis/{w.api().pk}")


@case("publisher", "createNewAPIVersion")
def copy(w: World) -> Answer:
    return w.publisher.post(f"/apis/copy-api?apiId={w.api().pk}&newVersion=2.0.0&defaultVersion=true")


@case("publisher", "importServiceFromCatalog")
def import_service(w: World) -> Answer:
    make.plan(w.organisation)
    service = make.make_service(w.organisation, OPENAPI, definition_type="OAS3")
    body = {"name": "Menu", "context": "/menu", "version": "1.0", "policies": ["Gold"]}
    return w.publisher.post(f"/apis/import-service?serviceKey={service.key}", body)


@case("publisher", "reimportServiceFromCatalog")
def reimport_service(w: World) -> Answer:
    service = make.make_service(w.organisation, OPENAPI, definition_type="OAS3")
    api = create_from_service(by=w.user, service=service, name="Menu", context="/menu", version="1.0")
    return w.publisher.put(f"/apis/{api.pk}/reimport-service")


@case("publisher", "getAPIResourcePaths")
def resource_paths(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/resource-paths?limit=2")


@case("publisher", "getAPISubscriptionPolicies")
def subscription_policies(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/subscription-policies")


@case("publisher", "getAmazonResourceNamesOfAPI")
def amazon(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/amznResourceNames")


def keys(w: World, api: Api) -> str:
    return f"/apis/{api.pk}/environments/{GatewayEnvironment.objects.get(organisation=w.organisation).pk}/keys"


@case("publisher", "GET /apis/{apiId}/environments/{envId}/keys")
def environment_properties(w: World) -> Answer:
    return w.publisher.get(keys(w, w.api()))


@case("publisher", "PUT /apis/{apiId}/environments/{envId}/keys")
def set_environment_properties(w: World) -> Answer:
    return w.publisher.put(keys(w, w.api()), {"region": "eu"})


@case("publisher", "getAuditReportOfAPI")
def audit(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/auditapi")


@case("publisher", "generateInternalAPIKey")
def test_key(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.published().pk}/generate-key")


@case("publisher", "getAPILifecycleState")
def state(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/lifecycle-state")


@case("publisher", "getAPILifecycleHistory")
def history(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.published().pk}/lifecycle-history")


@case("publisher", "changeAPILifecycle")
def change_state(w: World) -> Answer:
    api = w.api()
    make.deploy(w.user, api)
    return w.publisher.post(f"/apis/change-lifecycle?apiId={api.pk}&action=Publish")


@case("publisher", "validateAPI")
def validate_name(w: World) -> Answer:
    return w.publisher.post(f"/apis/validate?query=name:{w.api().name}")


@case("publisher", "validateEndpoint")
def validate_endpoint(w: World) -> Answer:
    return w.publisher.post("/apis/validate-endpoint?endpointUrl=http://127.0.0.1:9/")
