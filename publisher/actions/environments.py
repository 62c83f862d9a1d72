"""Gateway environments with their virtual hosts, and host names of organisations: changed by administrators."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require
from apim.accounts.queries import sees_every_organisation
from apim.errors import Conflict, FieldError, Forbidden, Invalid
from apim.eventhub.publish import publish, take_turn
from gateway import schema
from publisher import records, vhosts
from publisher.checks import Problems
from publisher.checks.basics import choice, items, names, number, shown, text
from publisher.checks.endpoints import http_url
from publisher.checks.identity import host
from publisher.models import Domain, EnvironmentPermission, GatewayEnvironment

MOST_HOSTS = 100
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
KINDS = ("hybrid", "production", "sandbox")
_HOST_FIELDS = {"host", "http_port", "https_port", "context", "ws_port", "wss_port"}
COLUMNS = (
    "display_name", "description", "kind", "http_url", "https_url", "vhosts", "provider", "gateway_type", "endpoint_uris",
    "additional_properties", "permission", "roles",
)  # fmt: skip


@transaction.atomic
def save_environment(
    *, by: User, organisation: Organisation, name: str, environment: GatewayEnvironment | None = None, **fields: Any
) -> GatewayEnvironment:
    """Create an environment, or change `environment`, whose name and organisation stay. `fields` are those of COLUMNS.

    Raises Invalid naming every wrong field, Conflict when a host is taken away that APIs are deployed to.
    """
    require(by, BuiltinRole.ADMIN)
    _same_or_platform(by, organisation)
    take_turn()
    problems = Problems()
    row = environment or _new(organisation, name)
    for column, value in _checked(problems, fields).items():
        setattr(row, column, value)
    problems.raise_any()
    _keep_used_hosts(row)
    row.save()
    if environment is not None and {"http_url", "https_url", "vhosts"} & fields.keys():
        # Which host is the usual one decides what gateways let the APIs there answer on.
        for deployment in row.deployments.select_related("api__organisation", "revision", "environment"):
            records.announce(deployment)
    verb = "environment.update" if environment else "environment.create"
    audit.record(by, verb, row, after={column: getattr(row, column) for column in COLUMNS}, organisation=organisation)
    return row


def _new(organisation: Organisation, name: str) -> GatewayEnvironment:
    """A row to fill. Raises Invalid for a name that no environment can have, Conflict for one that is taken."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Invalid("The name is wrong.", [FieldError("name", "Letters, digits, - and _; 60 at most.")])
    if GatewayEnvironment.objects.filter(organisation=organisation, name=name).exists():
        raise Conflict(f"There is an environment {name} already.")
    return GatewayEnvironment(organisation=organisation, name=name)


@transaction.atomic
def delete_environment(*, by: User, environment: GatewayEnvironment) -> None:
    """Delete an environment. Raises Conflict while APIs run there."""
    require(by, BuiltinRole.ADMIN)
    _same_or_platform(by, environment.organisation)
    count = environment.deployments.count()
    if count:
        raise Conflict(f"{environment} runs {count} API{'s' if count > 1 else ''}; undeploy them first.")
    audit.record(by, "environment.delete", environment, organisation=environment.organisation)
    environment.delete()


@transaction.atomic
def save_domain(*, by: User, host_name: str, organisation: Organisation) -> Domain:
    """Let `host_name` stand for the gateway addresses of `organisation`, instead of whom it stood for before.

    Host names are the whole platform's, so that no tenant takes another's: only its administrators give them.
    """
    _require_platform(by)
    problems = Problems()
    name = host(problems, "host", host_name)
    if name == vhosts.ANY or name in {vhosts.usual(row).host for row in GatewayEnvironment.objects.all()}:
        problems.add("host", f"{name} is the address of a gateway environment: everybody's APIs are reached there.")
    problems.raise_any()
    take_turn()
    domain, _ = Domain.objects.update_or_create(host=name, defaults={"organisation": organisation})
    if organisation.prefix:
        record = schema.Domain(name, organisation.domain, organisation.prefix)
        publish("domain", name, record, organisation=organisation.domain)
    else:
        publish("domain", name, None)
    audit.record(by, "domain.save", domain, after={"host": name, "organisation": organisation.domain})
    return domain


