"""encrypt() and decrypt() of expressions: RSA with the keys of a PKCS#12 key store of the home (reference 2.5)."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import Any

from integrator.engine.errors import Fault
from integrator.engine.message import Message

PADDINGS = ("RSA", "RSA/ECB/PKCS1Padding", "RSA/ECB/OAEPWithSHA1AndMGF1Padding", "RSA/ECB/OAEPWithSHA-1AndMGF1Padding")
TYPES = ("JKS", "PKCS12")
LARGEST = 1024 * 1024
"""Bytes of a key store."""


def encrypt(
    message: Message, text: str, path: str, password: str, alias: str, kind: str = "JKS", way: str = "RSA"
) -> str:
    """The text, readable for the owner of the alias' private key alone, in base64. Raises Fault."""
    entries = _open(message, path, password, kind)
    if alias not in entries:
        raise Fault(0, f"encrypt: key store {path!r} has no alias {alias!r}")
    try:
        return base64.b64encode(entries[alias][0].encrypt(text.encode(), _padding(way))).decode()
    except ValueError as error:
        raise Fault(0, f"encrypt: {error}") from error


def decrypt(
    message: Message, text: str, path: str, password: str, alias: str, kind: str = "JKS", way: str = "RSA"
) -> str:
    """What `encrypt` hid. Raises Fault."""
    entries = _open(message, path, password, kind)
    if alias not in entries or entries[alias][1] is None:
        raise Fault(0, f"decrypt: key store {path!r} has no private key of alias {alias!r}")
    try:
        return str(entries[alias][1].decrypt(base64.b64decode(text, validate=True), _padding(way)).decode())
    except ValueError as error:
        raise Fault(0, "decrypt: the text was not encrypted for this key") from error


def _padding(way: str) -> Any:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  (loaded by homes that encrypt)
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    if way not in PADDINGS:
        raise Fault(0, f"algorithm {way!r}: allowed are {', '.join(PADDINGS)}")
    if "OAEP" in way:
        return padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  (the name says SHA-1)
    return padding.PKCS1v15()


def _open(message: Message, path: str, password: str, kind: str) -> dict[str, tuple[Any, Any]]:
    if kind not in TYPES:
        raise Fault(0, f"key store type {kind!r}: allowed are {', '.join(TYPES)}")
    registry = message.deployment.registry
    file = registry.file(path) if ":" in path else _inside(registry.home, path)
    if file is None or not file.is_file() or file.stat().st_size > LARGEST:
        raise Fault(0, f"key store {path!r}: a file of the home is expected")
    stat = file.stat()
    return _entries(str(file), stat.st_mtime_ns, password, path)


def _inside(home: Path, path: str) -> Path | None:
    file = (home / path.lstrip("/")).resolve()
    return file if file.is_relative_to(home.resolve()) else None


@lru_cache(maxsize=32)
def _entries(file: str, _changed: int, password: str, shown: str) -> dict[str, tuple[Any, Any]]:
    """Public and private key by alias; kept as long as the file stays as it is."""
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12  # noqa: PLC0415

    try:
        store = load_pkcs12(Path(file).read_bytes(), password.encode())
    except ValueError:
        raise Fault(
            0,
            f"key store {shown!r}: a wrong password, or no PKCS#12 store; "
            "keytool -importkeystore -deststoretype PKCS12 makes one of a JKS store",
        ) from None
    found: dict[str, tuple[Any, Any]] = {}
    for each in (store.cert, *store.additional_certs):
        if each is not None:
            name = (each.friendly_name or b"").decode("utf-8", "replace")
            found[name] = (each.certificate.public_key(), store.key if each is store.cert else None)
    return found
