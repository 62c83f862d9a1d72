"""The form of an API's backends: what kind they are, their addresses in order, their security and their patience."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict

from publisher.backends import SIDES
from publisher.checks.endpoints import GROUPS
from publisher.forms import endpoint_parts as parts
from publisher.models import Api

KINDS = [
    ("http", "One HTTP or WebSocket address"),
    ("soap", "One SOAP address"),
    ("grpc", "One gRPC service (HTTP/2)"),
    ("load_balance", "Load balance: several addresses in turn"),
    ("failover", "Failover: the first address that works"),
    ("dynamic", "Dynamic: a request policy gives the address"),
    ("mock_inline", "Mock: scripts and examples of the definition"),
    ("mock_oas", "Mock: examples of the definition only"),
    ("aws_lambda", "AWS Lambda functions"),
]
ADDRESSES = ("http", "soap", "grpc", *GROUPS)
_ADDRESS_MISTAKE = re.compile(
    r"endpoints\.(?P<side>[a-z]+)\.(?:members\[(?P<number>\d+)\]\.)?(?P<rest>[a-z_.]+): (?P<text>.+)", re.S
)
_FUNCTION_MISTAKE = re.compile(r"endpoints\.[a-z]+\.functions\[(?P<number>\d+)\]\.[a-z_]+: (?P<text>.+)", re.S)
_PATIENCE = ("timeout_ms", "connect_timeout_ms", "timeout_action", "retries", "suspension", "health", "breaker")
_MOCKS = {"mock_inline": "INLINE", "mock_oas": "MOCKED_OAS"}


@dataclass
class Row:
    """One address as typed in."""

    url: str = ""
    weight: str = "1"
    order: str = ""
    error: str = ""


@dataclass
class FunctionRow:
    """The AWS function of one operation."""

    verb: str
    target: str
    name: str = ""
    timeout: str = "50000"
    encoded: bool = False
    error: str = ""


class Endpoints(forms.Form):
    """`keywords` are what `update_api` takes. Secrets are never shown; left empty they stay as they are."""

    kind = forms.ChoiceField(choices=KINDS, label="Kind of backend")
    algorithm = forms.ChoiceField(
        required=False, choices=[("round_robin", "One after the other"), ("weighted", "By weight")], label="Turns"
    )
    session = forms.ChoiceField(required=False, choices=parts.SESSIONS, label="Callers stay with an address")
    session_ms = forms.IntegerField(required=False, min_value=0, label="Session in ms")
    failover = forms.BooleanField(required=False, label="Try the others when one fails")

    def __init__(self, api: Api, data: QueryDict | None = None) -> None:
        self.api = api
        self.stored: dict[str, dict[str, Any]] = api.endpoints
        super().__init__(data, initial=self._initial())
        for side in SIDES:
            for name, field in parts.fields().items():
                self.fields[f"{side}_{name}"] = field
        for name, field in parts.aws_fields().items():
            self.fields[name] = field
        self.rows = {side: self._rows(side) for side in SIDES}
        self.functions = self._functions()

    # -- for the template

    def sides(self) -> Iterator[dict[str, Any]]:
        """Production and sandbox with their rows and groups of fields."""
        for side in SIDES:
            groups = {name: list(self._bound(side, names)) for name, names in parts.GROUPS.items()}
            yield {"name": side, "label": side.capitalize(), "rows": self.rows[side], **groups}

    def balance(self) -> list[BoundField]:
        """The fields of a load balance."""
        return [self[name] for name in ("algorithm", "session", "session_ms", "failover")]

    def aws(self) -> list[BoundField]:
        """The fields of AWS Lambda."""
        return [self[name] for name in parts.aws_fields()]

    def _bound(self, side: str, names: tuple[str, ...]) -> Iterator[BoundField]:
        for name in names:
            yield self[f"{side}_{name}"]

    # -- what is stored, flat

    def _initial(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self._kind(), "failover": True}
        for side in SIDES:
            endpoint = self.stored.get(side, {})
            found |= {f"{side}_{name}": value for name, value in parts.flat(endpoint).items()}
        group = next((one for one in self.stored.values() if one.get("kind") == "load_balance"), {})
        found |= {name: group[name] for name in ("algorithm", "session", "session_ms", "failover") if name in group}
        return found | parts.aws_flat(self.stored.get("production", {}))

    def _kind(self) -> str:
        for endpoint in self.stored.values():
            kind = endpoint.get("kind", "http")
            if kind == "mock":
                return (
                    "mock_oas"
                    if ["implementation", "MOCKED_OAS"] in list(map(list, endpoint.get("properties", ())))
                    else "mock_inline"
                )
            if kind in dict(KINDS):
                return str(kind)
        return "http"

    def _rows(self, side: str) -> list[Row]:
        """The addresses in their order, and empty ones to fill in."""
        if self.is_bound:
            urls, weights, orders = (self.data.getlist(f"{side}_{name}") for name in ("url", "weight", "order"))
            return [
                Row(
                    url.strip()[:2000],
                    (weights[n] if n < len(weights) else "1")[:6],
                    (orders[n] if n < len(orders) else "")[:6],
                )
                for n, url in enumerate(urls[:60])
            ] or [Row()]
        endpoint = self.stored.get(side, {})
        members = endpoint.get("members") or ([endpoint] if endpoint.get("url") else [])
        found = [Row(one["url"], str(one.get("weight", 1)), str(n)) for n, one in enumerate(members, 1)]
        return [*found, *(Row(order=str(n)) for n in range(len(found) + 1, max(len(found) + 2, 4)))]

    def _functions(self) -> list[FunctionRow]:
        known = {(one["verb"], one["target"]): one for one in self.stored.get("production", {}).get("functions", ())}
        found = []
        for n, operation in enumerate(self.api.operations.all()[:500]):
            row, one = FunctionRow(operation.verb, operation.target), known.get((operation.verb, operation.target), {})
            if self.is_bound:
                row.name = self.data.get(f"function_{n}", "").strip()[:600]
                row.timeout = self.data.get(f"function_timeout_{n}", "50000").strip()[:8]
                row.encoded = f"function_encoded_{n}" in self.data
            elif one:
                row.name, row.timeout, row.encoded = (
                    one["name"],
                    str(one.get("timeout_ms", 50_000)),
                    one.get("encoded", False),
                )
            found.append(row)
        return found

    # -- what was sent

    def clean(self) -> dict[str, Any]:
        """Weights, orders and the timeouts of functions are numbers."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for side in SIDES:
            for row in self.rows[side]:
                for name, value in (("weight", row.weight), ("order", row.order)):
                    if row.url and value and not _whole(value):
                        self._row_mistake(row, f"{value!r} is not a {name}: a whole number, 1 or more.")
        for function in self.functions:
            if data.get("kind") == "aws_lambda" and function.name and not _whole(function.timeout):
                self._row_mistake(function, f"{function.timeout!r} is not a timeout: a whole number of ms, 1 or more.")
        return data

    def add_error(self, field: str | None, error: Any) -> None:
        """A mistake of one address or function stands in its row; one that several addresses share is said once."""
        if field is None and isinstance(error, str):
            if found := _FUNCTION_MISTAKE.fullmatch(error):
                self._row_mistake(self._named()[int(found["number"])], found["text"])
                return
            if (found := _ADDRESS_MISTAKE.fullmatch(error)) and found["side"] in SIDES:
                self._address_mistake(found["side"], int(found["number"] or 0), found["rest"], found["text"])
                return
        if error not in self.errors.get(field or "__all__", ()):
            super().add_error(field, error)

    def _address_mistake(self, side: str, number: int, rest: str, text: str) -> None:
        if self.cleaned_data.get("kind") == "aws_lambda" and side != "production":
            return  # both sides are the same functions
        rows = self._used(side)
        if rest in ("url", "weight", "kind") and number < len(rows):
            self._row_mistake(rows[number], text)
            return
        name = next((name for place, name in parts.PLACES.items() if rest.startswith(place)), "")
        self.add_error(f"{side}_{name}" if name else None, text if name else f"{side.capitalize()}: {text}")

    def _row_mistake(self, row: Row | FunctionRow, text: str) -> None:
        row.error = f"{row.error} {text}" if row.error else text
        self.add_error(None, "Some rows are not valid; see below.")

    def _used(self, side: str) -> list[Row]:
        """The rows with an address, as their numbers order them."""
        return sorted((row for row in self.rows[side] if row.url), key=lambda row: int(row.order or 1000))

    def _named(self) -> list[FunctionRow]:
        return [row for row in self.functions if row.name]

    def keywords(self) -> dict[str, Any]:
        """The endpoints as the action takes them."""
        kind = self.cleaned_data["kind"]
        if kind in _MOCKS:
            mock = {"kind": "mock", "properties": [["implementation", _MOCKS[kind]]]}
            return {"endpoints": {"production": mock, "sandbox": mock}}
        if kind == "aws_lambda":
            functions = self._aws()
            return {"endpoints": {"production": functions, "sandbox": functions}}
        found = {side: self._side(side, kind) for side in SIDES}
        return {"endpoints": {side: endpoint for side, endpoint in found.items() if endpoint}}

    def _side(self, side: str, kind: str) -> dict[str, Any] | None:
        data = {
            name.removeprefix(f"{side}_"): value
            for name, value in self.cleaned_data.items()
            if name.startswith(f"{side}_")
        }
        secured = {"security": security} if (security := parts.security(data)) else {}
        if kind == "dynamic":
            return {"kind": "dynamic", **parts.patience(data), **secured}
        rows = self._used(side)
        if not rows:
            return None
        members = [self._member(side, row, kind, parts.patience(data)) for row in rows]
        if kind in ("http", "soap", "grpc"):
            return members[0] | secured
        group: dict[str, Any] = {"kind": kind, "members": members, **secured}
        if kind == "load_balance":
            group |= {name: self.cleaned_data[name] for name in ("algorithm", "session", "failover")}
            group["algorithm"] = group["algorithm"] or "round_robin"
            group["session_ms"] = self.cleaned_data["session_ms"] or 0
        return group

    def _member(self, side: str, row: Row, kind: str, patience: dict[str, Any]) -> dict[str, Any]:
        """One address, with what this form does not show as it was for the same address: certificates, the kind of a
        group's member, and its own patience as long as nobody changed what the form shows of the first one's."""
        stored = self.stored.get(side, {})
        before = next((one for one in (stored, *stored.get("members", ())) if one.get("url") == row.url), {})
        unseen = {name: before[name] for name in ("certificates", "client_certificate", "client_key") if name in before}
        if before and patience == parts.patience(parts.flat(stored)):
            patience = {name: before[name] for name in _PATIENCE if name in before}
        elif "health" in patience:
            patience = patience | {"health": (before.get("health") or {}) | patience["health"]}
        if kind in GROUPS:
            kind = before["kind"] if before.get("kind") in ("http", "soap") else "http"
        return {"url": row.url, "kind": kind, "weight": int(row.weight or 1), **unseen, **patience}

    def _aws(self) -> dict[str, Any]:
        names = parts.aws_fields()
        known = [[name, self.cleaned_data[name]] for name in names if name != "secret_key" and self.cleaned_data[name]]
        if self.cleaned_data["access_key"]:
            known.append(["secret_key", self.cleaned_data["secret_key"]])
        functions = [
            {
                "verb": row.verb,
                "target": row.target,
                "name": row.name,
                "timeout_ms": int(row.timeout),
                "encoded": row.encoded,
            }
            for row in self._named()
        ]
        return {"kind": "aws_lambda", "properties": known, "functions": functions}

    PLACES = {
        f"endpoints.{side}.{place}": f"{side}_{name}" for side in SIDES for place, name in parts.PLACES.items()
    } | {f"endpoints.production.properties.{name}": name for name in ("region", "access_key", "secret_key")}


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) > 0
