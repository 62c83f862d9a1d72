"""The declaration of an S3 connection, and one signed call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from lxml import etree

from integrator.connectors.amazons3.signature import Keys, Request, query_text, signed
from integrator.connectors.asking import Answer, Api
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter
from integrator.engine.xmltools import Element, XmlError, children, local, parse

NAMES = {400: "S3:BAD_REQUEST", 404: "S3:NOT_FOUND", 409: "S3:CONFLICT"}
API = Api(500, "S3:CONNECTION_ERROR")
LISTS = frozenset({"Buckets", "Contents", "CommonPrefixes", "Deleted", "Error"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")

CONNECTOR = Connector(
    "amazons3",
    "Buckets and objects of Amazon S3.",
    (
        Parameter("region", "Region.", default="us-east-1"),
        Parameter("awsAccessKeyId", "Access key.", required=True),
        Parameter("awsSecretAccessKey", "Secret key.", required=True, secret=True),
        Parameter("sessionToken", "Token of temporary keys (ours).", secret=True),
        Parameter("host", "Address of another store, such as `http://minio:9000`; Amazon's without it."),
    ),
    error_code=500,
)
BUCKET = Parameter("bucketName", "Bucket.", required=True)
KEY = Parameter("objectKey", "Key of the object.", required=True)


def keys_of(call: Call) -> Keys:
    """Whose requests they are."""
    given = call.connection
    return Keys(given["awsAccessKeyId"], given["awsSecretAccessKey"], given["region"], given["sessionToken"] or "")


def bucket_of(call: Call) -> str:
    """The bucket's name. Raises ConnectorError for one that could be something else in an address."""
    name = call.values.get("bucketName") or ""
    if not _BUCKET.match(name):
        raise ConnectorError(400, "S3:INVALID_CONFIGURATION", f"bucketName {name!r} is no name of a bucket")
    return str(name)


def place_of(call: Call, bucket: str = "", key: str = "") -> tuple[str, str, str]:
    """Scheme, host and encoded path. Amazon's own buckets are hosts, elsewhere they are the first part of the path."""
    given, own = call.connection["host"], quote(key, safe="/-_.~")
    if any(part in (".", "..") for part in key.split("/")):
        own = own.replace("./", "%2E/").replace("/.", "/%2E")
    if given:
        parts = urlsplit(given if "://" in given else f"https://{given}")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConnectorError(400, "S3:INVALID_CONFIGURATION", f"host {given!r} is no address")
        return parts.scheme, parts.netloc, "/" + "/".join(part for part in (bucket, own) if part)
    region = call.connection["region"]
    if "." in bucket or not bucket:
        return "https", f"s3.{region}.amazonaws.com", "/" + "/".join(part for part in (bucket, own) if part)
    return "https", f"{bucket}.s3.{region}.amazonaws.com", f"/{own}"


async def ask(
    call: Call,
    method: str,
    key: str = "",
    query: Mapping[str, str | None] | None = None,
    headers: Mapping[str, str | None] | None = None,
    body: bytes | None = None,
    *,
    bucket: bool = True,
) -> Answer:
    """One signed request. Raises ConnectorError with S3's code and message."""
    scheme, host, path = place_of(call, bucket_of(call) if bucket else "", key)
    chosen = {name: value for name, value in (query or {}).items() if value is not None}
    given = {name: value for name, value in (headers or {}).items() if value}
    request = Request(method, host, path, chosen, given)
    sent = signed(request, keys_of(call), body or b"")
    sent.pop("host")
    url = f"{scheme}://{host}{path}" + (f"?{query_text(chosen)}" if chosen else "")
    answer = await API.ask(call, method, url, sent, body, refuse=False)
    if answer.status >= 300 and answer.status != 304:
        raise _refused(answer)
    return answer


def _refused(answer: Answer) -> ConnectorError:
    found: dict[str, Any] = {}
    try:
        found = {local(item): item.text or "" for item in children(parse(answer.data))} if answer.data else {}
    except XmlError:
        found = {"Message": answer.shown()}
    text = f"{answer.status} {found.get('Code', '')}: {found.get('Message', '')}".strip(": ")
    return ConnectorError(answer.status, NAMES.get(answer.status, "S3:CONNECTION_ERROR"), text)


def json_of(data: bytes) -> Any:
    """S3's XML as a JSON value; what may come more than once is an array. Raises ConnectorError."""
    if not data.strip():
        return {}
    try:
        return _value(parse(data))
    except XmlError as error:
        raise ConnectorError(*(API.code, API.name), f"the answer is no XML: {error}") from error


def _value(element: Element) -> Any:
    inner = children(element)
    if not inner:
        return element.text or ""
    if local(element) == "Buckets":
        return [_value(item) for item in inner]
    found: dict[str, Any] = {}
    for item in inner:
        name = local(item)
        if name in LISTS and name != "Buckets":
            found.setdefault(name, []).append(_value(item))
        else:
            found[name] = _value(item)
    return found


def xml_of(name: str, *pairs: tuple[str, Any]) -> bytes:
    """A small document in S3's namespace."""
    root = etree.Element(name, nsmap={None: "http://s3.amazonaws.com/doc/2006-03-01/"})
    for child, value in pairs:
        made = etree.SubElement(root, child)
        if isinstance(value, dict):
            for inner, text in value.items():
                etree.SubElement(made, inner).text = str(text)
        else:
            made.text = str(value)
    data: bytes = etree.tostring(root)
    return data
