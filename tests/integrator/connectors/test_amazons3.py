"""The amazons3 connector against moto's server in a thread; its signature against botocore's."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import httpx
import pytest

from integrator.connectors.amazons3.signature import Keys, Request, presigned, query_text, signed
from tests.integrator.connectors.world import flows_of

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI-secret-EXAMPLEKEY"  # noqa: S105 - for tests


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Address of a store."""
    import logging  # noqa: PLC0415

    from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415  (it loads for a second)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def connection(address: str, secret: str = SECRET) -> str:
    return (
        f"<amazons3.init><host>{address}</host><awsAccessKeyId>{ACCESS}</awsAccessKeyId>"
        f"<awsSecretAccessKey>{secret}</awsSecretAccessKey></amazons3.init>"
    )


def step(operation: str, **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<amazons3.{operation} configKey="S">{inner}</amazons3.{operation}>'


B = {"bucketName": "my-bucket"}
FLOWS = {
    "make": step("createBucket", **B),
    "buckets": step("listBuckets"),
    "where": step("getBucketLocation", **B),
    "put": step("putObject", **B, objectKey="a b/ü+1.txt", fileContent="hällo", metadata='{"colour":"blue"}'),
    "body": step("putObject", **B, objectKey="body.json"),
    "get": step("getObject", **B, objectKey="{json-eval($.key)}"),
    "b64": step("getObject", **B, objectKey="a b/ü+1.txt", getContentAsBase64="true"),
    "head": step("headObject", **B, objectKey="a b/ü+1.txt"),
    "copy": step("copyBucketObject", **B, copySource="my-bucket/a b/ü+1.txt", objectKey="copy.txt"),
    "list": step("listObjects", **B, prefix="", maxKeys="10"),
    "folders": step("listObjects", **B, delimiter="/"),
    "sign": step("generateGetObjectPresignedUrl", **B, objectKey="a b/ü+1.txt", signatureDurationInMins="5"),
    "signput": step("generatePutObjectPresignedUrl", **B, objectKey="up.txt", contentType="text/plain"),
    "delete": step("deleteObject", **B, objectKey="copy.txt"),
    "several": step("deleteObjects", **B, deleteConfig='["a b/ü+1.txt","body.json","up.txt"]'),
    "drop": step("deleteBucket", **B),
    "bad": step("listObjects", bucketName="{json-eval($.b)}"),
    "no": step("headBucket", bucketName="nobody-s-bucket"),
}


async def test_buckets_and_objects(tmp_path: Path, store: str) -> None:
    async with flows_of(tmp_path / "h", FLOWS, {"S": connection(store)}) as world:
        await world.json("make")
        assert [item["Name"] for item in (await world.json("buckets"))["Buckets"]] == ["my-bucket"]
        assert (await world.json("where"))["LocationConstraint"] == "us-east-1"
        assert (await world.json("put"))["eTag"]
        await world.json("body", {"k": 1})
        assert (await world.post("get", {"key": "body.json"})).body == b'{"k": 1}'
        answer = await world.post("get", {"key": "a b/ü+1.txt"})
        assert (answer.body.decode(), answer.headers["content-type"].split(";")[0]) == ("hällo", "text/plain")
        assert base64.b64decode((await world.json("b64"))["Content"]).decode() == "hällo"
        assert (await world.json("head"))["metadata"] == {"colour": "blue"}
        await world.json("copy")
        assert [item["Key"] for item in (await world.json("list"))["Contents"]] == [
            "a b/ü+1.txt",
            "body.json",
            "copy.txt",
        ]
        assert (await world.json("folders"))["CommonPrefixes"] == [{"Prefix": "a b/"}]
        async with httpx.AsyncClient() as client:
            signed_url = (await world.json("sign"))["URL"]
            assert parse_qs(urlsplit(signed_url).query)["X-Amz-Expires"] == ["300"]
            assert (await client.get(signed_url)).text == "hällo"
            put = await client.put(
                (await world.json("signput"))["URL"], content=b"up", headers={"content-type": "text/plain"}
            )
            assert put.status_code == 200
        await world.json("delete")
        fault = await world.fault("get", {"key": "copy.txt"})
        assert (fault["code"], fault["message"].startswith("S3:NOT_FOUND: 404 NoSuchKey")) == ("404", True)
        assert (await world.fault("drop"))["code"] == "409"
        assert len((await world.json("several"))["Deleted"]) == 3
        await world.json("drop")
        assert (await world.fault("no"))["code"] == "404"
        for hostile in ("../other", "a/b", "x?acl", "UPPER", ""):
            assert (await world.fault("bad", {"b": hostile}))["code"] in ("400", "500"), hostile


async def test_the_secret_key_is_in_no_error(tmp_path: Path) -> None:
    async with flows_of(tmp_path / "h", FLOWS, {"S": connection("http://127.0.0.1:1")}) as world:
        fault = await world.fault("buckets")
        assert (fault["code"], SECRET in str(fault)) == ("500", False)


MOMENT = datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)


def botocore_request(
    monkeypatch: pytest.MonkeyPatch, signer: Any, method: str, url: str, data: bytes, headers: dict[str, str]
) -> Any:
    import botocore.auth  # noqa: PLC0415  (the other signer, only these tests ask it)
    import botocore.awsrequest  # noqa: PLC0415

    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: MOMENT.replace(tzinfo=None))
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=data, headers=headers)
    signer.add_auth(request)
    return request


@pytest.mark.parametrize("token", ["", "a-session-token"])
def test_signature_is_that_of_botocore(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    import botocore.auth  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    path, query = "/a%20b/%C3%BC%2B1.txt", {"prefix": "x y&z", "list-type": "2"}
    url = f"https://b.s3.eu-west-1.amazonaws.com{path}?{query_text(query)}"
    signer = botocore.auth.S3SigV4Auth(Credentials(ACCESS, SECRET, token or None), "s3", "eu-west-1")
    theirs = botocore_request(monkeypatch, signer, "PUT", url, b"data", {"content-type": "text/plain"})
    request = Request("PUT", "b.s3.eu-west-1.amazonaws.com", path, query, {"content-type": "text/plain"})
    ours = signed(request, Keys(ACCESS, SECRET, "eu-west-1", token), b"data", MOMENT)
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_signed_address_is_that_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    url = "https://b.s3.eu-west-1.amazonaws.com/k%20y"
    signer = botocore.auth.S3SigV4QueryAuth(Credentials(ACCESS, SECRET), "s3", "eu-west-1", expires=60)
    theirs = botocore_request(monkeypatch, signer, "GET", url, b"", {})
    ours = presigned(
        Request("GET", "b.s3.eu-west-1.amazonaws.com", "/k%20y"), Keys(ACCESS, SECRET, "eu-west-1"), 60, MOMENT
    )
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs.url).query)
