"""Secrets of backends do not stand on the admin's pages of records."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from apim.accounts.actions.roles import set_roles
from apim.eventhub.masks import masked
from apim.eventhub.models import Current

SECRET = "s3cr3t"
RECORD = {
    "production": {
        "url": "https://a",
        "security": {"kind": "oauth", "username": "u", "password": SECRET, "client_secret": SECRET},
        "client_key": SECRET,
        "members": [{"security": {"kind": "api_key", "name": "X", "value": SECRET}}],
        "properties": [["secret_key", SECRET], ["region", "eu-west-1"]],
    },
    "flows": {"request": [{"name": "opaPolicy", "parameters": {"accessKey": SECRET}}]},
}


def test_secrets_are_hidden_and_the_rest_stays() -> None:
    text = masked(json.dumps(RECORD))
    assert SECRET not in text
    for shown in ("https://a", "eu-west-1", '"username": "u"', '"name": "X"'):
        assert shown in text
    assert masked("") == ""
    assert masked("{") == "(not readable)"


@pytest.mark.django_db
def test_the_admin_shows_no_secret(admin) -> None:
    row = Current.objects.create(
        kind="api",
        key="Default:x",
        sequence=1,
        organisation="carbon.super",
        environment="Default",
        record=json.dumps(RECORD),
    )
    browser = Client()
    browser.force_login(set_roles(by=None, user=admin, roles=["admin"]))
    text = browser.get(f"/admin/eventhub/current/{row.pk}/change/").content.decode()
    assert "https://a" in text
    assert SECRET not in text
