"""Log-in by a SAML 2.0 identity provider: the whole way, and every answer that must not be believed."""

from __future__ import annotations

import base64
import copy
import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from lxml import etree

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import ApimError, Conflict, Invalid, NotFound
from apim.login import saml_metadata
from apim.login.actions.providers import save_provider
from apim.login.models import ExternalIdentity, IdentityProvider, LoginRules, SamlRequest
from tests.support.people import make_user
from tests.support.saml_login import (
    ENTITY,
    FIXED,
    IDP,
    NAMES,
    PATH,
    SIGNATURE,
    SSO,
    STRANGER,
    Asked,
    assertion,
    post,
    response,
    signed,
)

LOGIN = "/accounts/login/"


def provider_of(admin: User, **columns: Any) -> IdentityProvider:
    row = IdentityProvider(**{
        "organisation": admin.organisation, "uuid": FIXED, "name": "Corp SAML", "kind": "SAML2", "issuer": ENTITY,
        "sso_address": SSO, "certificates": IDP.certificate, "name_attribute": "uid", "email_attribute": "mail",
        "roles_claim": "groups", "role_mapping": {"api-team": "Internal/creator"}, **columns,
    })  # fmt: skip
    return save_provider(by=admin, provider=row)


def who(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def refusal(answer: Any, login: str = LOGIN) -> str:
    """What the log-in page says after an answer that was refused."""
    assert (answer.status_code, answer["Location"]) == (302, login)
    follower = Client()
    follower.cookies = answer.cookies
    text = follower.get(login).content.decode()
    assert "Log-in with Corp SAML failed" in text
    return text


def test_whole_way_makes_an_account_with_mapped_roles(client: Client, admin: User) -> None:
    provider_of(admin)
    assert PATH in client.get(LOGIN).content.decode()
    asked = Asked(client, next="/devportal/apis")
    answer = post(asked, signed(asked))
    assert (answer.status_code, "sessionid" in answer.cookies) == (302, False)
    assert answer["Location"].startswith(f"{PATH}done/")
    answer = client.get(answer["Location"])
    assert (answer.status_code, answer["Location"]) == (302, "/devportal/apis")
    user = who(client)
    assert (user.username, user.email, user.first_name) == ("ann", "ann@corp.example", "Ann")
    assert user.role_names == {"Internal/creator", "Internal/subscriber"}
    assert not user.has_usable_password()
    assert AuditRow.objects.get(action="user.login").after["by"] == "provider Corp SAML"
    assert not SamlRequest.objects.exists()


def test_signed_response_will_do_and_the_person_is_found_again(admin: User) -> None:
    provider_of(admin)
    for groups in (["api-team"], ["sales"]):
        client = Client()
        asked = Asked(client)
        client.get(post(asked, IDP.sign(response(asked, assertion(asked, groups=groups))))["Location"])
        assert who(client).username == "ann"
    assert User.objects.get(username="ann").role_names == {"Internal/subscriber"}
    assert User.objects.filter(email="ann@corp.example").count() == 1


def test_comment_does_not_cut_the_name(client: Client, admin: User) -> None:
    provider_of(admin)
    asked = Asked(client)
    client.get(post(asked, signed(asked, subject="boss<!-- -->.evil"))["Location"])
    assert ExternalIdentity.objects.get().subject == "boss.evil"


def test_second_factor_is_asked_where_chosen(client: Client, admin: User) -> None:
    provider_of(admin, second_factor=True, default_roles=["Internal/subscriber"])
    LoginRules.objects.create(organisation=admin.organisation, second_factor_roles=["Internal/subscriber"])
    asked = Asked(client)
    answer = client.get(post(asked, signed(asked))["Location"])
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/second-factor/")
    assert who(client) is None


def test_second_certificate_counts_as_well(client: Client, admin: User) -> None:
    provider_of(admin, certificates=STRANGER.certificate + IDP.certificate)
    asked = Asked(client)
    client.get(post(asked, signed(asked))["Location"])
    assert who(client) is not None


def test_request_is_complete_and_never_the_same(client: Client, admin: User) -> None:
    provider_of(admin)
    first, second = Asked(client), Asked(client)
    assert first.identifier != second.identifier
    assert first.relay != second.relay
    assert len(first.relay.encode()) <= 80
    scheme = urlsplit(django_settings.APIM.public).scheme
    assert first.acs == f"{scheme}://testserver{PATH}acs/"
    assert (first.xml.get("Destination"), first.xml.get("Version")) == (SSO, "2.0")


def test_our_metadata_names_the_same_addresses(client: Client, admin: User) -> None:
    provider_of(admin)
    asked, answer = Asked(client), client.get(f"{PATH}metadata/")
    root = etree.fromstring(answer.content)
    assert root.get("entityID") == asked.audience
    assert root.find(".//{*}AssertionConsumerService").get("Location") == asked.acs


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"by": STRANGER}, "signature is not right"),
        ({"audience": "https://other.example"}, "not made for this server"),
        ({"recipient": "https://other.example/acs"}, "No bearer confirmation is for this server"),
        ({"issuer": "https://evil.example"}, "issuer is another one"),
        ({"begins": 600}, "not valid yet"),
        ({"ends": -600}, "expired"),
        ({"confirmed": -600}, "expired"),
        ({"confirmed": 90_000}, "No bearer confirmation"),
        ({"request": "_other"}, "InResponseTo"),
        ({"request": None}, "InResponseTo"),
        ({"subject": ""}, "NameID"),
        ({"subject": "x" * 256}, "NameID"),
        ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "transient"),
        ({"groups": ["g"] * 1001}, "values of attributes"),
    ],
)  # fmt: skip
def test_wrong_assertions_are_refused(client: Client, admin: User, changes: dict[str, Any], reason: str) -> None:
    provider_of(admin)
    asked = Asked(client)
    assert reason in refusal(post(asked, signed(asked, **changes)))
    assert not User.objects.filter(username="ann").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request": "_other"}, "InResponseTo"),
        ({"request": None}, "InResponseTo"),
        ({"destination": "https://other.example/acs"}, "destination"),
        ({"destination": ""}, "destination"),
        ({"issuer": "https://evil.example"}, "issuer"),
        ({"status": "Responder"}, "The provider said: Responder"),
    ],
)  # fmt: skip
def test_wrong_frames_are_refused(client: Client, admin: User, changes: dict[str, Any], reason: str) -> None:
    provider_of(admin)
    asked = Asked(client)
    assert reason in refusal(post(asked, IDP.sign(response(asked, assertion(asked), **changes))))


