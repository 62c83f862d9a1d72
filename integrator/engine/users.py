"""The user store of the integrator: users of deployment.toml, or one administrator with a generated password."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from pathlib import Path

from integrator.engine.config import Config, User


def users(config: Config, folder: Path) -> tuple[User, ...]:
    """Users of deployment.toml; without any, admin with a password generated at first start (secrets/integrator_admin)."""
    if config.users:
        return config.users
    file = folder / "integrator_admin"
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(18).encode())
    return (User("admin", file.read_text().strip(), True),)


def split_basic(header: str | None) -> tuple[str, str] | None:
    """Name and password of a Basic Authorization header; None for anything else."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def check_basic(header: str | None, known: tuple[User, ...]) -> str | None:
    """The user of a Basic Authorization header when name and password are right."""
    pair = split_basic(header)
    if pair is None:
        return None
    found = None
    for user in known:
        same = hmac.compare_digest(user.name.encode(), pair[0].encode())
        if hmac.compare_digest(user.password.encode(), pair[1].encode()) and same:
            found = user.name
    return found


def write_secret(file: Path, data: bytes) -> None:
    """Write a file that only its owner can read; replaces a file at once, never by half."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_name(file.name + f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(file)
