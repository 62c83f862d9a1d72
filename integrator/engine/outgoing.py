"""How calls leave the integrator, from conf/deployment.toml: HTTP proxies, TLS profiles of servers, connections (reference 1.7).

Keys are those of the Micro Integrator. Stores are PEM or PKCS12; a Java key store is refused with the command that converts it.
"""

from __future__ import annotations

import json
import logging
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.reader import Reader, read_xml
from integrator.engine.xmltools import Element, child, children, local, text_of
from wire.routes import MAX_LINKS, Proxy, Routes

log = logging.getLogger("integrator")

FILE = "conf/deployment.toml"
TYPES = ("PEM", "PKCS12")
CONVERT = "keytool -importkeystore -srckeystore FILE.jks -destkeystore FILE.p12 -deststoretype PKCS12"
PROTOCOLS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

_made: dict[Path, tuple[str, Routes]] = {}
"""The routes of a home and what they were made of: pools live on while nothing of it changes."""


def read_routes(tables: Mapping[str, Any], home: Path) -> Routes:
    """The routes that the configuration asks for; the same object while nothing changes. Raises DeploymentError."""
    http, https, blocking = (_sender(tables, *path) for path in (("http",), ("https",), ("blocking", "http")))
    given = {**blocking, **https, **http}
    profiles = _profile_file(given, home)
    stamp = json.dumps([given, https, _stamps(profiles, home)], default=str, sort_keys=True)
    held = _made.get(home)
    if held is None or held[0] != stamp:
        held = _made[home] = (stamp, _routes(given, https, profiles, home))
    return held[1]


def _sender(tables: Mapping[str, Any], *path: str) -> dict[str, Any]:
    found = tables.get("transport", {})
    for part in (*path, "sender"):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return dict(found) if isinstance(found, dict) else {}


def _routes(given: dict[str, Any], https: dict[str, Any], profiles: Path | None, home: Path) -> Routes:
    proxy, direct = _proxy(given)
    most = _number(given, "max_connections_per_host", MAX_LINKS)
    contexts = _profiles(profiles, home) if profiles is not None else {}
    if any(str(table.get("hostname_verifier", "")).lower() == "allowall" for table in (given, https)):
        log.warning("%s: hostname_verifier AllowAll: certificates of other hosts are taken", FILE)
        for context in contexts.setdefault("*", ssl.create_default_context()), *contexts.values():
            context.check_hostname = False
    return Routes(contexts, (("*", proxy),) if proxy is not None else (), direct, most)


def _proxy(given: dict[str, Any]) -> tuple[Proxy | None, tuple[str, ...]]:
    more = given.get("parameter") or given.get("parameters") or {}
    flat = {**_flat(more), **{key: value for key, value in given.items() if not isinstance(value, dict)}}
    host = str(flat.get("proxy_host") or flat.get("http.proxyHost") or "")
    if not host:
        return None, ()
    port = _number(flat, "proxy_port" if "proxy_port" in flat else "http.proxyPort", 80)
    if port > 65535:
        raise _wrong(f"proxy_port = {port}: a port from 1 to 65535 is expected")
    user = str(flat.get("proxy_username") or flat.get("http.proxy.username") or "")
    password = str(flat.get("proxy_password") or flat.get("http.proxy.password") or "")
    listed = flat.get("non_proxy_hosts") or flat.get("http.nonProxyHosts") or ()
    names = listed.replace("|", ",").split(",") if isinstance(listed, str) else [str(item) for item in listed]
    direct = tuple(name.strip().lower() for name in names if name.strip())
    return Proxy(host, port, f"{user}:{password}" if user else ""), direct


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables by dotted names: `http.proxyHost` may be written with or without quotes."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{before}{key}"
        found.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return found


def _number(table: Mapping[str, Any], name: str, default: int) -> int:
    try:
        found = int(table.get(name, default))
    except (TypeError, ValueError):
        found = 0
    if found < 1:
        raise _wrong(f"{name} = {table.get(name)!r}: a number of 1 or more is expected")
    return found


def _wrong(text: str) -> DeploymentError:
    return DeploymentError(Place(FILE, element="transport.http sender"), text)


def _profile_file(given: dict[str, Any], home: Path) -> Path | None:
    profile = given.get("ssl_profile")
    name = profile.get("file_path") if isinstance(profile, dict) else None
    if not name:
        return None
    file = home / str(name)
    if not file.is_file():
        raise _wrong(f"ssl_profile.file_path = {name!r}: there is no such file below the home")
    return file


