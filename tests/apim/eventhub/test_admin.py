"""The admin page of gateways."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apim.accounts.actions.roles import set_roles
from apim.eventhub.models import GatewayStatus

pytestmark = pytest.mark.django_db
PAGE = "/admin/eventhub/gatewaystatus/"


def test_it_shows_lag_refusals_and_who_is_gone(admin):
    now = timezone.now()
    common = {"environment": "Default", "host": "here", "pid": 1, "started": now, "sequence": 0}
    refusal = {"sequence": 1, "kind": "api", "key": "Default:abc", "reason": "<b>no endpoint</b>"}
    row = GatewayStatus.objects.create(gateway="one", seen=now, refusals=[refusal], **common)
    GatewayStatus.objects.create(gateway="two", seen=now - timedelta(minutes=2), **common)
    browser = Client()
    browser.force_login(set_roles(by=None, user=admin, roles=["admin"]))
    text = browser.get(PAGE).content.decode()
    for word in ("refuses", "gone"):
        assert word in text
    assert re.search(r"\b1[2-9]\d s ago", text), "the age of the last report"
    detail = browser.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert "&lt;b&gt;no endpoint&lt;/b&gt;" in detail
    assert browser.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}, headers={"Accept": "text/html"}).status_code == 403
