"""Fixtures that every room's tests share: organisations and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from apim.accounts.models import Organisation, User

# How long an example takes depends on the machine, and fails no test. The examples are the same in every run: what is found
# by chance is looked for with `--hypothesis-profile=search`, and refuses nobody's change.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("house", derandomize=True, **PATIENT)
settings.register_profile("search", **PATIENT)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _nothing_remembered(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a process and its Redis remember of a database ends with the test's: failed log-ins, host names, providers."""
    yield
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db", "live_server"} & {
        *request.fixturenames
    }:
        from django.core.cache import cache

        from apim.accounts import hosts
        from apim.login import oidc

        cache.clear()
        hosts.forget()
        oidc._documents.clear()


@pytest.fixture
def organisation(db: None) -> Organisation:
    """The first organisation, filled by every seeder."""
    from tests.support.people import make_organisation

    return make_organisation("carbon.super")


@pytest.fixture
def other_organisation(organisation: Organisation) -> Organisation:
    """A second tenant, which must never see the first one's rows."""
    from tests.support.people import make_organisation

    return make_organisation("acme.com")


@pytest.fixture
def make_user(organisation: Organisation) -> Callable[..., User]:
    """`make_user(organisation, "Internal/creator", ...)` gives a user with those roles and the password below."""
    from tests.support.people import make_user as build

    return build


@pytest.fixture
def admin(organisation: Organisation) -> User:
    """An administrator of the first organisation."""
    from tests.support.people import make_user as build

    return build(organisation, "admin", username="admin")


@pytest.fixture
def creator(organisation: Organisation) -> User:
    """An API creator."""
    from tests.support.people import make_user as build

    return build(organisation, "Internal/creator", username="creator")


@pytest.fixture
def publisher_user(organisation: Organisation) -> User:
    """Somebody who creates and publishes APIs."""
    from tests.support.people import make_user as build

    return build(organisation, "Internal/creator", "Internal/publisher", username="publisher")


@pytest.fixture
def developer(organisation: Organisation) -> User:
    """An app developer of the portal."""
    from tests.support.people import make_user as build

    return build(organisation, "Internal/subscriber", username="developer")
