"""RampartConfig and CarbonSecConfig: users, times, key stores and roles of a policy."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, children, local, text_of

RAMPART = "http://ws.apache.org/rampart/policy"
SECONDS = 300
SIGNER = "useReqSigCert"
"""The word for: encrypt the answer for the certificate that signed the request."""
_STORE = ("file", "keystore.file")
"""`privatestore` names the server's own store, whatever file the original kept it in."""
_IGNORED = ("timestampPrecisionInMilliseconds", "timestampStrict", "tokenStoreClass", "optimizeParts", "sslConfig")
_TEXTS = (
    "user",
    "userCertAlias",
    "encryptionUser",
    "stsAlias",
    "passwordCallbackClass",
    "policyValidatorCbClass",
    "timestampTTL",
    "timestampMaxSkew",
    "nonceLifeTime",
)
_CRYPTOS = ("signatureCrypto", "encryptionCrypto", "decryptionCrypto", "stsCrypto")


@dataclass(frozen=True)
class Store:
    """A key store that a policy names itself; an empty file means the server's."""

    file: str = ""
    password: str = ""
    alias: str = ""


@dataclass(frozen=True)
class Config:
    """Times are in seconds. `user` signs or authenticates, `encryption_user` is the alias to encrypt for."""

    user: str = ""
    certificate_alias: str = ""
    encryption_user: str = ""
    callback: str = ""
    ttl_s: int = SECONDS
    skew_s: int = SECONDS
    nonce_s: int = SECONDS
    signature: Store = Store()
    encryption: Store = Store()
    roles: frozenset[str] = frozenset()


def read_config(root: Element, reader: Reader) -> Config:
    """Read the configuration below a policy, wherever in it it stands."""
    held = next((item for item in root.iter(f"{{{RAMPART}}}RampartConfig")), None)
    texts: dict[str, str] = {}
    stores: dict[str, Store] = {}
    for item in children(held) if held is not None else ():
        name = local(item)
        if name in _CRYPTOS:
            stores[name] = _store(item)
        elif name in _TEXTS:
            texts[name] = text_of(item)
        elif name not in _IGNORED:
            allowed = ", ".join((*_TEXTS, *_CRYPTOS, *_IGNORED))
            raise reader.fail(item, f"<{name}> is not allowed in RampartConfig; allowed are {allowed}")

    def seconds(name: str) -> int:
        value = reader.integer(held, texts.get(name), name, SECONDS) if held is not None else SECONDS
        if not 0 <= value <= 86_400:
            raise reader.fail(held, f"{name} {value}: 0 to 86400 seconds are allowed")
        return value

    return Config(
        user=texts.get("user", ""),
        certificate_alias=texts.get("userCertAlias", ""),
        encryption_user=texts.get("encryptionUser", ""),
        callback=texts.get("passwordCallbackClass", ""),
        ttl_s=seconds("timestampTTL"),
        skew_s=seconds("timestampMaxSkew"),
        nonce_s=seconds("nonceLifeTime"),
        signature=stores.get("signatureCrypto", Store()),
        encryption=stores.get("encryptionCrypto") or stores.get("decryptionCrypto") or Store(),
        roles=_roles(root),
    )


def _store(element: Element) -> Store:
    values = {
        (item.get("name") or "").rpartition("crypto.merlin.")[2].rpartition("security.crypto.")[2]: text_of(item)
        for item in element.iter()
        if local(item) == "property"
    }
    file = next((values[name] for name in _STORE if values.get(name)), "")
    password = values.get("keystore.password", "") or values.get("file.password", "")
    return Store(file, password, values.get("keystore.alias", "") or values.get("alias", ""))


def _roles(root: Element) -> frozenset[str]:
    texts = (
        text_of(item)
        for item in root.iter()
        if local(item) == "property" and (item.get("name") or "").endswith("security.allowedroles")
    )
    return frozenset(role.strip() for text in texts for role in text.split(",") if role.strip())
