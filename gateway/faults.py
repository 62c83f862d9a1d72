"""The one table of answers the gateway gives by itself: codes and texts that clients of WSO2 know (reference A13).

A refusal that needs no more than its text is a constant; one that names something is a function. `catalogue()` lists them all:
the reference page and the tests are made from it. Their forms on the wire are `gateway.fault_forms`.
"""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from time import gmtime, strftime

from gateway.fault_forms import Fault, answer, render

__all__ = ["Fault", "answer", "catalogue", "render"]

CHALLENGE = 'OAuth2 realm="WSO2 API Manager", error="invalid_token", error_description="The provided token is invalid"'


def _general(status: int, code: str, description: str, message: str = "Runtime Error", when: str = "") -> Fault:
    return Fault(status, code, message, description, type="Status report", when=when)


def _security(status: int, code: str, message: str, description: str = "", when: str = "") -> Fault:
    lines = f"www-authenticate: {CHALLENGE}\r\n".encode() if status == 401 else b""
    return Fault(status, code, message, description or message, "security", lines=lines, when=when)


# -- routing

NOT_FOUND = _general(404, "404", "The requested resource is not available.", "Not Found", "no API has the path")
NO_RESOURCE = _general(
    404, "404", "No matching resource found for given API Request", when="the API has no such resource"
)
NOT_ALLOWED = _general(405, "405", "Method not allowed for given API resource", when="the resource has other verbs")
BAD_PATH = _general(
    400, "400", "The path has a dot segment (. or ..), a NUL or a broken percent escape", "Bad Request", "unsafe path"
)
TWO_MEANINGS = _general(
    400,
    "400",
    "The path has an escaped slash, a backslash or ; parameters, and read otherwise it leads to a resource with other rights",
    "Bad Request",
    "ambiguous path",
)
NOT_READY = _general(
    503,
    "503",
    "The gateway has not received its configuration yet",
    "Service Unavailable",
    "a gateway that has just started",
)
BLOCKED = Fault(
    503,
    "700700",
    "",
    "This API has been blocked temporarily. Please try again later or contact the system administrators.",
    type="API blocked",
    when="the API's life-cycle state is BLOCKED",
)

# -- who calls, and what it may

UNCLASSIFIED = _security(500, "900900", "Unclassified Authentication Failure", when="an internal error while checking")
INVALID = _security(
    401,
    "900901",
    "Invalid Credentials",
    "Invalid Credentials. Make sure you have provided the correct security credentials",
    "a wrong, expired or revoked token, key or password",
)
EXPIRED = _security(401, "900903", "Access Token Expired", when="rarely sent; expired tokens get 900901")
INACTIVE = _security(401, "900904", "Access Token Inactive", when="rarely sent; inactive tokens get 900901")
WRONG_TOKEN_TYPE = _security(
    401,
    "900905",
    "Incorrect Access Token Type is provided",
    when="an application's token where a user's is asked for, or the other way round",
)
NO_MATCHING_RESOURCE = _security(
    403,
    "900906",
    "No matching resource found in the API for the given request",
    "Check the API documentation and add a proper REST resource path to the invocation URL",
    "a GraphQL field or a topic that the API does not offer",
)
SUBSCRIPTION_BLOCKED = _security(
    401, "900907", "The requested API is temporarily blocked", when="the subscription is blocked"
)
FORBIDDEN = _security(
    403,
    "900908",
    "Resource forbidden ",
    "User is NOT authorized to access the Resource. API Subscription validation failed.",
    "the application is not subscribed",
)
SUBSCRIPTION_INACTIVE = _security(
    401, "900909", "The subscription to the API is inactive", when="the subscription waits for approval or was rejected"
)
CERTIFICATE_REFUSED = _security(
    401,
    "900911",
    "Invalid Credentials",
    "Mutual SSL validation failed",
    "mutual TLS: no certificate, or an unknown one",
)
CLAIM_MISMATCH = _security(
    403,
    "900912",
    "Claim Mismatch",
    "The token's claim is not the one that the API asks for",
    "a policy that compares claims",
)
CLAIM_MISSING = _security(
    403, "900913", "Claim Invalid", "The token has not the claim that the API asks for", "a policy that compares claims"
)
AUDIENCE = _security(403, "900914", "Invalid JWT token. Audience not allowed", when="no `aud` that the API accepts")
NO_SANDBOX = _general(
    403,
    "900901",
    "Sandbox key offered to the API with no sandbox endpoint",
    when="a sandbox key, and no sandbox endpoint",
)
NO_PRODUCTION = _general(
    403,
    "900901",
    "Production key offered to the API with no production endpoint",
    when="a production key, and no production endpoint",
)
OPA_FORBIDDEN = _general(403, "901101", "The policy agent refused the call", "Forbidden", "the agent says no")
OPA_REQUEST_FAILED = _general(
    500, "901102", "The policy agent could not be asked", "Internal Server Error", "the agent cannot be reached"
)
OPA_RESPONSE_FAILED = _general(
    500,
    "901103",
    "The policy agent's answer is of no use",
    "Internal Server Error",
    "the agent's answer is not understood",
)