@transaction.atomic
def delete_domain(*, by: User, domain: Domain) -> None:
    """Let the host be like any other again."""
    _require_platform(by)
    take_turn()
    publish("domain", domain.host, None, organisation=domain.organisation.domain)
    audit.record(by, "domain.delete", domain, before={"host": domain.host})
    domain.delete()


def _require_platform(by: User) -> None:
    if not by.is_active or not sees_every_organisation(by):
        raise Forbidden("Host names are given by administrators of the platform.")


def _same_or_platform(by: User, organisation: Organisation) -> None:
    if organisation.pk != by.organisation_id:
        _require_platform(by)


def _checked(problems: Problems, fields: dict[str, Any]) -> dict[str, Any]:
    checks = {
        "display_name": lambda value: text(problems, "display_name", value, most=120, least=1),
        "description": lambda value: text(problems, "description", value, most=2000),
        "kind": lambda value: choice(problems, "kind", value or "hybrid", KINDS),
        "http_url": lambda value: http_url(problems, "http_url", value),
        "https_url": lambda value: http_url(problems, "https_url", value),
        "vhosts": lambda value: _hosts(problems, value),
        "provider": lambda value: text(problems, "provider", value or "wso2", most=60),
        "gateway_type": lambda value: text(problems, "gateway_type", value or "Regular", most=60),
        "endpoint_uris": lambda value: _pairs(problems, "endpoint_uris", value, "protocol", "endpointURI"),
        "additional_properties": lambda value: _pairs(problems, "additional_properties", value, "key", "value"),
        "permission": lambda value: choice(problems, "permission", value or "PUBLIC", EnvironmentPermission.values),
        "roles": lambda value: names(problems, "roles", value),
    }
    return {name: checks[name](value) for name, value in fields.items()}


def _hosts(problems: Problems, value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for position, row in enumerate(items(problems, "vhosts", value, MOST_HOSTS)):
        place = f"vhosts[{position}]"
        if not isinstance(row, dict) or row.keys() - _HOST_FIELDS:
            problems.add(place, f"{shown(row)} is not an object of {', '.join(sorted(_HOST_FIELDS))}.")
            continue
        one = {
            "host": host(problems, f"{place}.host", row.get("host")),
            "http_port": number(problems, f"{place}.http_port", row.get("http_port", 80), least=1, most=65535),
            "https_port": number(problems, f"{place}.https_port", row.get("https_port", 443), least=1, most=65535),
            "context": text(problems, f"{place}.context", row.get("context", ""), most=200).strip("/ "),
            **_socket_ports(problems, place, row),
        }
        one["context"] = f"/{one['context']}" if one["context"] else ""
        if any(other["host"] == one["host"] for other in found):
            problems.add(place, f"{one['host']} is there twice.")
        found.append(one)
    return found


def _socket_ports(problems: Problems, place: str, row: dict[str, Any]) -> dict[str, int]:
    """The ports for WebSocket APIs, where they are not the usual ones."""
    return {
        name: number(problems, f"{place}.{name}", row[name], least=1, most=65535)
        for name in ("ws_port", "wss_port")
        if row.get(name) is not None
    }


def _pairs(problems: Problems, field: str, value: Any, first: str, second: str) -> list[dict[str, str]]:
    found = []
    for position, row in enumerate(items(problems, field, value or [], MOST_HOSTS)):
        place = f"{field}[{position}]"
        if not isinstance(row, dict):
            problems.add(place, f"{shown(row)} is not an object of {first} and {second}.")
            continue
        found.append({name: text(problems, f"{place}.{name}", row.get(name), most=500) for name in (first, second)})
    return found


def _keep_used_hosts(environment: GatewayEnvironment) -> None:
    if environment._state.adding:
        return
    known = {vhosts.ANY, *(one.host for one in vhosts.virtual_hosts(environment))}
    lost = environment.deployments.exclude(vhost__in=known).select_related("api").first()
    if lost is not None:
        raise Conflict(
            f"{lost.api} is deployed to {lost.vhost}; keep that host, or deploy the API to another one first."
        )
