"""Log-in by an identity provider: the whole way with an independent server, and every answer that must not be believed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from joserfc import jwt
from joserfc.jwk import RSAKey

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import ApimError, Conflict, Forbidden, Invalid, NotFound
from apim.login import oidc
from apim.login.actions.external import arrive
from apim.login.actions.providers import save_provider
from apim.login.models import ExternalIdentity, IdentityProvider
from tests.support.oidc_login import CLIENT_ID, PEOPLE, SECRET, LoginProvider, running_login_provider
from tests.support.people import PASSWORD, make_user

FIXED = uuid.UUID("11111111-2222-4333-8444-555555555555")
BACK = f"/accounts/login/external/{FIXED}/back/"
LOGIN = "/accounts/login/"


@pytest.fixture(scope="module")
def server() -> Iterator[LoginProvider]:
    """One server for this file."""
    scheme = urlsplit(django_settings.APIM.public).scheme
    with running_login_provider(f"{scheme}://testserver{BACK}") as running:
        yield running


@pytest.fixture(autouse=True)
def _inner_addresses_allowed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")


def provider_of(admin: User, issuer: str = "https://idp.example", **columns: Any) -> IdentityProvider:
    row = IdentityProvider(
        organisation=columns.pop("organisation", admin.organisation), uuid=columns.pop("uuid", FIXED), name="Corp",
        issuer=issuer, client_id=CLIENT_ID, roles_claim="groups", role_mapping={"api-team": "Internal/creator"}, **columns,
    )  # fmt: skip
    return save_provider(by=admin, provider=row, secret=SECRET)


def depart(client: Client, **query: str) -> str:
    answer = client.get(f"/accounts/login/external/{FIXED}/", query)
    assert answer.status_code == 302
    return answer["Location"]


def who(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def refused(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer["Location"] == LOGIN
    assert who(client) is None
    return client.get(LOGIN).content.decode()


def come_back(client: Client, server: LoginProvider, person: str, **query: str) -> Any:
    return client.get(server.log_in(depart(client, **query), person))


def test_whole_way_makes_an_account_with_mapped_roles(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    assert "Log in with Corp" in client.get(LOGIN).content.decode()
    answer = come_back(client, server, "sub-ann", next="/devportal/apis")
    assert (answer.status_code, answer["Location"]) == (302, "/devportal/apis")
    user = who(client)
    assert (user.username, user.email, user.first_name) == ("ann", "ann@corp.example", "Ann")
    assert user.role_names == {"Internal/creator", "Internal/subscriber"}
    assert not user.has_usable_password()
    assert AuditRow.objects.get(action="user.login").after["by"] == "provider Corp"
    assert SECRET not in str(list(AuditRow.objects.values()))


def test_second_log_in_is_the_same_person(admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    for _ in range(2):
        come_back(Client(), server, "sub-ann")
    assert User.objects.filter(email="ann@corp.example").count() == 1


def test_request_has_state_nonce_and_pkce(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    first, second = (parse_qs(urlsplit(depart(client)).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_answer_for_another_browser_is_refused(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    address = server.log_in(depart(Client()), "sub-ann")
    assert "was not begun in this browser" in refused(client, address)
    depart(client)
    assert "was not begun in this browser" in refused(client, address)


def test_answer_counts_once(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    address = server.log_in(depart(client), "sub-ann")
    client.get(address)
    client.post("/accounts/logout/")
    assert "was not begun" in refused(client, address)


def test_answer_that_names_another_issuer_is_refused(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    address = server.log_in(depart(client), "sub-ann")
    wrong = address.replace(
        f"iss={server.issuer.replace(':', '%3A').replace('/', '%2F')}", "iss=https%3A%2F%2Fevil.example"
    )
    assert wrong != address
    assert "another provider" in refused(client, wrong)


def test_wrong_secret_is_told(client: Client, admin: User, server: LoginProvider) -> None:
    save_provider(by=admin, provider=provider_of(admin, server.issuer), secret="wrong")
    assert "invalid_client" in refused(client, server.log_in(depart(client), "sub-ann"))


def test_inner_addresses_are_not_asked(
    client: Client, admin: User, server: LoginProvider, settings: Any, monkeypatch: Any
) -> None:
    provider_of(admin, server.issuer)
    oidc._documents.clear()
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "")
    assert "inner network" in refused(client, f"/accounts/login/external/{FIXED}/")


def test_provider_of_one_organisation_is_unknown_in_another(
    client: Client, admin: User, other_organisation: Organisation, server: LoginProvider
) -> None:
    theirs = make_user(other_organisation, "admin")
    provider_of(theirs, server.issuer)
    for path in (f"/accounts/login/external/{FIXED}/", BACK):
        assert client.get(path).status_code == 404
        assert client.get(f"/t/carbon.super{path}").status_code == 404
    assert "Corp" not in client.get(LOGIN).content.decode()
    assert "Corp" in client.get("/t/acme.com/accounts/login/").content.decode()
    with pytest.raises(NotFound):
        save_provider(by=theirs, provider=IdentityProvider(organisation=admin.organisation, name="X"))


def test_switched_off_provider_is_unknown(client: Client, admin: User) -> None:
    provider_of(admin, enabled=False)
    assert client.get(f"/accounts/login/external/{FIXED}/").status_code == 404


def ann(**changes: Any) -> dict[str, Any]:
    return {"sub": "sub-ann", **PEOPLE["sub-ann"], **changes}


def test_groups_take_mapped_roles_away_and_leave_others(admin: User) -> None:
    provider = provider_of(admin)
    user = arrive(provider=provider, claims=ann())
    user.roles.add(admin.organisation.roles.get(name="Internal/devops"))
    found = arrive(provider=provider, claims=ann(groups=["sales"]))
    assert found.pk == user.pk
    assert User.objects.get(pk=user.pk).role_names == {"Internal/devops", "Internal/subscriber"}


def test_taken_name_gets_a_number(admin: User) -> None:
    make_user(admin.organisation, username="Ann")
    assert arrive(provider=provider_of(admin), claims=ann()).username == "ann-2"


@pytest.mark.parametrize("name", ["../../etc", "<script>", "ann@acme.com", "ä", "a" * 300, "\x00"])
def test_strange_names_become_plain(admin: User, name: str) -> None:
    user = arrive(provider=provider_of(admin), claims=ann(preferred_username=name))
    assert user.organisation == admin.organisation
    assert user.username.replace("-", "").replace(".", "").isalnum()


def test_linking_only_where_chosen_and_verified(admin: User) -> None:
    known = make_user(admin.organisation, username="annika")
    User.objects.filter(pk=known.pk).update(email="ANN@corp.example")
    provider = provider_of(admin)
    assert arrive(provider=provider, claims=ann(sub="one")).pk != known.pk
    provider.linking = "VERIFIED_EMAIL"
    User.objects.filter(username="ann").delete()
    assert arrive(provider=provider, claims=ann(sub="two", email_verified=False)).pk != known.pk
    assert arrive(provider=provider, claims=ann(sub="three", email_verified="true")).pk != known.pk
    linked = arrive(provider=provider, claims=ann(sub="four"))
    assert linked.pk == known.pk
    assert not User.objects.get(pk=known.pk).check_password(PASSWORD)


def test_linking_leaves_administrators_and_other_organisations_alone(
    admin: User, other_organisation: Organisation
) -> None:
    User.objects.filter(pk=admin.pk).update(email="ann@corp.example")
    stranger = make_user(other_organisation, username="ann")
    User.objects.filter(pk=stranger.pk).update(email="ann@corp.example")
    found = arrive(provider=provider_of(admin, linking="VERIFIED_EMAIL"), claims=ann())
    assert found.pk not in (admin.pk, stranger.pk)


def test_nobody_new_where_accounts_are_not_made(admin: User) -> None:
    with pytest.raises(Forbidden, match="no account for you"):
        arrive(provider=provider_of(admin, creates_users=False), claims=ann())
    assert not ExternalIdentity.objects.exists()


def test_switched_off_person_stays_out(client: Client, admin: User, server: LoginProvider) -> None:
    provider_of(admin, server.issuer)
    come_back(Client(), server, "sub-ann")
    User.objects.filter(username="ann").update(is_active=False)
    assert "not active" in refused(client, server.log_in(depart(client), "sub-ann"))


KEY = RSAKey.generate_key(2048, {"kid": "k"})


def token(*, key: Any = KEY, alg: str = "RS256", **changes: Any) -> str:
    now = int(time.time())
    whole = {
        "iss": "https://idp.example",
        "aud": CLIENT_ID,
        "sub": "s",
        "iat": now,
        "exp": now + 60,
        "nonce": "n",
        **changes,
    }
    whole = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "k"}, whole, key, algorithms=[alg])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "somebody"}, "audience"),
        ({"aud": [CLIENT_ID, "other"]}, "authorized party"),
        ({"azp": "other"}, "authorized party"),
        ({"exp": 1}, "end"),
        ({"exp": None}, "end"),
        ({"iat": time.time() + 9999}, "time"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"key": RSAKey.generate_key(2048, {"kid": "k"})}, "signature"),
    ],
)  # fmt: skip
def test_id_token_is_checked(changes: dict[str, Any], reason: str) -> None:
    provider = IdentityProvider(issuer="https://idp.example", client_id=CLIENT_ID)
    keys = {"keys": [KEY.as_dict(private=False)]}
    assert oidc.read(token(), keys, provider, "n")["sub"] == "s"
    with pytest.raises(oidc.LoginFailed, match=reason):
        oidc.read(token(**changes), keys, provider, "n")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 100_000])
def test_what_is_no_id_token_is_refused(text: str) -> None:
    provider = IdentityProvider(issuer="https://idp.example", client_id=CLIENT_ID)
    with pytest.raises(oidc.LoginFailed):
        oidc.read(text, {"keys": [KEY.as_dict(private=False)]}, provider, "n")


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"issuer": "http://idp.example"}, "issuer"),
        ({"issuer": "nonsense"}, "issuer"),
        ({"scopes": "email"}, "scopes"),
        ({"role_mapping": {"a": "no such role"}}, "role_mapping"),
        ({"default_roles": "admin"}, "default_roles"),
    ],
)
def test_wrong_providers_are_refused_at_their_field(admin: User, columns: dict[str, Any], field: str) -> None:
    row = IdentityProvider(
        organisation=admin.organisation, **{"name": "X", "issuer": "https://i.example", "client_id": "c", **columns}
    )
    with pytest.raises(Invalid) as found:
        save_provider(by=admin, provider=row)
    assert field in {one.field for one in found.value.fields}


def test_issuer_stays_once_people_came(admin: User) -> None:
    provider = provider_of(admin)
    arrive(provider=provider, claims=ann())
    provider.issuer = "https://evil.example"
    with pytest.raises(Conflict):
        save_provider(by=admin, provider=provider)


def test_admin_page_keeps_the_secret(client: Client, admin: User) -> None:
    provider = provider_of(admin)
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)
    page = f"/admin/logins/identityprovider/{provider.pk}/change/"
    text = client.get(page).content.decode()
    assert SECRET not in text
    assert provider.sealed_secret not in text
    assert BACK in text
    form = {
        "name": "Corp 2", "issuer": provider.issuer, "client_id": "c", "scopes": "openid", "linking": "NEVER", "enabled": "on",
        "role_mapping": "{}", "default_roles": "[]", "new_secret": "",
    }  # fmt: skip
    assert client.post(page, form).status_code == 302
    stored = IdentityProvider.objects.get()
    assert (stored.name, stored.sealed_secret) == ("Corp 2", provider.sealed_secret)


def test_only_administrators_add_one(developer: User) -> None:
    with pytest.raises(ApimError):
        provider_of(developer)
