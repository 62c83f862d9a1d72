"""An integrator that starts registers the sample's APIs in the catalog, once, through both sides' real code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apim.accounts.models import User
from catalog.models import Service
from tests.integrator.sample.conftest import Running, running_sample
from tests.support.people import PASSWORD, make_user
from tests.support.wait import until


@pytest.mark.django_db(transaction=True)
def test_the_samples_apis_register_themselves(live_server: Any, organisation: Any, tmp_path: Path) -> None:
    user: User = make_user(organisation, "Internal/integration_dev", username="integrator")
    told = {
        "SERVICE_CATALOG_HOST": live_server.url,
        "SERVICE_CATALOG_USERNAME": user.get_username(),
        "SERVICE_CATALOG_PASSWORD": PASSWORD,
    }
    with running_sample(tmp_path, **told) as running:
        # The log tells: SQLite in memory, shared with the live server, does not let two threads read and write at once.
        until(lambda: "registered customers-1.0.0" in running.process.log, seconds=60, what="the registration")
        port = running.url.rpartition(":")[2]
        assert set(Service.objects.values_list("key", "url")) == {
            (f"{name}-1.0.0", f"http://localhost:{port}") for name in ("customers", "inventory", "order")
        }
        before = set(Service.objects.values_list("key", "updated"))
        _touch(running)
        until(lambda: "all 3 services are up to date" in running.process.log, seconds=60, what="the second look")
        assert set(Service.objects.values_list("key", "updated")) == before


def _touch(running: Running) -> None:
    file = running.home / "repository/deployment/server/synapse-configs/default/sequences/notFound.xml"
    file.write_text(file.read_text() + "\n")
