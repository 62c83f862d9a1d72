"""The whole way with a second, independent OpenID Connect server: discovery, registration, tokens, calls, rotation, mapping, off.

The server is npm's oidc-provider; control plane and gateway are ours, each behind real sockets.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from joserfc.jwk import RSAKey
from rest_framework.test import APIClient

from apim.accounts.models import User
from apim.keymanager.models import KeyManager, RemoteClient
from apim.keymanager.trial import try_token
from portal import token_trial
from portal.actions import keys as actions
from portal.models import ApplicationKey
from publisher.actions.lifecycle import change_state
from tests.gateway.backend import Backend
from tests.gateway.process import Gateway, running_gateway
from tests.portal.builders import make_application, make_subscription
from tests.publisher.make import deploy, make_api
from tests.support.oidc_provider import AUDIENCE, INITIAL_TOKEN, Provider, running_provider
from tests.support.people import make_user
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)
NO_REDIS = "redis://127.0.0.1:1/0"


def patient(act: Callable[..., Any]) -> Callable[..., Any]:
    """Tries again where the tests' database in memory, unlike a real one, does not wait for the gateway's questions to end."""

    @wraps(act)
    def acts(*args: Any, **kwargs: Any) -> Any:
        for _ in range(50):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if "locked" not in str(error):
                    raise
                time.sleep(0.2)
        return act(*args, **kwargs)

    return acts


generate_keys, map_keys, update_keys = map(patient, (actions.generate_keys, actions.map_keys, actions.update_keys))
delete_keys, issue_test_token = patient(actions.delete_keys), patient(actions.issue_test_token)
regenerate_secret, tried = patient(actions.regenerate_secret), patient(try_token)


@dataclass
class Stage:
    """Everything that runs, and the path of the API."""

    admin: User
    provider: Provider
    gateway: Gateway
    backend: Backend
    path: str
    application: Any

    def status(self, token: str) -> int:
        """What the gateway says to a call with this token."""
        return self.gateway.call(self.path, token=token).status

    def becomes(self, status: int, token: str, seconds: float = 30.0) -> None:
        """Waits until the gateway says so."""
        until(lambda: self.status(token) == status, seconds=seconds, every=0.2, what=f"the gateway says {status}")

    def rest(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The admin REST in the administrator's name."""
        client = APIClient()
        client.force_authenticate(self.admin)
        send = patient(getattr(client, method))
        answer = send(f"/api/am/admin/v4{path}", body, format=more.get("format", "json"))
        assert answer.status_code in (200, 201), answer.content
        return answer.json() if answer.content else None

    def key_manager(self, **changes: Any) -> dict[str, Any]:
        """Discovers the provider and adds it, as an administrator's client does."""
        found = self.rest(
            "post", "/key-managers/discover", {"url": self.provider.well_known, "type": "OIDC"}, format="multipart"
        )
        assert found["valid"], found
        body = found["value"] | {
            "name": "Independent", "consumerKeyClaim": "client_id", "enableOAuthAppCreation": True,
            "enableMapOAuthConsumerApps": True, "additionalProperties": {"initial_access_token": INITIAL_TOKEN},
        }  # fmt: skip
        return self.rest("post", "/key-managers", body | changes)

    def change(self, made: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Writes it with other members, the rest as it was read."""
        path = f"/key-managers/{made['id']}"
        return self.rest("put", path, self.rest("get", path) | changes)

    def keys(self, key_type: str = "PRODUCTION") -> tuple[ApplicationKey, str]:
        """A client registered there for the application."""
        return generate_keys(
            by=self.application.owner, application=self.application, key_type=key_type,
            grant_types=["client_credentials"], key_manager="Independent",
        )  # fmt: skip


@pytest.fixture
def stage(
    tmp_path: Path, live_server: Any, organisation: Any, admin: User, monkeypatch: pytest.MonkeyPatch, request: Any
) -> Iterator[Stage]:
    """Provider, control plane, gateway, backend, and a subscribed application."""
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")
    backend = Backend()
    with running_provider(tmp_path, getattr(request, "param", "jwt")) as provider:
        maker = make_user(organisation, "Internal/creator", "Internal/publisher", "Internal/subscriber")
        endpoints = {"production": {"url": backend.url}, "sandbox": {"url": backend.url}}
        api = make_api(maker, name="Orders", context="/orders", version="1.0", endpoints=endpoints)
        deploy(maker, api)
        change_state(by=maker, api=api, action="Publish")
        application = make_application(maker, "Shop")
        make_subscription(application, api)
        options = {
            "APIM_CLUSTER_SECRET": settings.CLUSTER_SECRET,
            "GATEWAY_POLL_SECONDS": "0.5",
            "GATEWAY_STATUS_SECONDS": "60",
            "GATEWAY_BACKEND_JWT": "true",
        }
        options["GATEWAY_BACKEND_JWT_KEY"] = str(_assertion_key(tmp_path))
        with running_gateway(tmp_path / "var", live_server.url, NO_REDIS, **options) as gateway:
            yield Stage(admin, provider, gateway, backend, "/orders/1.0/anything", application)
    backend.stop()


def _assertion_key(folder: Path) -> Path:
    path = folder / "assertion.pem"
    path.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return path


def assertion(stage: Stage) -> dict[str, Any]:
    """The claims of the JWT that the backend got last."""
    part = stage.backend.calls[-1]["headers"]["x-jwt-assertion"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_from_discovery_to_calls_through_rotation_mapping_and_off(stage: Stage) -> None:
    made = stage.key_manager(claimMapping=[{"remoteClaim": "team", "localClaim": "http://wso2.org/claims/team"}])
    assert made["issuer"] == stage.provider.issuer
    assert made["certificates"] == {"type": "JWKS", "value": f"{stage.provider.issuer}/jwks"}
    assert made["additionalProperties"] == {"initial_access_token": "*****"}

    key, secret = stage.keys()
    token = stage.provider.token(key.consumer_key, secret)
    stage.becomes(200, token)
    # The claim has another name for the backend.
    assert assertion(stage)["http://wso2.org/claims/team"] == "blue"
    assert assertion(stage)["http://wso2.org/claims/applicationname"] == "Shop"
    trial = tried(stage.application.organisation, token, token_trial.go_on)
    assert trial.passed, trial.steps
    assert [step.title for step in trial.steps][:6] == ["Form", "Kind", "Issuer", "Key", "Signature", "Time"]

    stage.provider.rotate("key-2")
    renewed = stage.provider.token(key.consumer_key, secret)
    stage.becomes(200, renewed)

    # Another claim holds the client, and one that no token has.
    stage.change(made, consumerKeyClaim="app_ref")
    stage.becomes(200, stage.provider.token(key.consumer_key, secret))
    stage.change(made, consumerKeyClaim="nobody")
    stage.becomes(401, renewed)
    stage.change(made, consumerKeyClaim="app_ref")
    stage.becomes(200, renewed)
    stage.change(made, alias="https://another.example")
    stage.becomes(401, renewed)
    stage.change(made, alias=AUDIENCE)
    stage.becomes(200, renewed)
    stage.change(made, tokenValidation=[{"id": 1, "enable": True, "type": "JWT", "value": {"body": {"team": "red"}}}])
    stage.becomes(401, renewed)
    stage.change(made, tokenValidation=[{"id": 1, "enable": True, "type": "JWT", "value": {"body": {"team": "b.*e"}}}])
    stage.becomes(200, renewed)
    stage.change(made, enabled=False)
    stage.becomes(401, renewed)
    refused = tried(stage.application.organisation, renewed, token_trial.go_on)
    assert (refused.steps[-1].title, refused.steps[-1].state) == ("Issuer", "fail")
    stage.change(made, enabled=True)
    stage.becomes(200, renewed)


def test_the_client_is_managed_there(stage: Stage) -> None:
    stage.key_manager()
    key, secret = stage.keys()
    owner = stage.application.owner
    row = RemoteClient.objects.get(client_id=key.consumer_key)
    assert secret not in row.handle_sealed and "registration_access_token" not in row.handle_sealed
    # The management token is replaced at each use there, so twice shows that ours was too.
    for address in ("https://a.example/back", "https://b.example/back"):
        grants = ["client_credentials", "authorization_code"]
        update_keys(by=owner, key=key, grant_types=grants, callback_url=address)
        row.refresh_from_db()
        assert (row.callback_url, row.grant_types) == (address, grants)
    issued = issue_test_token(by=owner, key=key, consumer_secret=secret)
    stage.becomes(200, issued["access_token"])
    with pytest.raises(Exception, match="renewed"):
        regenerate_secret(by=owner, key=key)
    delete_keys(by=owner, key=key)
    assert not RemoteClient.objects.exists()
    stage.becomes(403, issued["access_token"])
    with pytest.raises(AssertionError, match="invalid_client"):
        stage.provider.token(key.consumer_key, secret)


def test_a_client_that_exists_there_is_mapped_by_who_knows_its_secret(stage: Stage) -> None:
    stage.key_manager()
    key, secret = stage.keys()
    owner, application = stage.application.owner, stage.application
    # As if it had been made at the provider: nothing here knows it any more.
    KeyManager.objects.filter(name="Independent").update(enable_mapping=True)
    key.delete()
    RemoteClient.objects.all().delete()
    given = {"by": owner, "application": application, "key_type": "PRODUCTION", "key_manager": "Independent"}
    with pytest.raises(Exception, match="no such OAuth client"):
        map_keys(consumer_key=key.consumer_key, consumer_secret="guessed", **given)
    with pytest.raises(Exception, match="Only administrators"):
        map_keys(consumer_key=key.consumer_key, consumer_secret="", **given)
    mapped = map_keys(consumer_key=key.consumer_key, consumer_secret=secret, **given)
    assert mapped.mode == "MAPPED"
    stage.becomes(200, stage.provider.token(key.consumer_key, secret))
    other = make_application(owner, "Thief")
    with pytest.raises(Exception, match="belongs to an application"):
        map_keys(consumer_key=key.consumer_key, consumer_secret=secret, **(given | {"application": other}))
    # Removing a mapped key leaves the client where it came from.
    delete_keys(by=owner, key=mapped)
    assert stage.provider.token(key.consumer_key, secret)


@pytest.mark.parametrize("stage", ["opaque"], indirect=True)
def test_opaque_tokens_are_asked_about(stage: Stage) -> None:
    made = stage.key_manager()
    key, secret = stage.keys()
    # The gateway asks in the name of a client of its own: here the application's, to have one.
    stage.change(made, additionalProperties={"client_id": key.consumer_key, "client_secret": secret})
    token = stage.provider.token(key.consumer_key, secret)
    assert "." not in token
    stage.becomes(200, token)
    trial = tried(stage.application.organisation, token, token_trial.go_on)
    assert trial.passed, trial.steps
    stage.change(made, tokenValidation=[{"id": 1, "enable": True, "type": "REFERENCE", "value": "[0-9]{5}"}])
    stage.becomes(401, token)


def test_exchanged_tokens_pass_only_after_the_exchange(stage: Stage) -> None:
    made = stage.key_manager(tokenType="BOTH")
    direct, direct_secret = stage.keys()
    token = stage.provider.token(direct.consumer_key, direct_secret)
    delete_keys_without_trace(direct)
    stage.change(made, tokenType="EXCHANGED", alias=AUDIENCE)
    stage.becomes(401, token)
    key, secret = stage.keys()
    assert key.client is not None and "urn:ietf:params:oauth:grant-type:token-exchange" in key.client.grant_types
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }  # fmt: skip
    pair = base64.b64encode(f"{key.consumer_key}:{secret}".encode()).decode()
    answer = exchange(form, pair)
    assert answer.status_code == 200, answer.content
    stage.becomes(200, answer.json()["access_token"])
    issued = issue_test_token(by=stage.application.owner, key=key, subject_token=token)
    assert stage.status(issued["access_token"]) == 200
    # For another audience it does not count.
    stage.change(made, tokenType="EXCHANGED", alias="https://another.example")
    refused = exchange(form, pair)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def exchange(form: dict[str, str], pair: str) -> Any:
    """The token endpoint's answer."""
    kind = "application/x-www-form-urlencoded"
    return Client().post(
        "/oauth2/token", urlencode(form), content_type=kind, headers={"Authorization": f"Basic {pair}"}
    )


def delete_keys_without_trace(key: ApplicationKey) -> None:
    """Free the place for another key, while the client stays at the provider."""
    RemoteClient.objects.filter(client_id=key.consumer_key).delete()
    key.delete()
