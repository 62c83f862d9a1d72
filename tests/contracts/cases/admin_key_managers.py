"""The admin contract's key managers."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from apim.keymanager import outbound
from apim.keymanager.models import KeyManager
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

BODY = {
    "name": "Corporate", "displayName": "Corporate log-in", "type": "Okta", "description": "Okta of the house",
    "issuer": "https://id.example/oauth2/default", "tokenEndpoint": "https://id.example/oauth2/default/v1/token",
    "clientRegistrationEndpoint": "https://id.example/oauth2/v1/clients", "enableOAuthAppCreation": True,
    "certificates": {"type": "JWKS", "value": "https://id.example/oauth2/default/v1/keys"},
    "availableGrantTypes": ["client_credentials"], "consumerKeyClaim": "cid", "scopesClaim": "scp",
    "claimMapping": [{"remoteClaim": "upn", "localClaim": "sub"}],
    "tokenValidation": [{"id": 1, "enable": True, "type": "JWT", "value": {"body": {"cid": "0oa.*"}}}],
    "additionalProperties": {"apiKey": "ssws-secret"}, "tokenType": "DIRECT", "enabled": True,
    "permissions": {"permissionType": "ALLOW", "roles": ["Internal/subscriber"]},
}  # fmt: skip


def _made(w: World) -> str:
    answer = w.admin.post("/key-managers", BODY)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


@case("admin", "GET /key-managers")
def list_key_managers(w: World) -> Answer:
    _made(w)
    return w.admin.get("/key-managers")


@case("admin", "POST /key-managers")
def add_key_manager(w: World) -> Answer:
    return w.admin.post("/key-managers", BODY)


@case("admin", "POST /key-managers/discover")
def discover_key_manager(w: World) -> Answer:
    document: dict[str, Any] = {"issuer": "https://id.example", "token_endpoint": "https://id.example/token"}
    answer = outbound.Answer(200, json.dumps(document).encode(), "https://id.example")
    with mock.patch.object(outbound, "call", return_value=answer):
        return w.admin.post("/key-managers/discover", data={"url": "https://id.example/x", "type": "Okta"})


@case("admin", "GET /key-managers/{keyManagerId}")
def get_key_manager(w: World) -> Answer:
    return w.admin.get(f"/key-managers/{_made(w)}")


@case("admin", "PUT /key-managers/{keyManagerId}")
def update_key_manager(w: World) -> Answer:
    return w.admin.put(f"/key-managers/{_made(w)}", BODY | {"enabled": False})


@case("admin", "DELETE /key-managers/{keyManagerId}")
def delete_key_manager(w: World) -> Answer:
    made = _made(w)
    answer = w.admin.delete(f"/key-managers/{made}")
    assert not KeyManager.objects.filter(pk=made).exists()
    return answer
