"""The contract's `endpointConfig` ↔ the endpoints of the design, in all its forms.

Secrets go in and never come out: an answer holds `""` in their place (`AWS_SECRET_KEY` for the key of a function), and what comes
back like that leaves the stored one as it is.
"""

from __future__ import annotations

from typing import Any

from apim.errors import FieldError, Invalid
from publisher import backends
from publisher.api.shapes import endpoint_patience as patience
from publisher.api.shapes import endpoint_security as security
from publisher.checks.basics import shown

TYPES = (
    "http",
    "service",
    "address",
    "load_balance",
    "failover",
    "default",
    "awslambda",
    "ws",
    "grpc",
    "sequence_backend",
)
SIDES = {"production": "production_endpoints", "sandbox": "sandbox_endpoints"}
IMPLEMENTATIONS = ("ENDPOINT", "INLINE", "MOCKED_OAS")
MASK = "AWS_SECRET_KEY"
AWS = {
    "amznAccessKey": "access_key",
    "amznSecretKey": "secret_key",
    "amznRegion": "region",
    "amznRoleArn": "role_arn",
    "amznRoleSessionName": "role_session_name",
    "amznRoleRegion": "role_region",
}
_PACKAGE = "org.apache.synapse.endpoints.algorithms."
_SESSIONS = {"": "", "none": "", "transport": "transport", "soap": "soap", "simpleClientSession": "simple"}
_SESSIONS_OUT = {"": "", "transport": "transport", "soap": "soap", "simple": "simpleClientSession"}

Endpoints = dict[str, dict[str, Any]]


def implementation(endpoints: Endpoints) -> str:
    """`endpointImplementationType` of these endpoints."""
    for endpoint in endpoints.values():
        if endpoint.get("kind") == "mock":
            return dict(endpoint.get("properties", ())).get("implementation", "INLINE")
    return "ENDPOINT"


def config(endpoints: Endpoints, from_service: bool) -> dict[str, Any]:
    """`endpointConfig` of these endpoints; empty when there are none."""
    if not endpoints:
        return {}
    endpoints = {side: backends.blank(endpoint) for side, endpoint in endpoints.items()}
    kind = _type(endpoints, from_service)
    found: dict[str, Any] = {"endpoint_type": kind}
    if implementation(endpoints) != "ENDPOINT":
        found["implementation_status"] = "prototyped"
    if kind == "awslambda":
        return found | _functions_out(next(iter(endpoints.values())))
    for side, endpoint in endpoints.items():
        found |= _side_out(side, kind, endpoint)
    if kind == "load_balance":
        found |= _balance_out(next(one for one in endpoints.values() if one.get("kind") == "load_balance"))
    secured = {side: security.out(endpoint.get("security")) for side, endpoint in endpoints.items()}
    if any(endpoint.get("security") for endpoint in endpoints.values()):
        found["endpoint_security"] = secured
    return found


def functions_of(endpoints: Endpoints) -> dict[tuple[str, str], dict[str, Any]]:
    """By verb and target, the fields of an operation that say which AWS function it is."""
    for endpoint in endpoints.values():
        if endpoint.get("kind") == "aws_lambda":
            return {
                (one["verb"], one["target"]): {
                    "amznResourceName": one["name"],
                    "amznResourceTimeout": one.get("timeout_ms", 50_000),
                    "amznResourceContentEncoded": one.get("encoded", False),
                }
                for one in endpoint.get("functions", ())
            }
    return {}


def given(body: dict[str, Any]) -> Any:
    """The endpoints that an API of the contract names; None when it says nothing of them. Raises Invalid."""
    mocked = body.get("endpointImplementationType")
    if mocked is not None and mocked not in IMPLEMENTATIONS:
        raise _wrong("endpointImplementationType", f"{shown(mocked)} is not one of {', '.join(IMPLEMENTATIONS)}.")
    if mocked in ("INLINE", "MOCKED_OAS"):
        mock = {"kind": "mock", "properties": [["implementation", mocked]]}
        return {"production": mock, "sandbox": mock}
    found = body.get("endpointConfig")
    if found is None or not isinstance(found, dict):
        return found
    kind = found.get("endpoint_type", "http")
    if kind not in TYPES:
        raise _wrong("endpointConfig.endpoint_type", f"{shown(kind)} is not one of {', '.join(TYPES)}.")
    if kind == "awslambda":
        functions = _functions_in(found, body.get("operations"))
        return {"production": functions, "sandbox": functions}
    sides = {side: _side_in(side, kind, found) for side in SIDES}
    secured = found.get("endpoint_security")
    for side, endpoint in sides.items():
        if isinstance(endpoint, dict) and isinstance(secured, dict) and isinstance(secured.get(side), dict):
            shown_there = security.given(secured[side], f"endpointConfig.endpoint_security.{side}")
            endpoint |= {"security": shown_there} if shown_there else {}
    return {side: endpoint for side, endpoint in sides.items() if endpoint}


def _type(endpoints: Endpoints, from_service: bool) -> str:
    kinds = {endpoint.get("kind", "http") for endpoint in endpoints.values()}
    for ours, theirs in (
        ("aws_lambda", "awslambda"),
        ("load_balance", "load_balance"),
        ("failover", "failover"),
        ("dynamic", "default"),
        ("soap", "address"),
        ("websocket", "ws"),
        ("grpc", "grpc"),
    ):
        if ours in kinds:
            return theirs
    return "service" if from_service else "http"