def unsigned(asked: Asked) -> Any:
    return response(asked, assertion(asked))


def changed(asked: Asked) -> Any:
    whole = signed(asked)
    whole.find(".//saml:NameID", NAMES).text = "boss"
    return whole


def beside(asked: Asked) -> Any:
    whole = signed(asked)
    whole.insert(0, assertion(asked, subject="boss"))
    return whole


def around(asked: Asked) -> Any:
    """A forged assertion that holds the right one, and its signature as its own."""
    right = IDP.sign(assertion(asked))
    forged = assertion(asked, subject="boss")
    signature = right.find(SIGNATURE)
    forged.insert(1, copy.deepcopy(signature))
    right.remove(signature)
    etree.SubElement(forged, f"{{{NAMES['saml']}}}Advice").append(right)
    return response(asked, forged)


def same_id(asked: Asked) -> Any:
    """The right assertion within an extension of the response, a forged one of the same ID in its place."""
    right = IDP.sign(assertion(asked))
    forged = assertion(asked, subject="boss", id=right.get("ID"))
    forged.insert(1, copy.deepcopy(right.find(SIGNATURE)))
    whole = response(asked, forged)
    etree.SubElement(whole, f"{{{NAMES['samlp']}}}Extensions").append(right)
    return whole


def borrowed(asked: Asked) -> Any:
    """The signed response of another log-in, put into the frame of a forged one."""
    inner = IDP.sign(response(asked, assertion(asked)))
    outer = response(asked, assertion(asked, subject="boss"))
    outer.insert(1, copy.deepcopy(inner.find(SIGNATURE)))
    return outer


def encrypted(asked: Asked) -> Any:
    return response(asked, etree.Element(f"{{{NAMES['saml']}}}EncryptedAssertion"))


