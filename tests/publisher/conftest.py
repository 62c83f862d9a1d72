"""A REST client of the publisher for any user."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apim.accounts.models import User

BASE = "/api/am/publisher/v4"


class Rest(APIClient):
    """Speaks JSON with the resources below BASE; one method per verb, with the path below it."""

    def call(self, verb: str, path: str, body: object = None, **more):
        """The response of one call."""
        more.setdefault("format", "json")
        return (
            getattr(self, verb)(BASE + path, body, **more)
            if body is not None
            else getattr(self, verb)(BASE + path, **more)
        )


@pytest.fixture
def rest() -> Callable[[User], Rest]:
    """`rest(user)` is a client logged in as that user."""

    def build(user: User) -> Rest:
        client = Rest()
        client.force_login(user)
        return client

    return build
