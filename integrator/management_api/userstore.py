"""Users and roles of the management API: those of deployment.toml, which only the file changes, and those added here.

Added ones are kept in one file of the secrets folder, passwords as scrypt hashes. All of it is bounded.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from integrator.engine.config import Config
from integrator.engine.users import split_basic, users, write_secret
from integrator.management_api.answers import Refusal

MOST_USERS, MOST_ROLES = 1000, 200
SHORTEST, LONGEST = 5, 128
"""Characters of a password."""
ADMIN, EVERYONE = "admin", "Internal/everyone"
FILE = "integrator_users"
_NAME = re.compile(r"[\w.@+/-]{1,100}\Z")
_COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass
class Person:
    """A user that was added here."""

    name: str
    salt: str
    hash: str
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """A user as the API tells it. `fixed`: of deployment.toml."""

    name: str
    roles: tuple[str, ...]
    fixed: bool

    @property
    def admin(self) -> bool:
        """Whether it has the administrators' role."""
        return ADMIN in self.roles


class UserStore:
    """Reads its file when it is made; every change is written before it is answered."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.people: dict[str, Person] = {}
        self.roles: set[str] = set()
        self._writing = threading.Lock()
        try:
            held = json.loads((folder / FILE).read_text("utf-8"))
            self.people = {item["name"]: Person(**item) for item in held["users"]}
            self.roles = set(held["roles"])
        except FileNotFoundError:
            return

    def check(self, config: Config, header: str | None) -> Known | None:
        """The user of a Basic Authorization header; None when name or password is wrong. Takes some 50 ms: not on the loop."""
        pair = split_basic(header)
        if pair is None:
            return None
        name, password = pair
        found = None
        for user in users(config, self.folder):
            same = hmac.compare_digest(user.name.encode(), name.encode())
            if hmac.compare_digest(user.password.encode(), password.encode()) and same:
                found = user.name
        person = self.people.get(name)
        if found is None and len(password) <= LONGEST:
            salt, wanted = (person.salt, person.hash) if person else ("", "")
            if hmac.compare_digest(_hash(password, salt), wanted) and person is not None:
                found = name
        return None if found is None else self.get(config, found)

    def all(self, config: Config) -> dict[str, Known]:
        """Everybody by name; deployment.toml comes first."""
        fixed = {
            user.name: Known(user.name, ((ADMIN, EVERYONE) if user.admin else (EVERYONE,)), True)
            for user in users(config, self.folder)
        }
        added = {one.name: Known(one.name, (*one.roles, EVERYONE), False) for one in self.people.values()}
        return added | fixed

    def get(self, config: Config, name: str) -> Known | None:
        """One user."""
        return self.all(config).get(name)

    def add(self, config: Config, name: str, password: str, admin: bool) -> None:
        """A new user. Raises Refusal."""
        if not _NAME.match(name):
            raise Refusal(400, "field 'userId': letters, digits and . _ - + @ / are allowed, up to 100")
        if self.get(config, name) is not None:
            raise Refusal(409, f"The user {name!r} exists already.")
        if len(self.people) >= MOST_USERS:
            raise Refusal(409, f"There are {MOST_USERS} users; no more are taken.")
        self.people[name] = Person(name, *_sealed(password), [ADMIN] if admin else [])
        self._write()

    def set_password(self, name: str, password: str) -> None:
        """Another password for an added user. Raises Refusal."""
        person = self._added(name)
        person.salt, person.hash = _sealed(password)
        self._write()

    def is_password(self, config: Config, name: str, password: str) -> bool:
        """Whether that is the user's password."""
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        return self.check(config, f"Basic {pair}") is not None

    def remove(self, name: str) -> None:
        """Remove an added user. Raises Refusal."""
        del self.people[self._added(name).name]
        self._write()

    def known_roles(self) -> list[str]:
        """Every role."""
        return [ADMIN, EVERYONE, *sorted(self.roles)]

    def add_role(self, name: str) -> None:
        """A new role. Raises Refusal."""
        if not _NAME.match(name):
            raise Refusal(400, "field 'role': letters, digits and . _ - + @ / are allowed, up to 100")
        if name in self.known_roles():
            raise Refusal(409, f"The role {name!r} exists already.")
        if len(self.roles) >= MOST_ROLES:
            raise Refusal(409, f"There are {MOST_ROLES} roles; no more are taken.")
        self.roles.add(name)
        self._write()

    def remove_role(self, name: str) -> None:
        """Remove a role, from its users too. Raises Refusal."""
        if name in (ADMIN, EVERYONE):
            raise Refusal(400, f"The role {name!r} cannot be removed.")
        if name not in self.roles:
            raise Refusal(404, f"The role {name!r} does not exist.")
        self.roles.discard(name)
        for person in self.people.values():
            person.roles = [role for role in person.roles if role != name]
        self._write()

    def assign(self, name: str, added: list[str], removed: list[str]) -> None:
        """Give and take roles. Raises Refusal."""
        person = self._added(name)
        for role in (*added, *removed):
            if role not in self.known_roles() or role == EVERYONE:
                raise Refusal(404, f"The role {role!r} does not exist or cannot be assigned.")
        person.roles = sorted({*person.roles, *added} - set(removed))
        self._write()

    def _added(self, name: str) -> Person:
        person = self.people.get(name)
        if person is None:
            raise Refusal(404, f"The user {name!r} does not exist, or stands in deployment.toml and is changed there.")
        return person

    def _write(self) -> None:
        with self._writing:  # several worker threads may change it; the last to write has seen all
            people, roles = list(self.people.values()), sorted(set(self.roles))
            held: dict[str, Any] = {"users": [asdict(one) for one in people], "roles": roles}
            write_secret(self.folder / FILE, json.dumps(held).encode())


def _sealed(password: str) -> tuple[str, str]:
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refusal(400, f"field 'password': {SHORTEST} to {LONGEST} characters are allowed")
    salt = secrets.token_hex(16)
    return salt, _hash(password, salt)


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode() or b"nobody", **_COST).hex()
