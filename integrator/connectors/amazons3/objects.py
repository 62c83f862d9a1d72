"""Operations on objects, and signed addresses."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote

from integrator.connectors.amazons3.connection import (
    BUCKET,
    CONNECTOR,
    KEY,
    ask,
    bucket_of,
    json_of,
    keys_of,
    place_of,
    xml_of,
)
from integrator.connectors.amazons3.signature import Request, presigned
from integrator.connectors.file.local import LocalFiles
from integrator.connectors.file.places import clean
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Parameter, Result
from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.content.writers import write as write_payload
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import serialise

CONTENT = {
    "cacheControl": "cache-control",
    "contentDisposition": "content-disposition",
    "contentEncoding": "content-encoding",
    "contentLanguage": "content-language",
    "contentType": "content-type",
    "contentMD5": "content-md5",
    "expires": "expires",
    "acl": "x-amz-acl",
    "storageClass": "x-amz-storage-class",
    "serverSideEncryption": "x-amz-server-side-encryption",
    "websiteRedirectLocation": "x-amz-website-redirect-location",
    "tagging": "x-amz-tagging",
    "requestPayer": "x-amz-request-payer",
}
CONDITIONS = {
    "range": "range",
    "ifModifiedSince": "if-modified-since",
    "ifUnmodifiedSince": "if-unmodified-since",
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
}
METADATA = Parameter("metadata", "Metadata: a JSON object, or `name:value,…`.", "any")


def _headers(call: Call, names: dict[str, str]) -> dict[str, str | None]:
    return {header: call.values.get(name) for name, header in names.items()} | _metadata(call.values.get("metadata"))


def _metadata(given: Any) -> dict[str, str | None]:
    if not given:
        return {}
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = decode_json(given)
    elif isinstance(given, str):
        given = dict(part.partition(":")[::2] for part in given.split(",") if ":" in part)
    return {f"x-amz-meta-{str(name).strip().lower()}": str(value).strip() for name, value in given.items()}


@CONNECTOR.operation(
    "putObject",
    BUCKET,
    KEY,
    Parameter("fileContent", "Content; the message's body without it and without `filePath`.", "any"),
    Parameter("filePath", "File below the folders the operator allows."),
    Parameter("isContentBase64Encoded", "Whether `fileContent` is in base64.", "boolean", default=False),
    *(Parameter(name, f"Sends {header}.") for name, header in CONTENT.items()),
    METADATA,
    reads_content=True,
)
async def put_object(call: Call) -> Any:
    """Put an object."""
    data, kind = await _content(call)
    headers = _headers(call, CONTENT)
    headers["content-type"] = headers["content-type"] or kind
    answer = await ask(call, "PUT", call["objectKey"], headers=headers, body=data)
    return {
        "success": True,
        "eTag": answer.headers.get("etag", ""),
        "versionId": answer.headers.get("x-amz-version-id", ""),
    }


async def _content(call: Call) -> tuple[bytes, str]:
    given = call["fileContent"]
    if call["filePath"]:
        return await LocalFiles(call).read(clean("", call["filePath"])), "application/octet-stream"
    if given is None:
        payload = call.message.payload
        return write_payload(payload, "")[0] or b"", payload.content_type or "application/octet-stream"
    if call["isContentBase64Encoded"]:
        try:
            return base64.b64decode(text_of(given) or "", validate=True), "application/octet-stream"
        except binascii.Error as error:
            raise ConnectorError(400, "S3:INVALID_CONFIGURATION", "fileContent is not base64") from error
    if hasattr(given, "tag"):
        return serialise(given).encode(), "application/xml"
    return (
        (encode_json(given), "application/json")
        if isinstance(given, dict | list)
        else ((text_of(given) or "").encode(), "text/plain")
    )


@CONNECTOR.operation(
    "getObject",
    BUCKET,
    KEY,
    Parameter("versionId", "Version of the object."),
    *(Parameter(name, f"Sends {header}.") for name, header in CONDITIONS.items()),
    *(
        Parameter(f"response{name}", "Header of the answer.")
        for name in (
            "ContentType",
            "ContentLanguage",
            "CacheControl",
            "ContentDisposition",
            "ContentEncoding",
            "Expires",
        )
    ),
    Parameter("getContentAsBase64", "Whether the answer is JSON with the content in base64.", "boolean", default=False),
    Parameter("destinationFilePath", "File below the folders the operator allows that gets the content."),
)
async def get_object(call: Call) -> Any:
    """The content of an object becomes the body."""
    query = {"versionId": call["versionId"]} | {
        f"response-{name}": call[parameter]
        for name, parameter in (
            ("content-type", "responseContentType"), ("content-language", "responseContentLanguage"),
            ("cache-control", "responseCacheControl"), ("content-disposition", "responseContentDisposition"),
            ("content-encoding", "responseContentEncoding"), ("expires", "responseExpires"),
        )
    }  # fmt: skip
    answer = await ask(call, "GET", call["objectKey"], query, _headers(call, CONDITIONS))
    facts = _facts(answer.headers)
    if call["destinationFilePath"]:
        await LocalFiles(call).write(clean("", call["destinationFilePath"]), answer.data, "over")
        return {"success": True, **facts}
    if call["getContentAsBase64"]:
        return {"success": True, **facts, "Content": base64.b64encode(answer.data).decode()}
    return Result(answer.data, answer.headers.get("content-type", ""), attributes=facts)


def _facts(headers: Any) -> dict[str, Any]:
    kept = {"content-type": "contentType", "content-length": "contentLength", "etag": "eTag",
            "last-modified": "lastModified", "x-amz-version-id": "versionId"}  # fmt: skip
    facts: dict[str, Any] = {shown: headers[name] for name, shown in kept.items() if name in headers}
    meta = {name[11:]: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
    return facts | {"metadata": meta}


@CONNECTOR.operation(
    "headObject", BUCKET, KEY, Parameter("versionId", "Version of the object."),
    *(Parameter(name, f"Sends {header}.") for name, header in CONDITIONS.items()),
)  # fmt: skip
async def head_object(call: Call) -> Any:
    """What is known of an object, without its content."""
    answer = await ask(call, "HEAD", call["objectKey"], {"versionId": call["versionId"]}, _headers(call, CONDITIONS))
    return {"success": True, **_facts(answer.headers)}


@CONNECTOR.operation(
    "deleteObject", BUCKET, KEY, Parameter("versionId", "Version of the object."), Parameter("mfa", "Device and code."),
    Parameter("bypassGovernanceRetention", "Whether a lock is passed over.", "boolean"),
    Parameter("requestPayer", "Who pays."),
)  # fmt: skip
async def delete_object(call: Call) -> Any:
    """Delete an object; one that is not there is fine."""
    headers = {
        "x-amz-mfa": call["mfa"],
        "x-amz-request-payer": call["requestPayer"],
        "x-amz-bypass-governance-retention": "true" if call["bypassGovernanceRetention"] else None,
    }
    await ask(call, "DELETE", call["objectKey"], {"versionId": call["versionId"]}, headers)
    return {"success": True}


@CONNECTOR.operation(
    "deleteObjects", BUCKET,
    Parameter("deleteConfig", "Keys: a JSON array of texts or of `{Key, VersionId}`.", "json", required=True),
)  # fmt: skip
async def delete_objects(call: Call) -> Any:
    """Delete up to a thousand objects."""
    given = call["deleteConfig"]
    given = given.get("Objects", given.get("objects", [])) if isinstance(given, dict) else given
    if not isinstance(given, list) or not 1 <= len(given) <= 1000:
        raise ConnectorError(400, "S3:INVALID_CONFIGURATION", "deleteConfig: 1 to 1000 keys are expected")
    body = xml_of("Delete", *(("Object", item if isinstance(item, dict) else {"Key": item}) for item in given))
    checksum = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    answer = await ask(call, "POST", query={"delete": ""}, headers={"content-md5": checksum}, body=body)
    return {"success": True, **json_of(answer.data)}


@CONNECTOR.operation(
    "copyBucketObject",
    Parameter("copySource", "`bucket/key` of the source.", required=True),
    BUCKET,
    Parameter("objectKey", "Key of the target."),
    Parameter("destinationKey", "Key of the target; one of the two is needed."),
    Parameter("destinationBucket", "Taken instead of `bucketName` when it is given."),
    Parameter("metadataDirective", "Whether metadata is copied.", choices=("COPY", "REPLACE")),
    *(Parameter(name, f"Sends {header}.") for name, header in CONTENT.items() if name != "contentMD5"),
    METADATA,
)
async def copy_object(call: Call) -> Any:
    """Copy an object within the store."""
    key = call["objectKey"] or call["destinationKey"]
    if not key:
        raise ConnectorError(400, "S3:INVALID_CONFIGURATION", "objectKey is required")
    headers = _headers(call, CONTENT) | {
        "x-amz-copy-source": "/" + quote(call["copySource"].lstrip("/"), safe="/-_.~"),
        "x-amz-metadata-directive": call["metadataDirective"],
    }
    if call["destinationBucket"]:
        call.values = {**call.values, "bucketName": call["destinationBucket"]}
    return {"success": True, **json_of((await ask(call, "PUT", key, headers=headers, body=b"")).data)}


def _presign(name: str, method: str, about: str, *more: Parameter) -> None:
    async def run(call: Call) -> Any:
        minutes = call["signatureDurationInMins"]
        if not 1 <= minutes <= 7 * 24 * 60:
            raise ConnectorError(400, "S3:INVALID_CONFIGURATION", "signatureDurationInMins: 1 to 10080 are allowed")
        scheme, host, path = place_of(call, bucket_of(call), call["objectKey"])
        kind = call.values.get("contentType")
        headers = _metadata(call.values.get("metadata")) | ({"content-type": kind} if kind else {})
        request = Request(method, host, path, {}, {name: value for name, value in headers.items() if value})
        return {"success": True, "URL": f"{scheme}://{host}{presigned(request, keys_of(call), minutes * 60)}"}

    duration = Parameter("signatureDurationInMins", "Minutes for which it is good.", "integer", default=10)
    CONNECTOR.operation(name, BUCKET, KEY, duration, *more, about=about)(run)


_presign("generateGetObjectPresignedUrl", "GET", "An address by which anybody can read an object for a while.")
_presign(
    "generatePutObjectPresignedUrl", "PUT", "An address by which anybody can put an object for a while.",
    Parameter("contentType", "Content-Type that must be sent with it."), METADATA,
)  # fmt: skip
