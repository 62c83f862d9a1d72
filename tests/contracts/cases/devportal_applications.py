"""Applications, their OAuth keys in both forms, test tokens and API keys."""

from __future__ import annotations

from collections.abc import Callable

from apim.keymanager.actions.clients import create_client
from portal.actions.api_keys import generate_api_key
from portal.models import ApplicationKey
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.portal.builders import make_key

BODY = {"name": "Shop", "throttlingPolicy": "Unlimited", "description": "sells", "attributes": {"ref": "7"}}
NEW_KEY = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "validityTime": "600"}
CHANGED_KEY = {"supportedGrantTypes": ["client_credentials", "refresh_token"], "callbackUrl": "https://a.example/back"}


@case("devportal", "GET /applications")
def applications(w: World) -> Answer:
    w.application(attributes={"ref": "7"})
    return w.devportal.get("/applications?limit=5")


@case("devportal", "POST /applications")
def create(w: World) -> Answer:
    return w.devportal.post("/applications", BODY)


@case("devportal", "GET /applications/{applicationId}")
def one(w: World) -> Answer:
    application = w.application()
    make_key(application)
    return w.devportal.get(f"/applications/{application.pk}")


@case("devportal", "PUT /applications/{applicationId}")
def change(w: World) -> Answer:
    return w.devportal.put(f"/applications/{w.application().pk}", BODY)


@case("devportal", "DELETE /applications/{applicationId}")
def delete(w: World) -> Answer:
    return w.devportal.delete(f"/applications/{w.application().pk}")


@case("devportal", "POST /applications/{applicationId}/reset-throttle-policy")
def reset_limits(w: World) -> Answer:
    return w.devportal.post(f"/applications/{w.application().pk}/reset-throttle-policy", {"userName": "ann"})


@case("devportal", "POST /applications/{applicationId}/generate-keys")
def generate_keys(w: World) -> Answer:
    return w.devportal.post(f"/applications/{w.application().pk}/generate-keys", NEW_KEY)


@case("devportal", "POST /applications/{applicationId}/map-keys")
def map_keys(w: World) -> Answer:
    client, secret = create_client(
        by=w.user, organisation=w.organisation, name="old", grant_types=["client_credentials"], owner=w.user
    )
    body = {"keyType": "SANDBOX", "consumerKey": client.client_id, "consumerSecret": secret}
    return w.devportal.post(f"/applications/{w.application().pk}/map-keys", body)


def _key(w: World) -> ApplicationKey:
    return make_key(w.application())


@case("devportal", "GET /applications/{applicationId}/keys")
def keys(w: World) -> Answer:
    return w.devportal.get(f"/applications/{_key(w).application_id}/keys")


@case("devportal", "GET /applications/{applicationId}/oauth-keys")
def oauth_keys(w: World) -> Answer:
    return w.devportal.get(f"/applications/{_key(w).application_id}/oauth-keys")


Call = Callable[[World, str], Answer]
OLD, NEW = "keys/{keyType}", "oauth-keys/{keyMappingId}"


def _both(method: str, part: str, call: Call) -> None:
    """A case for the key by its id and one for the key by its type."""

    @case("devportal", f"{method} /applications/{{applicationId}}/{NEW}{part}")
    def by_id(w: World) -> Answer:
        key = _key(w)
        return call(w, f"/applications/{key.application_id}/oauth-keys/{key.pk}{part}")

    @case("devportal", f"{method} /applications/{{applicationId}}/{OLD}{part}")
    def by_type(w: World) -> Answer:
        key = _key(w)
        return call(w, f"/applications/{key.application_id}/keys/PRODUCTION{part}")


_both("GET", "", lambda w, path: w.devportal.get(path))
_both("PUT", "", lambda w, path: w.devportal.put(path, CHANGED_KEY))
_both("POST", "/regenerate-secret", lambda w, path: w.devportal.post(path, {}))
_both("POST", "/clean-up", lambda w, path: w.devportal.post(path, {}))
_both("POST", "/generate-token", lambda w, path: w.devportal.post(path, {"validityPeriod": 60, "scopes": []}))


@case("devportal", "applicationsApplicationIdApiKeysKeyTypeGeneratePost")
def generate(w: World) -> Answer:
    body = {"keyName": "mine", "validityPeriod": 600, "additionalProperties": {"permittedIP": "10.0.0.0/8"}}
    return w.devportal.post(f"/applications/{w.application().pk}/api-keys/PRODUCTION/generate", body)


@case("devportal", "regenerateAppBoundAPIKey")
def regenerate(w: World) -> Answer:
    application = w.application()
    key, _ = generate_api_key(by=w.user, application=application, key_type="PRODUCTION")
    return w.devportal.post(f"/applications/{application.pk}/api-keys/PRODUCTION/regenerate", {"keyUUID": str(key.pk)})


@case("devportal", "getAppBoundAPIKeys")
def api_keys(w: World) -> Answer:
    application = w.application()
    generate_api_key(by=w.user, application=application, key_type="PRODUCTION")
    return w.devportal.get(f"/applications/{application.pk}/api-keys/PRODUCTION")


@case("devportal", "applicationsApplicationIdApiKeysKeyTypeRevokePost")
def revoke(w: World) -> Answer:
    application = w.application()
    _, value = generate_api_key(by=w.user, application=application, key_type="PRODUCTION")
    return w.devportal.post(f"/applications/{application.pk}/api-keys/PRODUCTION/revoke", {"apikey": value})
