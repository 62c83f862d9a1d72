"""Bearers of tokens need, for each operation, one of the scopes that the contract names."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import resolve
from rest_framework.test import APIRequestFactory, force_authenticate

from apim.contracts.operations import operations
from apim.keymanager.rest import Token
from publisher.api.base import Resource
from publisher.api.contract_scopes import scopes_of
from tests.contracts import contract
from tests.publisher.make import make_api

OURS = [one for one in operations() if one.contract == "publisher" and not one.later]


def call(user: Any, method: str, path: str, *scopes: str) -> Any:
    """The answer to a bearer of a token with these scopes."""
    url = f"/api/am/publisher/v4{path}"
    request = APIRequestFactory().generic(method, url)
    force_authenticate(request, user=user, token=Token("client", "1", frozenset(scopes)))
    found = resolve(url)
    request.resolver_match = found
    return found.func(request, *found.args, **found.kwargs)


def test_a_token_with_another_scope_is_refused(publisher_user) -> None:
    ours = [one for one in OURS if one.routed() and issubclass(resolve(one.url).func.view_class, Resource)]
    assert len(ours) > 100
    answers = {
        one.key: call(publisher_user, one.method, one.url.partition("/publisher/v4")[2], "apim:nothing_of_this")
        for one in ours
    }
    assert {key: answer.status_code for key, answer in answers.items() if answer.status_code != 403} == {}


@pytest.mark.skipif(not contract.present(), reason=f"no contracts in {contract.FOLDER} (APIM_CONTRACTS)")
def test_the_table_says_what_the_contract_says() -> None:
    for one in OURS:
        described = contract.document("publisher")["paths"][one.path][one.method.lower()].get("security", [])
        asked = {scope for way in described for scopes in way.values() for scope in scopes}
        assert set(scopes_of(one.method, one.path) or ()) == asked, one.key


def test_the_right_scope_opens(publisher_user) -> None:
    place = f"/apis/{make_api(publisher_user).pk}"
    assert call(publisher_user, "GET", place, "apim:api_view").status_code == 200
    assert call(publisher_user, "HEAD", place, "apim:api_view").status_code == 200
    assert call(publisher_user, "DELETE", place, "apim:api_view").status_code == 403
    assert call(publisher_user, "DELETE", place, "apim:api_delete").status_code == 200