def without_login(asked: Asked) -> Any:
    bare = assertion(asked)
    bare.remove(bare.find("saml:AuthnStatement", NAMES))
    return response(asked, IDP.sign(bare))


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (unsigned, "is signed"),
        (changed, "signature is not right"),
        (beside, "exactly one assertion"),
        (around, "exactly one assertion"),
        (same_id, "exactly one assertion"),
        (borrowed, "signature is not right"),
        (encrypted, "encrypted"),
        (without_login, "AuthnStatement"),
        (lambda asked: response(asked), "exactly one assertion"),
        (lambda asked: assertion(asked), "not a SAML 2.0 response"),
    ],
)  # fmt: skip
def test_forged_answers_are_refused(client: Client, admin: User, forge: Callable[[Asked], Any], reason: str) -> None:
    provider_of(admin)
    asked = Asked(client)
    assert reason in refusal(post(asked, forge(asked)))
    assert not User.objects.filter(username="ann").exists()


ENTITIES = b"""<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0">&b;&f;</samlp:Response>"""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ENTITIES, "document type"),
        (ENTITIES.decode().encode("utf-16"), "document type"),
        (b"", "not XML"),
        (b"no xml", "not XML"),
        (b"<a>" * 20_000, "not XML"),
        (b"<a/>" * 60_000, "too long"),
    ],
)  # fmt: skip
def test_what_is_no_plain_xml_is_refused(client: Client, admin: User, raw: bytes, reason: str) -> None:
    provider_of(admin)
    asked = Asked(client)
    assert reason in refusal(post(asked, raw))


@pytest.mark.parametrize("form", [{}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "\x00"}])
def test_strange_forms_are_refused(client: Client, admin: User, form: dict[str, str]) -> None:
    provider_of(admin)
    asked = Asked(client)
    refusal(client.post(f"{PATH}acs/", {**form, "RelayState": asked.relay}))
    refusal(client.post(f"{PATH}acs/", {**form, "RelayState": "\x00" * 999}))
    assert client.get(f"{PATH}acs/").status_code == 405


def test_what_was_not_asked_for_is_refused(client: Client, admin: User) -> None:
    provider_of(admin)
    asked = Asked(client)
    for relay in ("", "guess"):
        assert "belongs to no log-in" in refusal(post(asked, signed(asked), relay=relay))


def test_answer_and_assertion_count_once(client: Client, admin: User) -> None:
    provider_of(admin)
    asked = Asked(client)
    whole = signed(asked)
    onward = post(asked, whole)["Location"]
    assert "belongs to no log-in" in refusal(post(asked, whole))
    client.get(onward)
    client.post("/accounts/logout/")
    assert "not begun in this browser" in refusal(client.get(onward))
    SamlRequest.objects.create(
        checksum=hashlib.sha256(b"again").hexdigest(),
        provider=IdentityProvider.objects.get(), identifier=asked.identifier,
    )  # fmt: skip
    assert "used before" in refusal(post(asked, whole, relay="again"))


def test_answer_for_another_browser_is_refused(client: Client, admin: User) -> None:
    provider_of(admin)
    attacker = Client()
    asked = Asked(attacker)
    onward = post(asked, signed(asked), client=client)["Location"]
    assert "not begun in this browser" in refusal(client.get(onward))
    Asked(client)
    assert "not begun in this browser" in refusal(client.get(onward))
    assert who(client) is None


def test_late_answers_are_refused(client: Client, admin: User) -> None:
    provider_of(admin)
    asked = Asked(client)
    SamlRequest.objects.update(at=datetime.now(UTC) - timedelta(seconds=700))
    assert "belongs to no log-in" in refusal(post(asked, signed(asked)))
    Asked(client)
    assert SamlRequest.objects.count() == 1


def test_provider_of_one_organisation_never_logs_into_another(
    client: Client, admin: User, other_organisation: Organisation
) -> None:
    theirs = make_user(other_organisation, "admin")
    provider_of(theirs)
    provider_of(admin, uuid=uuid.uuid4(), name="Ours", certificates=STRANGER.certificate)
    for path in ("", "metadata/", "done/"):
        assert client.get(f"{PATH}{path}").status_code == 404
    asked = Asked(client, "/t/acme.com")
    assert client.post(f"{PATH}acs/", {"RelayState": asked.relay}).status_code == 404
    ours = IdentityProvider.objects.get(name="Ours")
    stolen = Client().post(f"/accounts/login/saml/{ours.uuid}/acs/", {
        "RelayState": asked.relay, "SAMLResponse": base64.b64encode(etree.tostring(signed(asked))).decode(),
    })  # fmt: skip
    assert (stolen.status_code, stolen["Location"]) == (302, LOGIN)
    client.get(post(asked, signed(asked))["Location"])
    assert who(client).organisation == other_organisation
    with pytest.raises(NotFound):
        save_provider(by=theirs, provider=IdentityProvider(organisation=admin.organisation, name="X", kind="SAML2"))


