"""The fields of one side of an API's backends, flat for a form, and back: security, timeouts, suspension, checks, bounds."""

from __future__ import annotations

from typing import Any

from django import forms

from publisher.checks.endpoints import DEFAULT_TIMEOUT_MS, LONGEST_TIMEOUT_MS

SESSIONS = [
    ("", "No"),
    ("transport", "By cookie"),
    ("simple", "By client id in the SOAP header"),
    ("soap", "By service group id in the SOAP header"),
]
SECURITIES = [("", "None"), ("basic", "Basic"), ("digest", "Digest"), ("oauth", "OAuth2"), ("api_key", "API key")]
GRANTS = [("client_credentials", "Client credentials"), ("password", "Password")]
ACTIONS = [
    ("fault", "Answer with a fault"),
    ("discard", "Close the connection"),
    ("never", "Wait for as long as it takes"),
]
_TEXT = {"spellcheck": "false", "autocomplete": "off"}
_UNCHANGED = "Left empty it stays as it is."

GROUPS = {
    "security": (
        "security", "username", "password", "grant", "token_url", "client_id", "client_secret", "parameters", "key_name",
        "key_value", "key_place",
    ),
    "timeouts": ("connect_timeout_ms", "timeout_ms", "timeout_action", "retries"),
    "suspension": (
        "suspend", "codes", "suspension_retries", "retry_delay_ms", "suspend_codes", "initial_ms", "maximum_ms", "factor",
    ),
    "checks": ("health_path", "health_seconds", "connections", "pending"),
}  # fmt: skip
"""The fields in the order of the page."""

PLACES = {
    "timeout_ms": "timeout_ms", "connect_timeout_ms": "connect_timeout_ms", "retries": "retries",
    "security.username": "username", "security.password": "password", "security.token_url": "token_url",
    "security.client_id": "client_id", "security.client_secret": "client_secret", "security.name": "key_name",
    "security.value": "key_value", "suspension.codes": "codes", "suspension.suspend_codes": "suspend_codes",
    "suspension.retries": "suspension_retries", "suspension.retry_delay_ms": "retry_delay_ms",
    "suspension.initial_ms": "initial_ms", "suspension.maximum_ms": "maximum_ms", "suspension.factor": "factor",
    "health.path": "health_path", "health.seconds": "health_seconds", "breaker.connections": "connections",
    "breaker.pending": "pending",
}  # fmt: skip
"""Place of a mistake below a side → field."""


def _text(label: str, **more: Any) -> forms.CharField:
    return forms.CharField(required=False, max_length=2000, label=label, widget=forms.TextInput(attrs=_TEXT), **more)


def _secret(label: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        required=False, max_length=4000, label=label, strip=False, widget=widget, help_text=_UNCHANGED
    )


def _number(label: str, least: int = 0, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=least, max_value=LONGEST_TIMEOUT_MS, label=label, **more)


def fields() -> dict[str, forms.Field]:
    """Fresh fields of one side."""
    return {
        "security": forms.ChoiceField(required=False, choices=SECURITIES, label="Security of the backend"),
        "username": _text("User name"),
        "password": _secret("Password"),
        "grant": forms.ChoiceField(required=False, choices=GRANTS, label="Grant"),
        "token_url": _text("Token endpoint"),
        "client_id": _text("Client id"),
        "client_secret": _secret("Client secret"),
        "parameters": forms.CharField(
            required=False, max_length=4000, label="Further parameters", help_text="One name=value on each line.",
            widget=forms.Textarea(attrs={"rows": 2}),
        ),
        "key_name": _text("Name of the key"),
        "key_value": _secret("Key"),
        "key_place": forms.ChoiceField(
            required=False, choices=[("header", "Header"), ("query", "Query parameter")], label="Where it stands"
        ),
        "connect_timeout_ms": _number("Connect within ms", 1),
        "timeout_ms": _number("Answer within ms", 1),
        "timeout_action": forms.ChoiceField(required=False, choices=ACTIONS, label="When it is too slow"),
        "retries": _number("Tries again at once", help_text="Only where a call cannot happen twice."),
        "suspend": forms.BooleanField(required=False, label="Suspend an address that fails"),
        "codes": _text("Codes that only mark it", help_text="By commas; empty: 101504, 101505."),
        "suspension_retries": _number("Failures until it is suspended"),
        "retry_delay_ms": _number("Pause between them in ms"),
        "suspend_codes": _text("Codes that suspend at once", help_text="By commas; empty: all others; -1: none."),
        "initial_ms": _number("First suspension in ms"),
        "maximum_ms": _number("Longest suspension in ms", help_text="0: no bound."),
        "factor": forms.FloatField(required=False, min_value=1, max_value=100, label="Longer each time by"),
        "health_path": _text("Path of the active check", help_text="Empty: no check. Below the address, as /health."),
        "health_seconds": forms.FloatField(required=False, min_value=1, max_value=3600, label="Seconds between checks"),
        "connections": _number("Calls at the same time", help_text="0: no bound. For each worker of a gateway."),
        "pending": _number("Calls that may wait"),
    }  # fmt: skip


