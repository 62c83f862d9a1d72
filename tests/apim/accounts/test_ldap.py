"""Log-in by an LDAP user store, against a real server over a socket, and every way in which it must not let anybody in."""

from __future__ import annotations

import base64
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from ldap3.operation.search import parse_filter
from structlog.testing import capture_logs

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.keymanager.actions.clients import create_client
from apim.login import stores
from apim.login.actions.rules import set_rules
from apim.login.actions.stores import delete_store, save_store, try_store
from apim.login.directory import filter_for
from apim.login.models import UserStore
from tests.support.ldap_server import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD, Directory, running_directory
from tests.support.people import PASSWORD as LOCAL
from tests.support.people import make_user
from tests.support.ports import free_port

LOGIN = "/accounts/login/"
GROUP = "CN=api-team,ou=groups,dc=corp,dc=example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """One server for this file."""
    with running_directory(tmp_path_factory.mktemp("ldap")) as running:
        yield running


@pytest.fixture(autouse=True)
def _inner_addresses_allowed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")


def store_of(admin: User, server: Directory | None = None, **columns: Any) -> UserStore:
    password = columns.pop("password", SERVICE_PASSWORD)
    given = {
        "organisation": admin.organisation, "address": f"ldap://127.0.0.1:{server.port if server else free_port()}",
        "bind_dn": SERVICE, "base_dn": BASE, "id_attribute": "entryUUID", "role_mapping": {GROUP: "Internal/creator"},
        "default_roles": ["Internal/subscriber"], "timeout": 20,
    }  # fmt: skip
    return save_store(by=admin, store=UserStore(**{**given, **columns}), password=password)


def log_in(name: str = "ann", password: str = PASSWORD, prefix: str = "") -> tuple[Client, Any]:
    client = Client()
    return client, client.post(f"{prefix}{LOGIN}", {"username": name, "password": password})


def who(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def basic(name: str, password: str, prefix: str = "") -> Any:
    given = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client().get(f"{prefix}/api/am/publisher/v4/apis", headers={"authorization": f"Basic {given}"})


def refused(name: str, password: str) -> None:
    client, answer = log_in(name, password)
    assert answer.status_code == 200
    assert who(client) is None


def test_first_log_in_makes_an_account_with_mapped_roles(admin: User, server: Directory) -> None:
    store_of(admin, server)
    client, answer = log_in()
    assert answer.status_code == 302
    user = who(client)
    assert user is not None
    assert (user.username, user.email, user.first_name, user.last_name) == ("ann", "ann@corp.example", "Ann", "Arbor")
    assert user.role_names == {"Internal/creator", "Internal/subscriber"}
    assert not user.has_usable_password()
    rows = str(list(AuditRow.objects.values()))
    assert "user.create_external" in rows
    assert PASSWORD not in rows
    assert SERVICE_PASSWORD not in rows


def test_second_log_in_is_the_same_person_and_renews_roles(admin: User, server: Directory) -> None:
    store = store_of(admin, server)
    first = who(log_in()[0])
    store.role_mapping = {GROUP: "Internal/publisher", "cn=others": "Internal/creator"}
    save_store(by=admin, store=store)
    second = who(log_in("ANN")[0])
    assert first is not None
    assert second is not None
    assert first.pk == second.pk
    assert second.role_names == {"Internal/publisher", "Internal/subscriber"}


@pytest.mark.parametrize("password", ["wrong", SERVICE_PASSWORD, " ", "*"])
def test_wrong_passwords_are_refused(admin: User, server: Directory, password: str) -> None:
    store_of(admin, server)
    refused("ann", password)
    assert not User.objects.filter(username="ann").exists()


def test_empty_passwords_never_reach_the_directory(admin: User, server: Directory) -> None:
    store_of(admin, server)
    assert stores.log_in("ann", "", None) is None
    refused("ann", "")
    assert basic("ann", "").status_code == 401


@pytest.mark.parametrize(
    "name", ["*", "a*", "ann)(uid=*", "*)(|(uid=*", "ann)(objectClass=person", "\\61nn", "ann\x00", "uid=ann", "nobody"]
)
def test_names_cannot_change_the_search(admin: User, server: Directory, name: str) -> None:
    store_of(admin, server)
    assert stores.log_in(name, PASSWORD, None) is None
    assert not User.objects.exclude(pk=admin.pk).exists()


@pytest.mark.parametrize("name", ["*", ")(uid=*", "\\", "\x00", "a)(|(b=*", "&", "é", "(" * 50, "\\2a", "{name}"])
def test_filter_holds_whatever_was_typed_as_one_value(name: str) -> None:
    parsed = parse_filter(filter_for("(&(objectClass=person)(uid={name}))", name), None, True, True, None, False)
    leaves = parsed.elements[0].elements
    assert len(leaves) == 2
    value = re.sub(rb"\\([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), leaves[1].assertion["value"])
    assert value == name.encode()


def test_names_with_characters_of_filters_are_found(admin: User, server: Directory) -> None:
    store_of(admin, server)
    user = stores.log_in("o(k)*", PASSWORD, None)
    assert user is not None
    assert user.username == "o-k-"


def test_name_of_two_people_is_nobodys(admin: User, server: Directory) -> None:
    store_of(admin, server, user_filter="(mail={name})")
    assert stores.log_in("shared@corp.example", PASSWORD, None) is None
    assert stores.log_in("ann@corp.example", PASSWORD, None) is not None


def test_local_people_come_first_and_their_passwords_stay_here(
    admin: User, server: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of(admin, server)
    make_user(admin.organisation, username="ann")
    asked: list[object] = []
    monkeypatch.setattr(stores, "ask", lambda *given: asked.append(given))
    assert log_in("ann", LOCAL)[1].status_code == 302
    refused("ann", PASSWORD)
    refused("Ann", PASSWORD)
    assert not asked


def test_administrator_gets_in_while_the_directory_is_down(admin: User) -> None:
    store_of(admin)
    assert log_in("admin", LOCAL)[1].status_code == 302


def test_directory_that_is_down_is_told_and_logged(admin: User) -> None:
    store_of(admin)
    with capture_logs() as lines:
        client, answer = log_in()
    assert answer.status_code == 200
    assert "cannot be asked at the moment" in answer.content.decode()
    assert who(client) is None
    assert [line["log_level"] for line in lines if line["event"] == "login.directory_down"] == ["error"]
    rest = basic("ann", PASSWORD)
    assert rest.status_code == 503
    assert "cannot be asked" in rest.json()["description"]


def test_silent_directory_holds_nobody_longer_than_its_time_out(admin: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store_of(admin, address=f"ldap://127.0.0.1:{silent.getsockname()[1]}", timeout=1)
        began = time.monotonic()
        answer = log_in()[1]
    assert "cannot be asked" in answer.content.decode()
    assert 0.9 < time.monotonic() - began < 60


def test_directory_that_trickles_is_cut_off(admin: User) -> None:
    """Each byte comes within every time-out of a socket; the whole takes longer."""
    over = threading.Event()

    def trickle(listening: socket.socket) -> None:
        wire, _ = listening.accept()
        with wire:
            try:
                wire.sendall(b"\x30\x84\x00\x0f\xff\xff")
                while not over.wait(0.2):
                    wire.sendall(b"\x00")
            except OSError:
                over.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=(listening,), daemon=True)
        thread.start()
        store_of(admin, address=f"ldap://127.0.0.1:{listening.getsockname()[1]}", timeout=1)
        began = time.monotonic()
        assert "cannot be asked" in log_in()[1].content.decode()
        assert time.monotonic() - began < 60
        assert over.wait(20), "our end of the connection was not closed"


def test_rest_basic_and_password_grant(settings: Any, admin: User, server: Directory) -> None:
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "apim.keymanager.hashers.ClientSecretHasher"]
    store = store_of(admin, server)
    assert basic("ann", PASSWORD).status_code == 200
    assert basic("ann", "wrong").status_code == 401
    client, secret = create_client(
        by=admin, organisation=admin.organisation, name="cli", grant_types=["password"], management=True
    )
    form = {"grant_type": "password", "username": "ann", "client_id": client.client_id, "client_secret": secret}
    ask = lambda password: Client().post(  # noqa: E731 - asked thrice
        "/oauth2/token", urlencode({**form, "password": password}), content_type="application/x-www-form-urlencoded"
    )
    assert ask(PASSWORD).status_code == 200
    assert ask("wrong").json()["error"] == "invalid_grant"
    store.address = f"ldap://127.0.0.1:{free_port()}"
    save_store(by=admin, store=store, password=SERVICE_PASSWORD)
    down = ask(PASSWORD)
    assert (down.status_code, down.json()["error"]) == (400, "invalid_grant")
    assert "cannot be asked" in down.json()["error_description"]


def test_second_factor_rules_hold_for_them(admin: User, server: Directory) -> None:
    store_of(admin, server)
    set_rules(by=admin, organisation=admin.organisation, second_factor_roles=["Internal/creator"])
    client, answer = log_in()
    assert "second-factor" in answer["Location"] or "enrol" in answer["Location"]
    assert who(client) is None
    assert basic("ann", PASSWORD).status_code == 401


def test_guessing_is_locked(admin: User, server: Directory) -> None:
    store_of(admin, server)
    for _ in range(5):
        refused("ann", "wrong")
    answer = log_in()[1]
    assert "Too many failed attempts" in answer.content.decode()


def test_switched_off_accounts_and_stores_let_nobody_in(admin: User, server: Directory) -> None:
    store = store_of(admin, server)
    log_in()
    User.objects.filter(username="ann").update(is_active=False)
    refused("ann", PASSWORD)
    User.objects.filter(username="ann").update(is_active=True)
    store.enabled = False
    save_store(by=admin, store=store)
    refused("ann", PASSWORD)


def test_unknown_people_stay_out_where_no_accounts_are_made(admin: User, server: Directory) -> None:
    store_of(admin, server, creates_users=False)
    refused("ann", PASSWORD)
    assert not User.objects.filter(username="ann").exists()


def test_stores_are_their_organisations_own(admin: User, other_organisation: Organisation, server: Directory) -> None:
    theirs = make_user(other_organisation, "admin", username="boss")
    store = store_of(theirs, server)
    refused("ann", PASSWORD)
    client, answer = log_in("ann", prefix="/t/acme.com")
    assert answer.status_code == 302
    user = who(client)
    assert user is not None
    assert (user.username, user.organisation_id) == ("ann@acme.com", other_organisation.pk)
    assert stores.log_in("ann@acme.com", PASSWORD, admin.organisation) is None
    stranger = make_user(admin.organisation, "Internal/creator")
    for act in (save_store, delete_store, try_store):
        with pytest.raises(Forbidden):
            act(by=stranger, store=store)
    own = store_of(admin, server)
    with pytest.raises(NotFound):
        try_store(by=theirs, store=own)


def test_start_tls_and_ldaps_check_the_certificate(admin: User, server: Directory) -> None:
    trusted = {"certificate_authority": server.authority}
    secure = {"address": f"ldaps://localhost:{server.tls_port}"}
    for columns in ({"start_tls": True}, secure):
        store = store_of(admin, server, **columns, **trusted)
        assert stores.log_in("ann", PASSWORD, None) is not None
        store.certificate_authority = ""
        save_store(by=admin, store=store)
        assert try_store(by=admin, store=store)[-1].startswith("Failed:")
        delete_store(by=admin, store=store)


def test_inner_addresses_are_asked_only_when_allowed(admin: User, server: Directory, settings: Any) -> None:
    store = store_of(admin, server)
    settings.APIM.key_manager_networks = ""
    assert "inner network" in try_store(by=admin, store=store)[-1]


def test_trial_tells_each_step(admin: User, server: Directory) -> None:
    store = store_of(admin, server)
    steps = "\n".join(try_store(by=admin, store=store, name="ann", password=PASSWORD))
    for said in ("Connected", f"Bound as {SERVICE}", f"Found uid=ann,{BASE}", "password is right", "Internal/creator"):
        assert said in steps
    assert "refuses" in "\n".join(try_store(by=admin, store=store, name="ann", password="wrong"))
    assert not User.objects.filter(username="ann").exists()
    save_store(by=admin, store=store, password="another")
    last = try_store(by=admin, store=store)[-1]
    assert last.startswith("Failed: the bind as")
    assert "another" not in last


def test_admin_page_saves_and_tries(client: Client, admin: User, server: Directory) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)
    form = {
        "organisation": admin.organisation_id, "name": "Corp", "enabled": "on", "timeout": 20, "bind_dn": SERVICE,
        "base_dn": BASE, "address": f"ldap://127.0.0.1:{server.port}",
        "new_password": SERVICE_PASSWORD, "user_filter": "(uid={name})",
        "name_attribute": "uid", "role_mapping": "{}", "default_roles": "[]", "trial_name": "ann", "trial_password": PASSWORD,
    }  # fmt: skip
    answer = client.post("/admin/logins/userstore/add/", form, follow=True)
    page = answer.content.decode()
    assert "The password is right." in page, page[-3000:]
    store = UserStore.objects.get()
    assert SERVICE_PASSWORD not in store.sealed_password
    shown = client.get(f"/admin/logins/userstore/{store.pk}/change/").content.decode()
    assert SERVICE_PASSWORD not in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"address": "ldap://ldap.corp.example"}, "address"),
        ({"address": "https://ldap.corp.example"}, "address"),
        ({"address": "ldaps://[::1"}, "address"),
        ({"address": "ldaps://u:p@host"}, "address"),
        ({"address": "ldaps://host", "start_tls": True}, "start_tls"),
        ({"user_filter": "(uid=ann)"}, "user_filter"),
        ({"user_filter": "(uid={name}"}, "user_filter"),
        ({"base_dn": "people"}, "base_dn"),
        ({"certificate_authority": "none"}, "certificate_authority"),
        ({"email_attribute": "a b"}, "email_attribute"),
        ({"role_mapping": {"a": "no such role"}}, "role_mapping"),
        ({"timeout": 31}, "timeout"),
        ({"password": None}, "bind_dn"),
    ],
)
def test_wrong_settings_are_refused_by_name(admin: User, columns: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        store_of(admin, **columns)
    assert field in [one.field for one in refusal.value.fields]


def test_another_address_asks_for_the_password_again(admin: User) -> None:
    store = store_of(admin)
    store.address = "ldaps://evil.example"
    with pytest.raises(Invalid):
        save_store(by=admin, store=store)
    with pytest.raises(Conflict):
        store_of(admin)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_directory_is_asked(
    admin: User, server: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(admin, server)
    seen: list[bool] = []
    ask = stores.ask

    def watched(*given: Any) -> Any:
        seen.append(connection.in_atomic_block)
        with CaptureQueriesContext(connection) as queries:
            found = ask(*given)
        assert not queries.captured_queries
        return found

    monkeypatch.setattr(stores, "ask", watched)
    assert log_in()[1].status_code == 302
    assert basic("ann", PASSWORD).status_code == 200
    assert try_store(by=admin, store=store)
    assert seen == [False, False]
