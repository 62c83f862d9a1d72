"""Operations on buckets."""

from __future__ import annotations

from typing import Any

from integrator.connectors.amazons3.connection import BUCKET, CONNECTOR, ask, json_of, xml_of
from integrator.engine.connectors.calls import Call
from integrator.engine.connectors.declare import Parameter


@CONNECTOR.operation("listBuckets")
async def list_buckets(call: Call) -> Any:
    """All buckets of the account."""
    found = json_of((await ask(call, "GET", bucket=False)).data)
    return {"success": True, "Buckets": found.get("Buckets") or []}


@CONNECTOR.operation(
    "createBucket",
    BUCKET,
    Parameter("bucketRegion", "Region of the bucket; the connection's without it."),
    Parameter("acl", "Canned access list."),
    *(
        Parameter(f"grant{name}", "Who is granted it.")
        for name in ("FullControl", "Read", "ReadACP", "Write", "WriteACP")
    ),
    Parameter("objectLockEnabledForBucket", "Whether objects can be locked.", "boolean"),
)
async def create_bucket(call: Call) -> Any:
    """Make a bucket."""
    region = call["bucketRegion"] or call.connection["region"]
    body = b"" if region == "us-east-1" else xml_of("CreateBucketConfiguration", ("LocationConstraint", region))
    headers = {
        "x-amz-acl": call["acl"],
        "x-amz-grant-full-control": call["grantFullControl"],
        "x-amz-grant-read": call["grantRead"],
        "x-amz-grant-read-acp": call["grantReadACP"],
        "x-amz-grant-write": call["grantWrite"],
        "x-amz-grant-write-acp": call["grantWriteACP"],
        "x-amz-bucket-object-lock-enabled": "true" if call["objectLockEnabledForBucket"] else None,
    }
    answer = await ask(call, "PUT", headers=headers, body=body)
    return {"success": True, "location": answer.headers.get("location", "")}


@CONNECTOR.operation("deleteBucket", BUCKET)
async def delete_bucket(call: Call) -> Any:
    """Delete a bucket that is empty."""
    await ask(call, "DELETE")
    return {"success": True}


@CONNECTOR.operation("headBucket", BUCKET)
async def head_bucket(call: Call) -> Any:
    """Whether a bucket is there and open to the keys; it is a fault when not."""
    answer = await ask(call, "HEAD")
    return {"success": True, "region": answer.headers.get("x-amz-bucket-region", "")}


@CONNECTOR.operation("getBucketLocation", BUCKET)
async def get_location(call: Call) -> Any:
    """Region of a bucket."""
    found = json_of((await ask(call, "GET", query={"location": ""})).data)
    return {"success": True, "LocationConstraint": found if isinstance(found, str) and found else "us-east-1"}


@CONNECTOR.operation(
    "listObjects",
    BUCKET,
    Parameter("prefix", "Begin of the keys."),
    Parameter("delimiter", "Sign at which keys are grouped."),
    Parameter("marker", "Key after which the list begins."),
    Parameter("maxKeys", "Keys at most.", "integer", default=1000),
    Parameter("encodingType", "`url` encodes keys."),
    Parameter("requestPayer", "Who pays."),
)
async def list_objects(call: Call) -> Any:
    """Objects of a bucket, up to a thousand at a time."""
    query = {
        "prefix": call["prefix"],
        "delimiter": call["delimiter"],
        "marker": call["marker"],
        "max-keys": str(min(call["maxKeys"], 1000, call.limits.most)),
        "encoding-type": call["encodingType"],
    }
    headers = {"x-amz-request-payer": call["requestPayer"]}
    return {"success": True, "Contents": [], **json_of((await ask(call, "GET", query=query, headers=headers)).data)}
