"""Prepares an empty or older installation: tables, secrets, first organisation, administrator, schedules. Idempotent."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django_celery_beat.models import PeriodicTasks

from apim.accounts import hooks
from apim.accounts.actions.organisations import create_organisation
from apim.accounts.actions.users import create_user
from apim.accounts.models import SUPER_TENANT, BuiltinRole, Organisation, User
from apim.keymanager import gateway_key
from apim.secrets import ensure_certificate, read_or_make
from apim.up import hold, tables
from apim.up.parts import INTEGRATOR_ACCOUNT, INTEGRATOR_SECRET
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
    gateway_key.ensure()
    with transaction.atomic():
        first_organisation()
        integrator_account()
        schedule_chores()
    hold.release()


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
    """Make or change the tables. Raises Trouble with the database's own words."""
    try:
        tables.bring_up_to_date()
    except DatabaseError as error:
        raise Trouble(f"The tables of {_shown(settings.APIM.database)} cannot be made: {error}.") from error


def first_organisation() -> None:
    """The organisation that needs no tenant prefix, with its administrator; others are filled with what is new."""
    if not Organisation.objects.filter(domain=SUPER_TENANT).exists():
        password = settings.APIM.admin_password or read_or_make(password_file())
        create_organisation(
            by=None,
            domain=SUPER_TENANT,
            display_name="First organisation",
            admin_username=ADMIN,
            admin_password=password,
            admin_email=f"{ADMIN}@localhost.localdomain",
        )
        log.info("bootstrap.organisation", domain=SUPER_TENANT, administrator=ADMIN)
        return
    for organisation in Organisation.objects.filter(active=True):
        hooks.seed(organisation)
    forget_old_password()


def integrator_account() -> None:
    """The account with which the integrator registers services; its password is the given one or the secret file's."""
    password = settings.APIM.integrator_password or read_or_make(settings.APIM.secrets / INTEGRATOR_SECRET)
    user = User.objects.filter(username=INTEGRATOR_ACCOUNT).first()
    if user is None:
        create_user(
            by=None,
            organisation=Organisation.objects.get(domain=SUPER_TENANT),
            username=INTEGRATOR_ACCOUNT,
            email=f"{INTEGRATOR_ACCOUNT}@localhost.localdomain",
            password=password,
            roles=[BuiltinRole.INTEGRATION_DEV],
        )
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])


def forget_old_password() -> None:
    """Remove the file of the generated password once it opens nothing any more."""
    admin, path = User.objects.filter(username=ADMIN).first(), password_file()
    if path.exists() and (admin is None or not admin.check_password(path.read_text().strip())):
        path.unlink()


def schedule_chores() -> None:
    """Have every app that has a `beat` module write its periodic tasks into the database schedule."""
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.beat"):
            import_module(f"{app.name}.beat").schedule()
    PeriodicTasks.update_changed()


def password_file() -> Path:
    """Where a generated administrator password is kept until it is changed."""
    return settings.APIM.secrets / "admin-password"


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
