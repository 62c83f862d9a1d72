"""The contract's `config` of one endpoint ↔ timeouts, suspension, retries, checks and bounds of the design.

`retries`, `connectTimeout`, `healthCheck` and `circuitBreakers` are ours; the rest, with its spelling, is the original's.
"""

from __future__ import annotations

from typing import Any

from apim.errors import FieldError, Invalid
from publisher.checks.basics import shown

_HEALTH = {
    "path": "path",
    "seconds": "seconds",
    "timeout": "timeout_ms",
    "healthy": "healthy",
    "unhealthy": "unhealthy",
}
_BREAKERS = {"maxConnections": "connections", "maxPendingRequests": "pending"}
_SUSPENSION = (
    "retryErroCode",
    "retryTimeOut",
    "retryDelay",
    "suspendErrorCode",
    "suspendDuration",
    "suspendMaxDuration",
    "factor",
)


def out(endpoint: dict[str, Any]) -> dict[str, Any]:
    """The `config` of an address; numbers are texts, as the original has them."""
    known = endpoint.get("suspension")
    suspension = known or {}
    found: dict[str, Any] = {
        "actionSelect": endpoint.get("timeout_action", "fault"),
        "actionDuration": str(endpoint.get("timeout_ms", 60_000)),
        "retryErroCode": list(suspension.get("codes", ())),
        "retryTimeOut": str(suspension.get("retries", "") or ""),
        "retryDelay": str(suspension.get("retry_delay_ms", "") or ""),
        "suspendErrorCode": list(suspension.get("suspend_codes", ())),
        "suspendDuration": str(suspension.get("initial_ms", 30_000)) if known is not None else "",
        "suspendMaxDuration": str(suspension.get("maximum_ms", "") or ""),
        "factor": f"{suspension.get('factor', 1.0):g}" if known is not None else "",
    }
    if "connect_timeout_ms" in endpoint:
        found["connectTimeout"] = str(endpoint["connect_timeout_ms"])
    if endpoint.get("retries"):
        found["retries"] = endpoint["retries"]
    if endpoint.get("health"):
        found["healthCheck"] = {
            theirs: endpoint["health"][ours] for theirs, ours in _HEALTH.items() if ours in endpoint["health"]
        }
    if endpoint.get("breaker") is not None:
        found["circuitBreakers"] = {theirs: endpoint["breaker"].get(ours, 0) for theirs, ours in _BREAKERS.items()}
    return found


def given(config: Any, place: str) -> dict[str, Any]:
    """What a `config` says, as fields of an endpoint. Raises Invalid for a number that is none."""
    if not isinstance(config, dict):
        return {}
    found: dict[str, Any] = {}
    for theirs, ours in (
        ("actionDuration", "timeout_ms"),
        ("connectTimeout", "connect_timeout_ms"),
        ("retries", "retries"),
    ):
        if config.get(theirs) not in (None, ""):
            found[ours] = number(config[theirs], f"{place}.{theirs}")
    if config.get("actionSelect") not in (None, "", "fault"):
        found["timeout_action"] = config["actionSelect"]
    suspension = _suspension(config, place)
    if suspension is not None:
        found["suspension"] = suspension
    if isinstance(config.get("healthCheck"), dict):
        found["health"] = {
            ours: config["healthCheck"][theirs] for theirs, ours in _HEALTH.items() if theirs in config["healthCheck"]
        }
        found["health"].setdefault("path", "")
    if isinstance(config.get("circuitBreakers"), dict):
        known = config["circuitBreakers"]
        found["breaker"] = {
            ours: number(known[theirs], f"{place}.circuitBreakers.{theirs}")
            for theirs, ours in _BREAKERS.items()
            if known.get(theirs) not in (None, "")
        }
    return found


def _suspension(config: dict[str, Any], place: str) -> dict[str, Any] | None:
    """None when nothing of it is said: then nothing is ever suspended."""
    if not any(config.get(name) not in (None, "", []) for name in _SUSPENSION):
        return None
    found: dict[str, Any] = {}
    for theirs, ours in (("retryErroCode", "codes"), ("suspendErrorCode", "suspend_codes")):
        codes = config.get(theirs) or []
        if not isinstance(codes, list):
            raise _wrong(f"{place}.{theirs}", f"{shown(codes)} is not a list.")
        found[ours] = [str(one.get("key", one)) if isinstance(one, dict) else str(one) for one in codes]
    for theirs, ours in (
        ("retryTimeOut", "retries"),
        ("retryDelay", "retry_delay_ms"),
        ("suspendDuration", "initial_ms"),
        ("suspendMaxDuration", "maximum_ms"),
    ):
        if config.get(theirs) not in (None, ""):
            found[ours] = number(config[theirs], f"{place}.{theirs}")
    if config.get("factor") not in (None, ""):
        try:
            found["factor"] = float(str(config["factor"])[:20])
        except ValueError:
            raise _wrong(f"{place}.factor", f"{shown(config['factor'])} is not a number.") from None
    return found


def number(value: Any, field: str) -> int:
    """A whole number, or one written as text. Raises Invalid."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        return int(value)
    raise _wrong(field, f"{shown(value)} is not a whole number.")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
