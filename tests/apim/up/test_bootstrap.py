"""Preparing an installation: everything is there after the first run, and nothing changes by the second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django_celery_beat.models import PeriodicTask

from apim.accounts.models import Organisation, User
from apim.traffic.models import Policy
from apim.up import hold
from apim.up.bootstrap import bootstrap, password_file
from apim.up.trouble import Trouble

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean_files() -> Iterator[None]:
    """No password file of another test."""
    password_file().unlink(missing_ok=True)
    hold.engage()
    yield
    password_file().unlink(missing_ok=True)


def test_an_empty_installation_is_prepared() -> None:
    bootstrap()
    organisation = Organisation.objects.get(domain="carbon.super")
    admin = User.objects.get(username="admin")
    assert admin.check_password(password_file().read_text().strip())
    assert admin.is_superuser
    assert admin.organisation == organisation
    assert Policy.objects.filter(organisation=organisation, name="Gold").exists()
    assert PeriodicTask.objects.filter(task="integrator.tasks.sync").count() == 1
    assert (settings.APIM.secrets / "tls.crt").exists()
    assert hold.marker().exists()


def test_a_second_run_changes_nothing() -> None:
    bootstrap()
    before = [model.objects.count() for model in (Organisation, User, Policy, PeriodicTask)]
    password = password_file().read_text()
    bootstrap()
    assert [model.objects.count() for model in (Organisation, User, Policy, PeriodicTask)] == before
    assert password_file().read_text() == password


def test_the_password_file_goes_when_the_password_was_changed() -> None:
    bootstrap()
    admin = User.objects.get(username="admin")
    admin.set_password("another-password-9")
    admin.save()
    bootstrap()
    assert not password_file().exists()
    assert User.objects.get(username="admin").check_password("another-password-9")


def test_the_integrator_account_follows_its_secret(tmp_path: Path) -> None:
    bootstrap()
    secret = settings.APIM.secrets / "integrator-password"
    secret.write_text("a-rotated-secret-1")
    bootstrap()
    user = User.objects.get(username="integrator")
    assert user.check_password("a-rotated-secret-1")
    assert user.role_names == {"Internal/integration_dev"}


def test_a_database_that_cannot_be_used_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError, connection

    def refuse() -> None:
        raise OperationalError("connection refused\nmore")

    monkeypatch.setattr(settings.APIM, "database_url", "postgres://apim:hunter2@db.example:5433/apim")
    monkeypatch.setattr(connection, "ensure_connection", refuse)
    with pytest.raises(Trouble) as caught:
        bootstrap()
    assert str(caught.value) == "The database postgres://db.example:5433/apim cannot be used: connection refused."