def test_kinds_do_not_share_addresses(client: Client, admin: User) -> None:
    provider_of(admin)
    assert client.get(f"/accounts/login/external/{FIXED}/").status_code == 404
    IdentityProvider.objects.update(kind="OIDC")
    assert client.get(PATH).status_code == 404


def test_administrators_and_switched_off_people_stay_out(client: Client, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(email="ann@corp.example")
    provider_of(admin, linking="VERIFIED_EMAIL")
    asked = Asked(client)
    client.get(post(asked, signed(asked))["Location"])
    assert who(client) not in (None, admin)
    User.objects.filter(username="ann").update(is_active=False)
    again = Client()
    asked = Asked(again)
    assert "not active" in refusal(again.get(post(asked, signed(asked))["Location"]))


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"sso_address": "http://idp.example/sso"}, "sso_address"),
        ({"sso_address": "javascript:alert(1)"}, "sso_address"),
        ({"sso_address": "https://[x"}, "sso_address"),
        ({"issuer": ""}, "issuer"),
        ({"certificates": ""}, "certificates"),
        ({"certificates": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "certificates"),
        ({"certificates": IDP.certificate + IDP.key.decode()}, "certificates"),
    ],
)
def test_wrong_providers_are_refused_at_their_field(admin: User, columns: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as found:
        provider_of(admin, **columns)
    assert field in {one.field for one in found.value.fields}


def test_kind_and_entity_stay_once_people_came(client: Client, admin: User) -> None:
    provider = provider_of(admin)
    asked = Asked(client)
    client.get(post(asked, signed(asked))["Location"])
    provider.issuer = "https://evil.example"
    with pytest.raises(Conflict):
        save_provider(by=admin, provider=provider)


def described(certificate: str, binding: str = "HTTP-Redirect", count: int = 1) -> bytes:
    body = "".join(certificate.splitlines()[1:-1])
    one = f"""<EntityDescriptor entityID="{ENTITY}"><IDPSSODescriptor
      protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{body}</X509Certificate></X509Data>
      </KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}"
      Location="{SSO}"/></IDPSSODescriptor></EntityDescriptor>"""
    return (
        f'<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">{one * count}</EntitiesDescriptor>'.encode()
    )


def test_admin_page_takes_the_metadata(client: Client, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)
    page = "/admin/logins/identityprovider/add/"
    form = {
        "organisation": admin.organisation_id, "name": "Corp SAML", "kind": "OIDC", "enabled": "on", "scopes": "openid",
        "linking": "NEVER", "role_mapping": "{}", "default_roles": "[]", "creates_users": "on",
    }  # fmt: skip
    wrong = client.post(page, {**form, "metadata": SimpleUploadedFile("m.xml", ENTITIES)})
    assert "document type" in wrong.content.decode()
    answer = client.post(page, {**form, "metadata": SimpleUploadedFile("m.xml", described(IDP.certificate))})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    row = IdentityProvider.objects.get()
    assert (row.kind, row.issuer, row.sso_address) == ("SAML2", ENTITY, SSO)
    assert saml_metadata.certificates_problem(row.certificates) == ""
    shown = client.get(f"/admin/logins/identityprovider/{row.pk}/change/").content.decode()
    assert f"/accounts/login/saml/{row.uuid}/metadata/" in shown


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (described(IDP.certificate, binding="HTTP-POST"), "HTTP-Redirect"),
        (described(IDP.certificate, count=2), "describes 2"),
        (described(IDP.certificate, count=0), "describes 0"),
        (b" " * 600_000, "longer than"),
        (ENTITIES, "document type"),
    ],
)
def test_unusable_metadata_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        saml_metadata.read(raw)


def test_only_administrators_add_one(developer: User) -> None:
    with pytest.raises(ApimError):
        provider_of(developer)
