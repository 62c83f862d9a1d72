"""A policy with everything it needs to work in one deployment: key stores, users and passwords."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING

from integrator.engine.config import Config, User
from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.reader import Reader, read_xml
from integrator.engine.scripting.python import class_of, packages
from integrator.engine.stores.base import StoreError
from integrator.engine.users import users
from integrator.engine.wss import inbound, outbound
from integrator.engine.wss.inbound import Facts
from integrator.engine.wss.keystore import KeyStore, KeyStoreError, generated, joined, read_store
from integrator.engine.wss.names import FAILED_AUTHENTICATION, SecurityRefusal
from integrator.engine.wss.policy import Policy, read_policy
from integrator.engine.wss.rampart import Store
from integrator.engine.wss.replay import Nonces
from integrator.engine.wss.signature import library
from integrator.engine.wss.tokens import WRONG
from integrator.engine.xmltools import Element

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.stores.redis import Shared

log = logging.getLogger("integrator.security")

SECURITY = Path("repository/resources/security")
"""Where key stores lie below the home, as in the original."""
RECHECK_S = 1.0
nonces = Nonces()


@dataclass(frozen=True)
class Engaged:
    """Enforces on what comes in, applies to what goes out."""

    policy: Policy
    keys: KeyStore
    people: tuple[User, ...]
    secrets: dict[str, str]
    callback: object = None

    async def enforce(self, deployment: Deployment, envelope: Element, sent: Facts | None = None) -> Facts:
        """Check a message in place. Raises SecurityRefusal."""
        if not self.policy.uses_keys and self.callback is None:
            facts = self._enforce(envelope, sent)
        else:
            facts = await deployment.runtime.run(self._enforce, envelope, sent)
        if facts.nonce and deployment.runtime.redis is not None:
            await self._claim(deployment.runtime.redis, facts.nonce)
        return facts

    async def _claim(self, shared: Shared, nonce: bytes) -> None:
        """The nonce is new in all processes of this home. Without Redis each process knows its own."""
        config = self.policy.config
        try:
            new = await shared.lease(f"nonce:{nonce.hex()}", token_hex(16), config.nonce_s + 2 * config.skew_s + 1)
        except StoreError as error:
            log.warning("nonces of other processes are not known: %s", error)
            return
        if not new:
            raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)

    def _enforce(self, envelope: Element, sent: Facts | None) -> Facts:
        facts = inbound.enforce(envelope, self.policy, self.keys, self.known, nonces, sent)
        if facts.user:
            self.authorise(facts.user)
        return facts

    async def apply(self, deployment: Deployment, envelope: Element, asked: Facts | None = None) -> Facts:
        """Secure a message in place. Raises SecurityRefusal."""
        if not self.policy.uses_keys:
            return outbound.apply(envelope, self.policy, self.keys, self._own, asked)
        return await deployment.runtime.run(outbound.apply, envelope, self.policy, self.keys, self._own, asked)

    def known(self, user: str) -> str | None:
        """Password of somebody who asks: the callback's, else the user store's."""
        if self.callback is not None:
            found = self.callback.password(user)  # type: ignore[attr-defined]  # the documented contract of the class
            return None if found is None else str(found)
        return next((held.password for held in self.people if held.name == user), None)

    def _own(self, user: str) -> str | None:
        """Password that we show to others."""
        if user in self.secrets:
            return self.secrets[user]
        return self.known(user)

    def authorise(self, user: str) -> None:
        """Raises SecurityRefusal when the user has none of the policy's roles."""
        wanted = self.policy.config.roles
        held = next((roles_of(item) for item in self.people if item.name == user), frozenset({"everyone"}))
        if wanted and not wanted & held:
            raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)


def roles_of(user: User) -> frozenset[str]:
    """Roles of a user: its own, everyone's, and admin for administrators."""
    return frozenset({"everyone", "Internal/everyone", *user.roles, *(("admin",) if user.admin else ())})


def engage(deployment: Deployment, key: str) -> Engaged:
    """The policy behind a key, ready to work; its text is looked at every second, and compiled again when it changed.

    Raises Fault.
    """
    name, now = f"policy {key}", monotonic()
    held = deployment.compiled.get(name)
    if held is not None and held[1][1] > now:
        return held[1][0]  # type: ignore[no-any-return]  # what `compiled` holds is known to who put it there
    text = deployment.entry_text(key)
    if text is None:
        raise Fault(0, f"security policy {key!r} is neither a local entry nor a registry resource")
    data = text.encode()
    engaged = held[1][0] if held is not None and held[0] == data else _compile(deployment, key, data)
    deployment.compiled[name] = (data, (engaged, now + RECHECK_S))
    return engaged


def _compile(deployment: Deployment, key: str, data: bytes) -> Engaged:
    try:
        root, reader = read_xml(data, key)
        policy = read_policy(root, reader)
        keys = _keys(deployment, policy, root, reader)
    except DeploymentError as error:
        raise Fault(0, str(error)) from error
    secrets = deployment.config.tables.get("ws_security", {}).get("passwords", {})
    people = users(deployment.config, deployment.runtime.settings.secrets)
    passwords = {str(name): str(value) for name, value in secrets.items()}
    return Engaged(policy, keys, people, passwords, _callback(deployment, policy.config.callback))


def _callback(deployment: Deployment, name: str) -> object:
    """An object of a Python class that is allowed; a Java class is not there, the user store takes its place."""
    module = name.rpartition(".")[0]
    if not any(module == package or module.startswith(f"{package}.") for package in packages(deployment)):
        return None
    made: object = class_of(deployment, name, "password")()
    return made


def _keys(deployment: Deployment, policy: Policy, root: Element, reader: Reader) -> KeyStore:
    if not policy.uses_keys:
        return KeyStore((), ())
    try:
        library()
    except ImportError as error:  # xmlsec says here when its libxml2 is another than lxml's
        raise reader.fail(root, f"signatures are not available: {error}") from error
    home, config = deployment.registry.home, deployment.config
    try:
        own = [_read(home, store) for store in (policy.config.signature, policy.config.encryption) if store.file]
        return joined([*own, _server(deployment, home, config)] if len(own) < 2 else own)  # noqa: PLR2004  (both)
    except KeyStoreError as error:
        raise reader.fail(root, str(error)) from error


def _server(deployment: Deployment, home: Path, config: Config) -> KeyStore:
    """[keystore.primary] and [truststore]; without the first, a key made at first use."""
    primary = config.tables.get("keystore", {}).get("primary", {})
    trust = config.tables.get("truststore", {})
    stores = [_read(home, _named(table)) for table in (primary, trust) if table.get("file_name")]
    if not primary.get("file_name"):
        stores.append(generated(deployment.runtime.settings.secrets, config.hostname))
    return joined(stores)


def _named(table: dict[str, object]) -> Store:
    return Store(str(table.get("file_name", "")), str(table.get("password", "")))


def _read(home: Path, store: Store) -> KeyStore:
    """A store's file, relative to the home's security folder; beside a .jks its converted .p12 is taken."""
    name = Path(store.file)
    file = home / SECURITY / name  # an absolute name stays what it is
    if not _there(file) and _there(home / name):
        file = home / name
    converted = file.with_suffix(".p12")
    return read_store(converted if file.suffix.lower() == ".jks" and converted.exists() else file, store.password)


def _there(file: Path) -> bool:
    return file.exists() or file.with_suffix(".p12").exists()