def _stamps(profiles: Path | None, home: Path) -> list[Any]:
    """Sizes and times of the profile file and of the stores it names."""
    if profiles is None:
        return []
    root, _ = read_xml(profiles.read_bytes(), profiles.name)
    files = [
        profiles,
        *(home / text_of(item) for item in root.iter() if isinstance(item.tag, str) and local(item) == "Location"),
    ]
    return [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file()]


def _profiles(file: Path, home: Path) -> dict[str, ssl.SSLContext]:
    root, reader = read_xml(file.read_bytes(), str(file.relative_to(home)))
    contexts: dict[str, ssl.SSLContext] = {}
    for profile in children(root):
        servers = text_of(child(profile, "servers")).replace(",", " ").split()
        if local(profile) != "profile" or not servers:
            raise reader.fail(profile, "<profile> with <servers> host:port, host:port is expected")
        context = _context(profile, reader, home)
        contexts.update((server.lower(), context) for server in servers)
    return contexts


def _context(profile: Element, reader: Reader, home: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    named = text_of(child(profile, "HttpsProtocols")) or text_of(child(profile, "SSLProtocols"))
    words = named.replace(",", " ").split()
    known = [PROTOCOLS[word] for word in words if word in PROTOCOLS]
    if words and not known:
        raise reader.fail(profile, f"HttpsProtocols {' '.join(words)!r}: allowed are {', '.join(PROTOCOLS)}")
    if known:
        context.minimum_version, context.maximum_version = min(known), max(known)
    trust, key = child(profile, "TrustStore"), child(profile, "KeyStore")
    try:
        if trust is not None:
            context = _trusting(context, trust, reader, home)
        if key is not None:
            _identify(context, key, reader, home)
    except (OSError, ValueError) as error:
        raise reader.fail(profile, f"the store cannot be read: {error}") from error
    if text_of(child(profile, "HostnameVerifier")).lower() == "allowall":
        context.check_hostname = False
    return context


def _trusting(context: ssl.SSLContext, store: Element, reader: Reader, home: Path) -> ssl.SSLContext:
    """A context that trusts this store's authorities and no others."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version, made.maximum_version = context.minimum_version, context.maximum_version
    file, kind = _store(store, reader, home)
    if kind == "PEM":
        made.load_verify_locations(cafile=file)
        return made
    _, certificates = _pkcs12(file, _password(store))
    made.load_verify_locations(cadata=certificates.decode())
    return made


def _identify(context: ssl.SSLContext, store: Element, reader: Reader, home: Path) -> None:
    """The certificate that servers get to see."""
    file, kind = _store(store, reader, home)
    if kind == "PEM":
        context.load_cert_chain(file, password=_password(store) or b"")
        return
    key, certificates = _pkcs12(file, _password(store))
    if not key or not certificates:
        raise ValueError(f"{file.name} has no key with its certificate")
    with tempfile.NamedTemporaryFile(prefix="integrator-", suffix=".pem") as written:  # mode 600, gone at once
        written.write(key + certificates)
        written.flush()
        context.load_cert_chain(written.name)


def _pkcs12(file: Path, password: bytes | None) -> tuple[bytes, bytes]:
    """Key (empty when there is none) and certificates of a store as PEM. Raises ValueError."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (loaded only for homes with such a store)
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    held = pkcs12.load_pkcs12(file.read_bytes(), password)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key = held.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) if held.key is not None else b""
    found = [item.certificate for item in (held.cert, *held.additional_certs) if item is not None]
    return key, b"".join(item.public_bytes(pem) for item in found)


def _store(store: Element, reader: Reader, home: Path) -> tuple[Path, str]:
    name, kind = text_of(child(store, "Location")), text_of(child(store, "Type")).upper() or "PEM"
    if kind in ("JKS", "JCEKS"):
        raise reader.fail(
            store, f"Type {kind}: Java key stores are not read; allowed are {', '.join(TYPES)} ({CONVERT})"
        )
    if kind not in TYPES:
        raise reader.fail(store, f"Type {kind!r}: allowed are {', '.join(TYPES)}")
    file = home / name
    if not name or not file.is_file():
        raise reader.fail(store, f"Location {name!r}: there is no such file below the home")
    return file, kind


def _password(store: Element) -> bytes | None:
    text = text_of(child(store, "Password")) or text_of(child(store, "KeyPassword"))
    return text.encode() if text else None
