"""What no database stores is the caller's mistake, on every edge and on both databases."""

from __future__ import annotations

import base64

import pytest
from django.test import Client

from apim.accounts.models import Organisation

NUL_LOGIN = "Basic " + base64.b64encode(b"no\0body:secret").decode()
REST = "/api/am/publisher/v4/apis"


@pytest.mark.parametrize("address", ["/devportal/?q=a%00b", "/devportal/?tag=%00", REST + "?query=%00"])
def test_a_nul_in_a_search_is_no_server_error(organisation: Organisation, client: Client, address: str) -> None:
    assert client.get(address).status_code < 500


def test_a_nul_in_a_basic_login_is_refused(organisation: Organisation, client: Client) -> None:
    assert client.get(REST, HTTP_AUTHORIZATION=NUL_LOGIN).status_code in (400, 401)


def test_a_nul_in_the_login_form_is_shown_as_an_error(organisation: Organisation, client: Client) -> None:
    answer = client.post("/accounts/login/", {"username": "no\0body", "password": "secret"})
    assert answer.status_code in (200, 400)
