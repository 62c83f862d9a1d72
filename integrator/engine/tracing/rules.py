"""Which messages are traced: by share, by what they are for, by a header or correlation id, or by how they end."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.tracing.record import Limits, Trace

if TYPE_CHECKING:
    from integrator.engine.message import Message

ARTIFACTS = ("api", "proxy", "inbound-endpoint", "task", "message-processor", "sequence", "template", "endpoint")
INSIDE = ("sequence", "template", "endpoint")
"""Kinds of which it shows only at the end whether a message went through one."""
_chance = random.Random().random  # noqa: S311  (a sample, nothing secret)


class RuleError(ValueError):
    """A rule says something that is not allowed."""


@dataclass(frozen=True)
class Rule:
    """All that is given must hold. `rate` 0..1, `slower_ms` 0: any; `faults`: only messages that fail are kept."""

    id: str
    origin: str
    artifact: str = ""
    header: str = ""
    value: str = ""
    correlation_id: str = ""
    rate: float = 1.0
    faults: bool = False
    slower_ms: float = 0.0
    count: int = 0
    until: float = 0.0

    @property
    def late(self) -> bool:
        """Whether only the end of a message decides."""
        return self.faults or self.slower_ms > 0 or self.inside

    @property
    def inside(self) -> bool:
        """Whether it names something that messages pass on their way."""
        return self.artifact.partition(":")[0] in INSIDE and self.artifact != "sequence:main"

    def begins(self, message: Message) -> bool:
        """Whether a message may match, judged before it runs."""
        if self.artifact and not self.inside and self.artifact != message.flow.artifact:
            return False
        if self.correlation_id and self.correlation_id != message.flow.correlation_id:
            return False
        if self.header:
            given = message.headers.get(self.header)
            if given is None or (self.value and given != self.value):
                return False
        return self.rate >= 1 or _chance() < self.rate

    def ends(self, trace: Trace) -> bool:
        """Whether a message that began to match is kept."""
        if self.faults and trace.outcome != "failed":
            return False
        if self.slower_ms and trace.duration_ms < self.slower_ms:
            return False
        return not self.inside or self.artifact.replace(":", " ", 1) in trace.touched

    def describe(self) -> dict[str, Any]:
        """Fields for the management API; what is not set is left out. A header's value is not told."""
        given = {
            "artifact": self.artifact,
            "header": self.header,
            "correlationId": self.correlation_id,
            "rate": self.rate if self.rate < 1 else None,
            "faults": self.faults,
            "slowerMs": self.slower_ms,
            "count": self.count,
            "secondsLeft": max(0, round(self.until - time.monotonic())) if self.until else None,
        }
        return {"id": self.id, "origin": self.origin, **{key: value for key, value in given.items() if value}}


KEYS = {
    "artifact": str,
    "header": str,
    "value": str,
    "correlationId": str,
    "rate": float,
    "faults": bool,
    "slowerMs": float,
    "count": int,
    "seconds": float,
}


def rule_of(identifier: str, origin: str, given: Any) -> Rule:
    """A rule of JSON or TOML values. Raises RuleError naming key, value and what is allowed."""
    if not isinstance(given, dict):
        raise RuleError("a rule must be an object")
    values: dict[str, Any] = {}
    for key, value in given.items():
        kind = KEYS.get(key)
        if kind is None:
            raise RuleError(f"{key!r} is not known; allowed are {', '.join(KEYS)}")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise RuleError(f"{key}={value!r}: {kind.__name__} is expected")
        values[key] = value
    _check(values)
    return Rule(
        id=identifier,
        origin=origin,
        artifact=values.get("artifact", ""),
        header=values.get("header", ""),
        value=values.get("value", ""),
        correlation_id=values.get("correlationId", ""),
        rate=values.get("rate", 1.0),
        faults=values.get("faults", False),
        slower_ms=values.get("slowerMs", 0.0),
        count=values.get("count", 0),
        until=time.monotonic() + values["seconds"] if values.get("seconds") else 0.0,
    )


def _check(values: dict[str, Any]) -> None:
    if not 0 <= values.get("rate", 1.0) <= 1:
        raise RuleError(f"rate={values['rate']!r}: a number from 0 to 1 is expected")
    for key in ("slowerMs", "count", "seconds"):
        if values.get(key, 0) < 0:
            raise RuleError(f"{key}={values[key]!r}: a number of 0 or more is expected")
    artifact = values.get("artifact", "")
    if artifact and (artifact.partition(":")[0] not in ARTIFACTS or not artifact.partition(":")[2]):
        raise RuleError(f"artifact={artifact!r}: expected is KIND:NAME with a kind of {', '.join(ARTIFACTS)}")
    if values.get("value") and not values.get("header"):
        raise RuleError("value needs header")


@dataclass(frozen=True)
class Given:
    """[tracing] of deployment.toml."""

    rules: tuple[Rule, ...] = ()
    count: int = 200
    size: int = 16 * 1024 * 1024
    limits: Limits = field(default_factory=Limits)


def settings_of(table: Any) -> Given:
    """What [tracing] of a home says. Raises DeploymentError."""
    try:
        return _settings(table if isinstance(table, dict) else {})
    except RuleError as error:
        raise DeploymentError(Place("conf/deployment.toml", element="tracing"), str(error)) from error


def _settings(table: dict[str, Any]) -> Given:
    bounds = {"max_traces": 200, "max_bytes": 16 * 1024 * 1024, "payload_bytes": 32 * 1024}
    for key in bounds:
        value = table.get(key, bounds[key])
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise RuleError(f"{key}={value!r}: a whole number above 0 is expected")
        bounds[key] = value
    rules = table.get("rule", [])
    unknown = sorted(set(table) - {*bounds, "rule"})
    if unknown or not isinstance(rules, list):
        raise RuleError(f"{(unknown or ['rule'])[0]!r}: allowed are {', '.join(bounds)} and [[tracing.rule]]")
    made = tuple(rule_of(f"setting-{number}", "setting", item) for number, item in enumerate(rules, 1))
    limits = Limits(payload=bounds["payload_bytes"], texts=max(256 * 1024, min(1536 * 1024, bounds["max_bytes"] // 4)))
    return Given(made, bounds["max_traces"], bounds["max_bytes"], limits)
