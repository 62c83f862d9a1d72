"""Registers services in the service catalog of the control plane after each change (reference 1.3)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import logging
import os
import re
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import yaml

from integrator.engine.config import Catalog
from integrator.engine.content.payload import Payload, decode_json, encode_json
from integrator.engine.deployment import Deployment, Metadata
from integrator.engine.errors import Fault
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message
from integrator.engine.replies import Collector
from integrator.engine.runtime import Runtime
from integrator.engine.services import published
from integrator.engine.services.definitions import as_text, generated
from integrator.engine.settings import Settings
from integrator.engine.xmltools import serialise
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

log = logging.getLogger("integrator.catalog")

API = "/api/am/service-catalog/v1/services"
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


class _AsWritten(yaml.SafeLoader):
    """Versions and keys stay text as they are written: 1.10 is not 1.1."""


_AsWritten.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rpartition(":")[2] not in ("float", "int", "timestamp")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class CatalogError(Exception):
    """The control plane does not answer, or refuses."""


@dataclass(frozen=True)
class Entry:
    """One service as it is sent: folder name, key, and the two files."""

    name: str
    key: str
    metadata: bytes
    definition: bytes
    definition_file: str

    @property
    def md5(self) -> str:
        """Checksum by which the catalog knows an unchanged service: of the definition, then of the metadata."""
        return "".join(
            hashlib.md5(part, usedforsecurity=False).hexdigest() for part in (self.definition, self.metadata)
        )


class Publisher:
    """One loop that publishes the newest deployment and tries again with growing pauses until it succeeds."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._runtime: Runtime | None = None
        self._newest: Deployment | None = None
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self, runtime: Runtime) -> None:
        """Start the loop."""
        self._runtime = runtime
        self._loop = asyncio.get_running_loop().create_task(self._run())

    def changed(self, deployment: Deployment) -> None:
        """There is a new deployment to publish."""
        self._newest = deployment
        self._wake.set()

    async def stop(self) -> None:
        """End the loop."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            deployment = self._newest
            if deployment is not None:
                for catalog in deployment.config.catalogs:
                    await self._until_done(catalog, deployment)

    async def _until_done(self, catalog: Catalog, deployment: Deployment) -> None:
        wait = FIRST_WAIT_S
        while not self._wake.is_set():
            try:
                await self.publish(catalog, deployment)
                return
            except CatalogError as error:
                log.warning("service catalog %s: %s; next try in %g s", catalog.host, error, wait)
            except Exception:
                log.exception("service catalog %s failed", catalog.host)
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                wait = min(wait * 2, LONGEST_WAIT_S)

    async def publish(self, catalog: Catalog, deployment: Deployment) -> int:
        """Send what is new or changed; how many services were sent. Raises CatalogError."""
        entries = entries_of(deployment, self.settings, await with_wsdl(deployment, self.settings))
        if not entries:
            return 0
        known = await self._known(catalog)
        changed = [entry for entry in entries if known.get(entry.key) != entry.md5]
        if not changed:
            log.info("service catalog %s: all %d services are up to date", catalog.host, len(entries))
            return 0
        kind, body = multipart(changed)
        url = f"{catalog.host}{API}/import?overwrite=true"
        await self._call(catalog, "POST", url, [(b"content-type", kind.encode())], body)
        log.info("service catalog %s: registered %s", catalog.host, ", ".join(entry.key for entry in changed))
        return len(changed)

    async def _known(self, catalog: Catalog) -> dict[str, str]:
        answer = decode_json(await self._call(catalog, "GET", f"{catalog.host}{API}?limit=1000", [], None))
        items = answer.get("list", []) if isinstance(answer, dict) else []
        return {str(item.get("serviceKey")): str(item.get("md5")) for item in items if isinstance(item, dict)}

    async def _call(
        self, catalog: Catalog, method: str, url: str, headers: list[tuple[bytes, bytes]], body: bytes | None
    ) -> bytes:
        assert self._runtime is not None
        pair = base64.b64encode(f"{catalog.username}:{catalog.password}".encode())
        headers = [*headers, (b"authorization", b"Basic " + pair), (b"accept", b"application/json")]
        try:
            response = await self._runtime.client.request(method, url, headers, body, Limits(connect=5, read=30))
            data = await response.body()
        except (UpstreamError, AnswerTooLarge, ValueError, Fault) as error:
            raise CatalogError(str(error)) from error
        if response.status >= 300:
            raise CatalogError(
                f"{method} {urlsplit(url).path} answered {response.status}: {data[:300].decode('utf-8', 'replace')}"
            )
        return data


async def with_wsdl(deployment: Deployment, settings: Settings) -> list[Metadata]:
    """Metadata of all services; those of proxies with the WSDL that the proxy publishes."""
    return [
        item if item.definition else replace(item, definition=await _published(item, deployment, settings))
        for item in deployment.metadata
    ]


async def _published(item: Metadata, deployment: Deployment, settings: Settings) -> str:
    """The WSDL of a proxy at the address of its metadata; empty when there is no such proxy, or none can be given."""
    proxy = deployment.proxies.get(item.key)
    found = re.search(r"^serviceUrl:\s*[\"']?([^\s\"']+)", item.metadata, re.MULTILINE)
    url = service_url(found[1], deployment.config.hostname, settings) if found else None
    if proxy is None or url is None:
        return ""
    parts = urlsplit(url)
    flow = Flow(deployment, Collector())
    flow.transport = parts.scheme
    message = Message(flow, Payload(None, ""), Headers([("Host", parts.netloc)]))
    try:
        return serialise(await published.document(message, proxy))
    except Fault as error:
        log.error("metadata of %s: its WSDL cannot be read: %s", item.key, error)
        return ""


def entries_of(deployment: Deployment, settings: Settings, metadata: Iterable[Metadata] | None = None) -> list[Entry]:
    """All services with metadata, with their addresses filled in; one whose address is not known is left out."""
    found = []
    for item in deployment.metadata if metadata is None else metadata:
        entry = entry_of(item, deployment, settings)
        if entry is not None:
            found.append(entry)
    return found


def entry_of(item: Metadata, deployment: Deployment, settings: Settings) -> Entry | None:
    """One service; None (and a line in the log) when its metadata cannot be used."""
    try:
        values = yaml.load(item.metadata, _AsWritten)  # noqa: S506  (a safe loader with fewer types)
    except yaml.YAMLError as error:
        log.error("metadata of %s: %s", item.key, error)
        return None
    if not isinstance(values, dict) or not values.get("key"):
        log.error("metadata of %s: the field key is required", item.key)
        return None
    url = service_url(str(values.get("serviceUrl", "")), deployment.config.hostname, settings)
    if url is None:
        log.error("metadata of %s: serviceUrl %r has a placeholder without a value", item.key, values.get("serviceUrl"))
        return None
    values["serviceUrl"] = url
    definition = item.definition or _generated(item.key, url, deployment)
    if definition is None:
        log.error("metadata of %s: there is no definition and no API of this name", item.key)
        return None
    wsdl = str(values.get("definitionType", "OAS3")).upper().startswith("WSDL")
    metadata = yaml.safe_dump(values, sort_keys=False).encode()
    return Entry(
        item.key, str(values["key"]), metadata, definition.encode(), "definition.wsdl" if wsdl else "definition.yaml"
    )


def _generated(name: str, url: str, deployment: Deployment) -> str | None:
    api = next((api for api in deployment.apis if name in (api.name, api.full_name)), None)
    if api is None:
        return None
    document: dict[str, Any] = generated(api, "")
    document["servers"] = [{"url": url}]
    return as_text(document)


def service_url(template: str, hostname: str, settings: Settings) -> str | None:
    """A service's address with {MI_HOST}, {MI_PORT}, {MI_URL} replaced; None when one has no value."""
    secure = template.lower().startswith("https")
    values = {
        "{MI_HOST}": os.environ.get("MI_HOST") or hostname,
        "{MI_PORT}": os.environ.get("MI_PORT") or str(settings.https_port if secure else settings.http_port),
        "{MI_URL}": os.environ.get("MI_URL", ""),
    }
    for mark, value in values.items():
        if mark in template:
            if not value:
                return None
            template = template.replace(mark, value)
    return template


def multipart(entries: list[Entry]) -> tuple[str, bytes]:
    """(content type, body) of the import request: payload.zip and the verifier."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            archive.writestr(f"{entry.name}/metadata.yaml", entry.metadata)
            archive.writestr(f"{entry.name}/{entry.definition_file}", entry.definition)
    verifier = encode_json([{"key": entry.key, "md5": entry.md5} for entry in entries])
    boundary = f"----{uuid.uuid4().hex}"
    parts = [
        (b'name="file"; filename="payload.zip"', b"application/zip", packed.getvalue()),
        (b'name="verifier"', b"application/json", verifier),
    ]
    body = b"".join(
        b"--%b\r\nContent-Disposition: form-data; %b\r\nContent-Type: %b\r\n\r\n%b\r\n"
        % (boundary.encode(), head, kind, data)
        for head, kind, data in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
