"""Prepares an empty or older installation: tables, secrets, first organisation, administrator, schedules. Idempotent."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from apim.accounts import hooks
from apim.accounts.models import SUPER_TENANT, BuiltinRole, Organisation, Role, User
from apim.secrets import ensure_certificate, read_or_make
from apim.up.schedules import store_schedules
from apim.up.trouble import Trouble

log = structlog.get_logger(__name__)
DATABASE_WAIT = 30.0
"""Seconds in which a database server that is just starting has to answer."""
ADMIN = "admin"


def bootstrap() -> None:
    """Do every step that is still to be done. Raises Trouble when the database cannot be reached or used."""
    wait_for_database()
    migrate()
    ensure_certificate(settings.APIM.secrets, urlsplit(settings.APIM.public).hostname or "localhost")
    with transaction.atomic():
        organisation = first_organisation()
        for one in Organisation.objects.filter(active=True):
            hooks.seed(one)
        ensure_admin(organisation)
        store_schedules(apps.get_app_configs())


def wait_for_database() -> None:
    """Connect, trying again while the server starts. Raises Trouble with the database's own words."""
    deadline = time.monotonic() + DATABASE_WAIT
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            if time.monotonic() > deadline or "starting up" not in reason:
                raise Trouble(f"The database {_shown(settings.APIM.database)} cannot be used: {reason}.") from error
        time.sleep(0.5)


def migrate() -> None:
    """Run the migrations that are missing; looking costs far less than Django's command does."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            log.info("bootstrap.migrate", steps=len(missing))
            call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise Trouble(f"The tables of {_shown(settings.APIM.database)} cannot be made: {error}.") from error


def first_organisation() -> Organisation:
    """The organisation that needs no tenant prefix."""
    organisation, made = Organisation.objects.get_or_create(
        domain=SUPER_TENANT, defaults={"display_name": "First organisation"}
    )
    for role in BuiltinRole:
        Role.objects.get_or_create(organisation=organisation, name=role.value, defaults={"description": role.label})
    if made:
        log.info("bootstrap.organisation", domain=organisation.domain)
    return organisation


def ensure_admin(organisation: Organisation) -> None:
    """Create the administrator with the given or a generated password; forget a file whose password is not valid any more."""
    path = password_file()
    admin = User.objects.filter(username=ADMIN).first()
    if admin is None:
        password = settings.APIM.admin_password or read_or_make(path)
        admin = User.objects.create_superuser(
            ADMIN, f"{ADMIN}@localhost.localdomain", password, organisation=organisation
        )
        admin.roles.add(Role.objects.get(organisation=organisation, name=BuiltinRole.ADMIN))
        log.info("bootstrap.administrator", username=ADMIN)
    elif path.exists() and not admin.check_password(path.read_text().strip()):
        path.unlink()


def password_file() -> Path:
    """Where a generated administrator password is kept until it is changed."""
    return settings.APIM.secrets / "admin-password"


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
