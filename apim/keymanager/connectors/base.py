"""What a connector is: what it asks the administrator for, and how clients are made at its kind of key manager."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from apim.errors import ApimError, FieldError, Invalid
from apim.keymanager import outbound

LONGEST_REASON = 300


class KeyManagerFails(ApimError):
    """A key manager elsewhere does not answer, or not in a way that its kind does."""

    status, code, message = 502, 900502, "Key manager does not answer"


@dataclass(frozen=True)
class Field:
    """One thing the administrator is asked for. `mask`: it is secret, kept sealed and never shown again."""

    name: str
    label: str
    tooltip: str = ""
    required: bool = False
    mask: bool = False

    def shown(self) -> dict[str, Any]:
        """The contract's KeyManagerConfiguration."""
        return {
            "name": self.name,
            "label": self.label,
            "type": "input",
            "required": self.required,
            "mask": self.mask,
            "multiple": False,
            "tooltip": self.tooltip,
            "values": [],
        }


@dataclass(frozen=True)
class Wanted:
    """A client as an application needs it."""

    name: str
    grant_types: tuple[str, ...]
    callback_urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A client as the key manager has it. `secret` only where it was told; `handle`: what managing it takes, kept sealed."""

    client_id: str
    secret: str = ""
    name: str = ""
    grant_types: tuple[str, ...] = ()
    callback_urls: tuple[str, ...] = ()
    handle: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """One key manager, as its connector sees it: addresses, and what the administrator filled in, secrets opened."""

    token_url: str
    registration_url: str
    settings: Mapping[str, str]

    def required(self, name: str) -> str:
        """A setting that the connector cannot do without. Raises Invalid."""
        value = self.settings.get(name, "")
        if not value:
            raise Invalid(
                "The key manager is not set up for this.", [FieldError(f"additionalProperties.{name}", "is not set")]
            )
        return value

    def client_token(self, **more: str) -> str:
        """An access token for ourselves, by client credentials at the key manager. Raises ApimError."""
        form = {"grant_type": "client_credentials", **more}
        pair = basic(self.required("client_id"), self.required("client_secret"))
        answer = send("POST", self.token_url, {"authorization": pair}, form=form)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise KeyManagerFails(f"{self.token_url} gave no access token.")
        return token


class Clients(Protocol):
    """Makes and manages clients at one kind of key manager. All raise ApimError."""

    def create(self, access: Access, wanted: Wanted) -> Found:
        """Register a client."""

    def retrieve(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """What the key manager says of a client. Raises Invalid when it has none of this id."""

    def update(self, access: Access, client_id: str, handle: Mapping[str, str], wanted: Wanted) -> Found:
        """Change a client."""

    def delete(self, access: Access, client_id: str, handle: Mapping[str, str]) -> None:
        """Remove a client; one that is gone already is fine."""

    def renew_secret(self, access: Access, client_id: str, handle: Mapping[str, str]) -> Found:
        """A new secret. Raises Invalid where the key manager has no way to make one."""


@dataclass(frozen=True)
class Connector:
    """A kind of key manager. `well_known`: what its discovery address looks like; `validation`: which tokens are its own."""

    type: str
    display_name: str
    well_known: str = "https://host/.well-known/openid-configuration"
    client_claim: str = "azp"
    scope_claim: str = "scope"
    fields: tuple[Field, ...] = ()
    clients: Clients | None = None
    mapping_needs_secret: bool = True
    validation: tuple[dict[str, Any], ...] = ()

    @property
    def secret_names(self) -> frozenset[str]:
        """Names of settings that are kept sealed."""
        return frozenset(one.name for one in self.fields if one.mask)

    def shown(self) -> dict[str, Any]:
        """An entry of `keyManagerConfiguration` in the admin contract's settings."""
        return {
            "type": self.type,
            "displayName": self.display_name,
            "defaultConsumerKeyClaim": self.client_claim,
            "defaultScopesClaim": self.scope_claim,
            "configurations": [one.shown() for one in self.fields],
        }


def send(
    method: str,
    url: str,
    headers: dict[str, str],
    *,
    form: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    gone_is_fine: bool = False,
) -> dict[str, Any]:
    """The JSON object answered, empty for none. Raises Invalid with the key manager's words for 4xx, KeyManagerFails else."""
    try:
        answer = outbound.call(method, url, headers=headers, form=form, body=body)
        if answer.status in (404, 410) and gone_is_fine:
            return {}
        if 200 <= answer.status < 300:
            return answer.json() if answer.body.strip() else {}
    except outbound.Unreachable as error:
        raise KeyManagerFails(str(error)) from error
    reason = f"{answer.address} answered {answer.status}{_said(answer)}"
    if answer.status in (400, 403, 404, 409, 422):
        raise Invalid(f"The key manager refuses: {reason}.", [FieldError("keyManager", reason)])
    raise KeyManagerFails(f"{reason}.")


def basic(user: str, password: str) -> str:
    """The value of an `Authorization` header (RFC 6749 2.3.1: both encoded before they are joined)."""
    pair = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def texts(value: Any) -> tuple[str, ...]:
    """The texts in a list of an answer; nothing else is taken over."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _said(answer: outbound.Answer) -> str:
    """The error in the key manager's words, from the members that their kinds use."""
    try:
        said = answer.json()
    except outbound.Unreachable:
        return ""
    inner = said.get("error")
    found = [
        said.get("error_description"), inner.get("message") if isinstance(inner, dict) else inner,
        said.get("errorSummary"), said.get("message"), said.get("description"),
    ]  # fmt: skip
    return next((f": {one[:LONGEST_REASON]}" for one in found if isinstance(one, str) and one), "")