def flat(endpoint: dict[str, Any]) -> dict[str, Any]:
    """A stored side as initial values; secrets are left out."""
    one = (endpoint.get("members") or [endpoint])[0]
    security, suspension = endpoint.get("security") or {}, one.get("suspension") or {}
    health, breaker = one.get("health") or {}, one.get("breaker") or {}
    return {
        "security": security.get("kind", ""),
        **{name: security.get(name, "") for name in ("username", "token_url", "client_id")},
        "grant": security.get("grant") or "client_credentials",
        "parameters": "\n".join(f"{name}={value}" for name, value in security.get("parameters", ())),
        "key_name": security.get("name", ""),
        "key_place": security.get("place", "header"),
        "connect_timeout_ms": one.get("connect_timeout_ms", 5000),
        "timeout_ms": one.get("timeout_ms", DEFAULT_TIMEOUT_MS),
        "timeout_action": one.get("timeout_action", "fault"),
        "retries": one.get("retries", 0),
        "suspend": one.get("suspension") is not None,
        "codes": ", ".join(suspension.get("codes", ())),
        "suspend_codes": ", ".join(suspension.get("suspend_codes", ())),
        "suspension_retries": suspension.get("retries", 0),
        "retry_delay_ms": suspension.get("retry_delay_ms", 0),
        "initial_ms": suspension.get("initial_ms", 30_000),
        "maximum_ms": suspension.get("maximum_ms", 0),
        "factor": suspension.get("factor", 1.0),
        "health_path": health.get("path", ""),
        "health_seconds": health.get("seconds", 10.0),
        "connections": breaker.get("connections", 0),
        "pending": breaker.get("pending", 0),
    }


def patience(data: dict[str, Any]) -> dict[str, Any]:
    """Timeouts, suspension, checks and bounds from what was typed in."""
    found: dict[str, Any] = {
        "timeout_ms": data["timeout_ms"] or DEFAULT_TIMEOUT_MS,
        "connect_timeout_ms": data["connect_timeout_ms"] or 5000,
        "timeout_action": data["timeout_action"] or "fault",
        "retries": data["retries"] or 0,
    }
    if data["suspend"]:
        found["suspension"] = {
            "codes": _listed(data["codes"]),
            "suspend_codes": _listed(data["suspend_codes"]),
            "retries": data["suspension_retries"] or 0,
            "retry_delay_ms": data["retry_delay_ms"] or 0,
            "initial_ms": 30_000 if data["initial_ms"] is None else data["initial_ms"],
            "maximum_ms": data["maximum_ms"] or 0,
            "factor": data["factor"] or 1.0,
        }
    if data["health_path"]:
        found["health"] = {"path": data["health_path"], "seconds": data["health_seconds"] or 10.0}
    if data["connections"]:
        found["breaker"] = {"connections": data["connections"], "pending": data["pending"] or 0}
    return found


def security(data: dict[str, Any]) -> dict[str, Any] | None:
    """The security that was typed in; secrets left empty are filled in by the action."""
    kind = data["security"]
    if not kind:
        return None
    if kind == "api_key":
        return {
            "kind": kind,
            "name": data["key_name"],
            "value": data["key_value"],
            "place": data["key_place"] or "header",
        }
    found = {"kind": kind, "username": data["username"], "password": data["password"]}
    if kind != "oauth":
        return found
    lines = [line.partition("=") for line in data["parameters"].splitlines() if line.strip()]
    return {
        **(found if data["grant"] == "password" else {"kind": kind}),
        "grant": data["grant"] or "client_credentials",
        "token_url": data["token_url"],
        "client_id": data["client_id"],
        "client_secret": data["client_secret"],
        "parameters": [[name.strip(), value.strip()] for name, _, value in lines],
    }


def aws_fields() -> dict[str, forms.Field]:
    """Fresh fields of AWS Lambda."""
    return {
        "region": _text("Region", help_text="As eu-west-1."),
        "access_key": _text("Access key", help_text="Empty: the gateway's own credentials."),
        "secret_key": _secret("Secret key"),
        "role_arn": _text("ARN of a role to assume"),
        "role_session_name": _text("Name of the role's session"),
        "role_region": _text("Region of the role"),
    }


def aws_flat(endpoint: dict[str, Any]) -> dict[str, Any]:
    """A stored AWS endpoint as initial values, without its secret."""
    known = dict(endpoint.get("properties", ())) if endpoint.get("kind") == "aws_lambda" else {}
    return {name: known.get(name, "") for name in aws_fields() if name != "secret_key"}


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
