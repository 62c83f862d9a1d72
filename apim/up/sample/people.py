"""The sample's accounts: one for each role people play, with generated passwords in files of their own."""

from __future__ import annotations

from django.conf import settings

from apim.accounts.actions.users import create_user
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.secrets import read_or_make

ROLES = {
    "creator": (BuiltinRole.CREATOR,),
    "publisher": (BuiltinRole.CREATOR, BuiltinRole.PUBLISHER),
    "developer": (BuiltinRole.SUBSCRIBER,),
}


def secret_name(username: str) -> str:
    """Name of the file below var/secrets that holds the account's password."""
    return f"demo-{username}-password"


def ensure_people(organisation: Organisation) -> dict[str, User]:
    """The accounts by name; made where they are missing."""
    return {name: _ensure(organisation, name, roles) for name, roles in ROLES.items()}


def _ensure(organisation: Organisation, name: str, roles: tuple[BuiltinRole, ...]) -> User:
    password = read_or_make(settings.APIM.secrets / secret_name(name))
    found = User.objects.filter(username=name).first()
    return found or create_user(
        by=None,
        organisation=organisation,
        username=name,
        password=password,
        email=f"{name}@localhost.localdomain",
        roles=roles,
    )
