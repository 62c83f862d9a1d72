"""A REST client of the catalog that logs in with Basic credentials, as an integrator does."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apim.accounts.models import User
from tests.support.people import PASSWORD

ROOT = "/api/am/service-catalog/v1"


class Rest:
    """`rest.get("/services")` and so on, as one user."""

    def __init__(self, user: User | None, password: str = PASSWORD) -> None:
        self._client = Client(raise_request_exception=True)
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"HTTP_AUTHORIZATION": f"Basic {token}"} if user else {}

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(path: str, *arguments: Any, **options: Any) -> Any:
            return getattr(self._client, verb)(ROOT + path, *arguments, **self._headers, **options)

        return call


@pytest.fixture
def integration_dev(make_user: Callable[..., User], organisation: Any) -> User:
    """Whom an integrator registers its services as."""
    return make_user(organisation, "Internal/integration_dev", username="integrator")


@pytest.fixture
def rest(integration_dev: User) -> Rest:
    """A client of the integration developer."""
    return Rest(integration_dev)
