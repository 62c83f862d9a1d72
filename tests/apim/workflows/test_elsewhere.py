"""Keys at a key manager elsewhere that somebody must approve: no lock and no transaction is held while that server is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from apim.errors import ApimError
from apim.keymanager.actions.key_managers import save_key_manager
from apim.keymanager.models import KeyManager, RemoteClient
from apim.workflows.actions.tasks import decide
from apim.workflows.errors import Decided
from apim.workflows.models import Kind, Task
from portal.actions.keys import delete_keys, generate_keys
from portal.models import ApplicationKey
from tests.portal.builders import make_application
from tests.support.fake_idp import Asked, FakeIdp

pytestmark = pytest.mark.django_db(transaction=True)


class Elsewhere:
    """A key manager that notes whether this test's connection was inside a transaction when it was asked."""

    def __init__(self) -> None:
        self._connection = connections["default"]
        self.inside: list[bool] = []
        self.refuses = False
        self.first: Any = lambda: None
        self.server = FakeIdp({("POST", "/register"): self._made, ("DELETE", "/register/there-1"): self._gone})

    def _made(self, _: Asked) -> tuple[int, dict[str, Any]]:
        self.inside.append(self._connection.in_atomic_block)
        self.first()
        if self.refuses:
            return 500, {"error": "server_error"}
        address = f"{self.server.url}/register/there-1"
        secret = {"client_secret": "made-there", "registration_client_uri": address, "registration_access_token": "x"}
        return 201, {"client_id": "there-1", "grant_types": ["client_credentials"], **secret}

    def _gone(self, _: Asked) -> tuple[int, None]:
        self.inside.append(self._connection.in_atomic_block)
        return 204, None


@pytest.fixture
def elsewhere(organisation: Any, boss: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")
    there = Elsewhere()
    manager = KeyManager(
        organisation=organisation,
        name="There",
        kind="OIDC",
        issuer="https://id.example",
        token_url=f"{there.server.url}/token",
        jwks_url=f"{there.server.url}/jwks",
        registration_url=f"{there.server.url}/register",
        enable_app_creation=True,
    )
    save_key_manager(by=boss, manager=manager)
    yield there
    there.server.stop()


@pytest.fixture
def key(asks: Any, developer: Any, elsewhere: Elsewhere) -> ApplicationKey:
    asks(Kind.PRODUCTION_KEY)
    made, secret = generate_keys(
        by=developer, application=make_application(developer), key_type="PRODUCTION",
        grant_types=["client_credentials"], key_manager="There",
    )  # fmt: skip
    assert (made.state, secret, elsewhere.inside) == ("CREATED", "", [])
    return made


def test_approving_asks_before_anything_is_locked(boss, key, elsewhere):
    decide(by=boss, task=Task.objects.get(), approved=True)
    assert elsewhere.inside == [False]
    key.refresh_from_db()
    assert (key.state, key.consumer_key) == (
        "APPROVED",
        "there-1",
    ) and RemoteClient.objects.get().client_id == "there-1"
    decide(by=boss, task=Task.objects.get(), approved=True)
    assert elsewhere.inside == [False], "the same decision again makes nothing"


def test_the_same_on_the_admin_page(boss, key, elsewhere):
    client = Client()
    client.force_login(boss)
    address = f"/admin/workflows/task/{Task.objects.get().pk}/change/"
    assert client.post(address, {"comment": "", "approve_task": "1"}).status_code == 302
    assert elsewhere.inside == [False] and Task.objects.get().status == "APPROVED"


def test_a_key_manager_that_fails_leaves_the_request_waiting(boss, key, elsewhere):
    elsewhere.refuses = True
    with pytest.raises(ApimError):
        decide(by=boss, task=Task.objects.get(), approved=True)
    assert Task.objects.get().status == "CREATED"
    elsewhere.refuses = False
    decide(by=boss, task=Task.objects.get(), approved=True)
    assert RemoteClient.objects.count() == 1


def test_a_client_that_nobody_wants_any_more_goes_again(boss, developer, key, elsewhere, monkeypatch):
    """Its owner takes the wish back at the very moment when the client has been made."""
    from portal import decided
    from portal.actions import remote_keys

    usual = remote_keys.remote_clients.hide_secret

    def meanwhile(row: Any, secret: str) -> None:
        usual(row, secret)
        delete_keys(by=developer, key=key)

    monkeypatch.setattr(remote_keys.remote_clients, "hide_secret", meanwhile)
    assert decided.client_for is remote_keys.client_for
    with pytest.raises(Decided):
        decide(by=boss, task=Task.objects.get(), approved=True)
    assert elsewhere.server.calls()[-1] == ("DELETE", "/register/there-1")
    assert not RemoteClient.objects.exists() and not ApplicationKey.objects.exists()