# -- limits

BACKEND_LIMIT = Fault(
    503,
    "900801",
    "API Limit Reached",
    "API not accepting requests",
    "throttling",
    when="the backend's own limit, all callers together",
)
DENIED = Fault(
    403,
    "900805",
    "Message blocked",
    "You have been blocked from accessing the resource",
    "throttling",
    when="a deny policy",
)
STREAM_LIMIT = Fault(
    429,
    "900808",
    "Message throttled out",
    "You have exceeded the number of connections or events",
    "throttling",
    when="connections or events of a stream",
)
THROTTLED = {
    "900800": "the API's policy",
    "900802": "an operation's policy",
    "900803": "the application's policy",
    "900804": "the plan's quota",
    "900806": "a custom rule",
    "900807": "the plan's burst limit",
    "900809": "the application's burst limit",
}
"""Code of a limit → whose it is."""

# -- backends

RECEIVER_SENDING = _general(500, "101000", "Receiver input/output error sending", when="the caller's side, writing")
RECEIVER_RECEIVING = _general(500, "101001", "Receiver input/output error receiving", when="the caller's side, reading")
SENDER_SENDING = _general(500, "101500", "Sender input/output error sending", when="the backend's side, writing")
SENDER_RECEIVING = _general(500, "101501", "Sender input/output error receiving", when="the backend's side, reading")
CONNECT_FAILED = _general(500, "101503", "Error connecting to the back end", when="no connection to the backend")
SEND_TIMEOUT = _general(504, "101504", "Send timeout", when="the backend was silent for too long")
CONNECTION_CLOSED = _general(
    500, "101505", "The back end closed the connection before it answered", when="no answer, connection closed"
)
PROTOCOL_VIOLATION = _general(
    500, "101506", "The back end did not answer in valid HTTP", when="an answer that is no HTTP"
)
CONNECT_CANCEL = _general(500, "101507", "Connection to the back end was cancelled", when="the connection was given up")
CONNECT_TIMEOUT = _general(504, "101508", "Connection timeout", when="no connection within its time")
RESPONSE_FAILED = _general(500, "101510", "The response could not be processed", when="an answer that cannot be used")
SUSPENDED = _general(
    500, "303001", "Currently , Address endpoint : [ Name : ] [ State : SUSPENDED ]", when="all suspended"
)
NONE_READY = _general(
    500, "303000", "Loadbalance endpoint :  - no ready child endpoints", when="all endpoints of a group are suspended"
)
ENDPOINT_AUTH = _general(
    500, "303003", "The gateway could not authenticate itself to the back end", when="no token for the backend"
)
OVERLOADED = _general(
    503, "303004", "The back end has as many calls as it takes", "Service Unavailable", "the circuit breaker's bounds"
)


def suspended(name: str, state: str) -> Fault:
    """303001 for a single endpoint, which is SUSPENDED or in TIMEOUT."""
    return replace(SUSPENDED, description=f"Currently , Address endpoint : [ Name : {name} ] [ State : {state} ]")


