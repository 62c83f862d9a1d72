"""Admin pages of the configuration: on the same actions, with what was typed kept after a refusal."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from apim.configuration import scopes
from apim.configuration.models import AlertSubscription, TenantConfiguration, Theme
from apim.configuration.theme import USUAL

pytestmark = pytest.mark.django_db
PAGE = "/admin/configuration"


@pytest.fixture
def boss(admin) -> Client:
    admin.is_staff = admin.is_superuser = True
    admin.save()
    client = Client()
    client.force_login(admin)
    return client


def test_the_configuration_is_written_in_lines(boss, organisation, creator):
    form = {
        "organisation": organisation.pk,
        "scope_roles": "apim:api_publish: admin, Internal/creator",
        "role_aliases": "",
    }
    answer = boss.post(f"{PAGE}/tenantconfiguration/add/", form | {"others": json.dumps({"Ours": 1})})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    content = TenantConfiguration.objects.get().content
    assert content["Ours"] == 1 and scopes.may_have(creator, "apim:api_publish")
    page = boss.get(f"{PAGE}/tenantconfiguration/{TenantConfiguration.objects.get().pk}/change/").content.decode()
    assert "apim:api_publish: admin, Internal/creator" in page


def test_a_refusal_stands_at_its_field_and_what_was_typed_stays(boss, organisation):
    form = {"organisation": organisation.pk, "scope_roles": "apim:api_publish: unheard-of", "role_aliases": ""}
    answer = boss.post(f"{PAGE}/tenantconfiguration/add/", form | {"others": "{}"})
    assert answer.status_code == 200
    assert "unheard-of" in answer.context["adminform"].form.errors["scope_roles"][0]
    assert "apim:api_publish: unheard-of" in answer.content.decode()
    assert not TenantConfiguration.objects.exists()


def test_a_theme_is_put_on_changed_and_shown(boss, organisation):
    colours = {f"{mode}_{name}": value for mode, given in USUAL.items() for name, value in given.items()}
    form = {"organisation": organisation.pk, "title": "Acme", **colours}
    assert boss.post(f"{PAGE}/theme/add/", form | {"light_accent": "#7a1f5c"}).status_code == 302
    row = Theme.objects.get()
    assert row.description["light"]["accent"] == "#7a1f5c"
    assert "#7a1f5c" in boss.get(f"{PAGE}/theme/{row.pk}/change/").content.decode()
    answer = boss.post(f"{PAGE}/theme/{row.pk}/change/", form | {"light_text": "#eeeeee"})
    assert answer.status_code == 200 and "contrast" in answer.context["adminform"].form.errors["light_text"][0]
    assert boss.post(f"{PAGE}/theme/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Theme.objects.exists()


def test_alerts_are_asked_for(boss, admin):
    form = {"alerts": ["GatewaySilent"], "emails": "a@example.org\nb@example.org"}
    assert boss.post(f"{PAGE}/alertsubscription/add/", form).status_code == 302
    assert AlertSubscription.objects.get(user=admin).emails == ["a@example.org", "b@example.org"]
    assert (
        boss.post(
            f"{PAGE}/botalertsubscription/add/", {"organisation": admin.organisation_id, "email": "s@example.org"}
        ).status_code
        == 302
    )


@pytest.mark.parametrize("name", ["tenantconfiguration", "theme", "alertsubscription", "alertstate", "botsighting"])
def test_the_lists_open(boss, name):
    assert boss.get(f"{PAGE}/{name}/").status_code == 200