def _side_out(side: str, kind: str, endpoint: dict[str, Any]) -> dict[str, Any]:
    name = SIDES[side]
    ours = endpoint.get("kind", "http")
    if ours == "mock":
        return {name: {"url": "http://localhost"}}
    if ours == "dynamic":
        return {name: {"url": "default", "config": patience.out(endpoint)}}
    members = endpoint.get("members") or [endpoint]
    if kind == "load_balance":
        return {name: [_address_out(member, weight=True) for member in members]}
    first, *others = [_address_out(member) for member in members]
    return {name: first, **({f"{side}_failovers": others} if kind == "failover" else {})}


def _address_out(endpoint: dict[str, Any], weight: bool = False) -> dict[str, Any]:
    found = {"url": endpoint["url"], "config": patience.out(endpoint)}
    if endpoint.get("kind") == "soap":
        found["endpoint_type"] = "address"
    if weight and endpoint.get("weight", 1) != 1:
        found["weight"] = endpoint["weight"]
    return found


def _balance_out(endpoint: dict[str, Any]) -> dict[str, Any]:
    weighted = endpoint.get("algorithm") == "weighted"
    algorithm = _PACKAGE + ("WeightedRoundRobin" if weighted else "RoundRobin")
    return {
        "algoCombo": algorithm,
        "algoClassName": algorithm,
        "sessionManagement": _SESSIONS_OUT[endpoint.get("session", "")],
        "sessionTimeOut": str(endpoint.get("session_ms", "") or ""),
        "failOver": str(endpoint.get("failover", True)),
    }


def _side_in(side: str, kind: str, found: dict[str, Any]) -> Any:
    name, value = SIDES[side], found.get(SIDES[side])
    place = f"endpointConfig.{name}"
    if not value:
        return None
    if kind == "load_balance":
        return _balance_in(found, value if isinstance(value, list) else [value], place)
    first = _address_in(value, kind, place)
    others = found.get(f"{side}_failovers") or []
    if kind != "failover" or not isinstance(first, dict):
        return first
    if not isinstance(others, list):
        raise _wrong(f"endpointConfig.{side}_failovers", f"{shown(others)} is not a list.")
    spare = [_address_in(one, "http", f"endpointConfig.{side}_failovers[{n}]") for n, one in enumerate(others)]
    return {"kind": "failover", "members": [first, *spare]} if spare else first


def _balance_in(found: dict[str, Any], values: list[Any], place: str) -> dict[str, Any]:
    members = []
    for number, value in enumerate(values):
        member = _address_in(value, "http", f"{place}[{number}]")
        if isinstance(value, dict) and isinstance(member, dict) and value.get("weight"):
            member["weight"] = patience.number(value["weight"], f"{place}[{number}].weight")
        members.append(member)
    session = found.get("sessionManagement") or ""
    if session not in _SESSIONS:
        raise _wrong("endpointConfig.sessionManagement", f"{shown(session)} is not one of {', '.join(_SESSIONS)}.")
    algorithm = str(found.get("algoClassName") or found.get("algoCombo") or "")
    balance: dict[str, Any] = {"kind": "load_balance", "members": members}
    if "weighted" in algorithm.lower():
        balance["algorithm"] = "weighted"
    if _SESSIONS[session]:
        balance["session"] = _SESSIONS[session]
    if found.get("sessionTimeOut"):
        balance["session_ms"] = patience.number(found["sessionTimeOut"], "endpointConfig.sessionTimeOut")
    if str(found.get("failOver", "true")).lower() == "false":
        balance["failover"] = False
    return balance


def _address_in(value: Any, kind: str, place: str) -> Any:
    if not isinstance(value, dict):
        return value
    details = patience.given(value.get("config"), f"{place}.config")
    if kind == "default":
        # Whatever address stands beside it: a policy of the API names the one that is called.
        return {"kind": "dynamic", **details}
    endpoint = {"url": value.get("url"), **details}
    if kind == "address" or value.get("endpoint_type") == "address":
        endpoint["kind"] = "soap"
    elif kind == "grpc":
        endpoint["kind"] = "grpc"
    return endpoint


def _functions_out(endpoint: dict[str, Any]) -> dict[str, Any]:
    known = dict(endpoint.get("properties", ()))
    stored = "access_key" in known
    found = {theirs: known.get(ours, "") for theirs, ours in AWS.items()}
    found["amznSecretKey"] = MASK if stored else ""
    return {"access_method": "stored" if stored else "role-supplied", **found}


def _functions_in(found: dict[str, Any], operations: Any) -> dict[str, Any]:
    properties = []
    for theirs, ours in AWS.items():
        value = found.get(theirs) or ""
        if not isinstance(value, str):
            raise _wrong(f"endpointConfig.{theirs}", f"{shown(value)} is not text.")
        if ours == "secret_key" and found.get("amznAccessKey"):
            properties.append([ours, "" if value == MASK else value])
        elif value and ours != "secret_key":
            properties.append([ours, value])
    functions = [
        {
            "verb": one.get("verb"),
            "target": one.get("target"),
            "name": one["amznResourceName"],
            "timeout_ms": patience.number(
                one.get("amznResourceTimeout") or 50_000, f"operations[{n}].amznResourceTimeout"
            ),
            "encoded": one.get("amznResourceContentEncoded") is True,
        }
        for n, one in enumerate(operations if isinstance(operations, list) else [])
        if isinstance(one, dict) and one.get("amznResourceName")
    ]
    return {"kind": "aws_lambda", "properties": properties, "functions": functions}


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