def none_ready(kind: str, name: str) -> Fault:
    """303000 for a group; `kind` as the original spells it: Loadbalance or Failover."""
    return replace(NONE_READY, description=f"{kind} endpoint : {name} - no ready child endpoints")


# -- gRPC

NEEDS_HTTP2 = _general(505, "505", "gRPC is spoken over HTTP/2", "HTTP Version Not Supported", "gRPC over HTTP/1.1")
NOT_GRPC = _general(415, "415", "Send application/grpc", "Unsupported Media Type", "another content type than gRPC's")

# -- GraphQL


def invalid_query(reason: str) -> Fault:
    """900422: the body is no GraphQL request, or its document does not fit the schema."""
    return Fault(422, "900422", "INVALID QUERY", reason, "security", when="a GraphQL request that is not valid")


def too_deep(depth: int, most: int) -> Fault:
    """900820: deeper than the subscription's plan allows."""
    text = f"maximum query depth exceeded {depth} > {most}"
    return Fault(400, "900820", "QUERY TOO DEEP", text, "throttling", when="deeper than the plan's GraphQL depth")


def too_complex(complexity: int, most: int) -> Fault:
    """900821: costs more than the subscription's plan allows."""
    text = f"maximum query complexity exceeded {complexity} > {most}"
    return Fault(400, "900821", "QUERY TOO COMPLEX", text, "throttling", when="more than the plan's GraphQL complexity")


# -- that name something


def too_large(limit: int) -> Fault:
    """The request body is longer than what a policy that reads it allows."""
    text = f"The request body is longer than {limit} bytes"
    return _general(413, "413", text, "Payload Too Large", "a body that a policy must read, and that is too long")


def missing_credentials(header: str, key_header: str = "apikey") -> Fault:
    """900902, naming the headers in which this API wants its token or API key."""
    return _security(
        401,
        "900902",
        "Missing Credentials",
        "Missing Credentials. Make sure your API invocation call has a header: "
        f"'{header} : Bearer ACCESS_TOKEN' or '{header} : Basic ACCESS_TOKEN' or '{key_header} : API_KEY'",
        "none of the credentials that the API takes",
    )


def missing_scope(resource: str) -> Fault:
    """900910 for one resource template."""
    return _security(
        403,
        "900910",
        "The access token does not allow you to access the requested resource",
        f"User is NOT authorized to access the Resource: {resource}. Scope validation failed.",
        "the token lacks a scope of the operation",
    )


def threat(code: int, message: str, description: str) -> Fault:
    """The 400 of a threat-protection policy."""
    return Fault(400, str(code), message, description, when="a threat-protection policy")


def throttled(code: str, ends: float) -> Fault:
    """The 429 of a limit (`THROTTLED`) until `ends`."""
    moment = strftime("%Y-%b-%d %H:%M:%S+0000 UTC", gmtime(ends))
    lines = f"retry-after: {formatdate(ends, usegmt=True)}\r\n".encode()
    if code == BACKEND_LIMIT.code:
        return Fault(503, code, BACKEND_LIMIT.message, BACKEND_LIMIT.description, "throttling", lines=lines)
    return Fault(
        429,
        code,
        "Message throttled out",
        f"You have exceeded your quota .You can access API after {moment}",
        "throttling",
        lines=lines,
        next_access=moment,
        when=THROTTLED.get(code, ""),
    )


def catalogue() -> list[Fault]:
    """Every fault of the table, ordered by code; those that name something as examples."""
    examples = [
        missing_credentials("Authorization"),
        missing_scope("/menu"),
        invalid_query("Syntax Error: Unexpected Name 'qery'."),
        too_deep(4, 3),
        too_complex(35, 20),
        too_large(10_485_760),
        threat(102511, "Bad Request", "Threat detected in Payload"),
        *(throttled(code, 1_678_528_860) for code in THROTTLED),
    ]
    fixed = [value for value in globals().values() if isinstance(value, Fault)]
    return sorted([*fixed, *examples], key=lambda fault: (len(fault.code), fault.code, fault.description))
