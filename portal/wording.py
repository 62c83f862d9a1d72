"""Words for people: what a plan allows, how an operation is protected, and command lines that work when pasted."""

from __future__ import annotations

import shlex

from apim.traffic.models import LimitKind, Policy
from portal import described, streaming
from portal.addresses import Address
from portal.definition import token_endpoint
from publisher.checks.security import MUTUAL
from publisher.models import Api, Operation

AUTH = {"any": "Token", "application": "Application token", "user": "User token", "none": "Open"}


def plan_text(policy: Policy) -> str:
    """`5,000 requests a minute, at most 100 a second`."""
    if policy.amount is None:
        text = "no limit"
    else:
        span = policy.get_time_unit_display()
        span = f"{policy.unit_time} {span}s" if policy.unit_time > 1 else f"{'an' if span == 'hour' else 'a'} {span}"
        text = f"{policy.amount:,} {_unit(policy)} {'in ' if policy.unit_time > 1 else ''}{span}"
    if policy.burst_amount:
        text += f", at most {policy.burst_amount:,} a {policy.get_burst_unit_display()}"
    return text


def _unit(policy: Policy) -> str:
    if policy.kind == LimitKind.BANDWIDTH:
        return policy.data_unit
    name = "event" if policy.kind == LimitKind.EVENTS else "request"
    return name if policy.amount == 1 else f"{name}s"


def token_curl(consumer_key: str, secret: str = "", address: str = "") -> str:
    """A line that obtains a token at `address`, by default ours; without the secret (shown once) it reads one from the shell."""
    credentials = shlex.quote(f"{consumer_key}:{secret}") if secret else f'"{consumer_key}:$CONSUMER_SECRET"'
    return f"curl -k -u {credentials} -d grant_type=client_credentials {shlex.quote(address or token_endpoint())}"


def call_curl(api: Api, places: list[Address], token: str = "$TOKEN") -> str:  # noqa: S107 - the name of a shell variable
    """A line that calls the first operation of `api`, or an empty string when no gateway runs it."""
    if not places or not places[0].urls:
        return ""
    if streaming.streams(api):
        return streaming.call_line(api, places, token)
    if api.kind in ("GRAPHQL", "SOAP"):
        return described.call_line(api, places, token)
    operation = _simplest(list(api.operations.all()))
    verb, target = (operation.verb, operation.target) if operation else ("GET", "/")
    method = "" if verb == "GET" else f"-X {verb} "
    header = "" if operation and operation.auth == "none" else _credential(api, token)
    return f"curl -k {method}{header}{shlex.quote(places[0].urls[0] + target.removesuffix('*'))}"


def _credential(api: Api, token: str) -> str:
    """The option of curl for the first kind of credential that `api` takes."""
    taken = api.security or ["oauth2"]
    if "oauth2" in taken:
        return f'-H "{api.authorization_header or "Authorization"}: Bearer {token}" '
    if "api_key" in taken:
        return f'-H "{api.api_key_header or "apikey"}: $API_KEY" '
    if "basic_auth" in taken:
        return '-u "$USER_NAME" '
    return '--cert "$CERTIFICATE" --key "$PRIVATE_KEY" '


def credentials(api: Api) -> list[str]:
    """What callers of `api` may or must show, in words."""
    taken = api.security or ["oauth2"]
    header, key = api.authorization_header or "Authorization", api.api_key_header or "apikey"
    any_of = {
        "oauth2": f"Access token in {header}",
        "api_key": f"API key in {key}",
        "basic_auth": f"User name and password in {header}",
    }
    found = [text for name, text in any_of.items() if name in taken]
    return [*found, *(["Client certificate (mutual TLS)"] if MUTUAL in taken else [])]


def _simplest(operations: list[Operation]) -> Operation | None:
    """A GET without placeholders if there is one, else the first."""
    plain = [one for one in operations if one.verb == "GET" and "{" not in one.target]
    return next(iter(plain or operations), None)
