"""A REST client of the admin contract for any user."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apim.accounts.models import User

BASE = "/api/am/admin/v4"


class Rest(APIClient):
    """Speaks JSON with the resources below BASE."""

    def call(self, verb: str, path: str, body: object = None, **more):
        """The response of one call."""
        more.setdefault("format", "json")
        return getattr(self, verb)(BASE + path, body, **more)


@pytest.fixture
def rest() -> Callable[[User], Rest]:
    """`rest(user)` is a client logged in as that user."""

    def build(user: User) -> Rest:
        client = Rest()
        client.force_login(user)
        return client

    return build
