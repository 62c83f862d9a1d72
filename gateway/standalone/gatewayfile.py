"""`gateway.yaml` as records: key managers, policies, applications with keys and subscriptions, deny policies, APIs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import msgspec

from gateway import schema
from gateway.standalone import form
from gateway.standalone.definition import operations
from gateway.standalone.project import NAMESPACE, context_of, identifier
from gateway.standalone.source import Mistakes, Place, Source, shown

SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}
LEVELS = ("api", "application", "subscription")
FOREVER = 2**53
EVERYTHING = tuple(schema.Operation(verb, "/*") for verb in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"))

Change = tuple[str, str, schema.Record]
"""Kind, key and record."""


class GatewayFile:
    """The sections of one file, checked. Every section may be left out; so may the file."""

    def __init__(self, source: Source | None, mistakes: Mistakes) -> None:
        self.source = source
        self.mistakes = mistakes
        self.data: dict[str, Any] = {}
        if source is not None and source.data is not None:
            if isinstance(source.data, dict):
                self.data = source.data
            else:
                source.wrong((), "the file must be an object of sections")
        for name in self.data:
            if name not in form.SECTIONS:
                self.wrong((name,), f"no such section; allowed: {', '.join(form.SECTIONS)}")
        self.organisation = self._text("organisation", "carbon.super")

    def wrong(self, place: Place, message: str) -> None:
        """Notes a mistake."""
        if self.source is not None:
            self.source.wrong(place, message)

    def entries(self, section: str) -> list[tuple[Place, Any]]:
        """The checked entries of a section that is a list, each with its place."""
        given = self.data.get(section)
        if given is None or self.source is None:
            return []
        if not isinstance(given, list):
            self.wrong((section,), "must be a list")
            return []
        kind = form.SECTIONS[section]
        made = [((section, n), self.source.convert(item, kind, (section, n))) for n, item in enumerate(given)]
        return [(place, one) for place, one in made if one is not None]

    def policies(self) -> dict[tuple[str, str], schema.Policy]:
        """The policies by level and name; those everybody knows are there too."""
        found = usual(self.organisation)
        given = self.data.get("policies") or {}
        if not isinstance(given, dict):
            self.wrong(("policies",), f"must be an object; allowed: {', '.join(LEVELS)}")
            return found
        for level, named in given.items():
            if level not in LEVELS or not isinstance(named, dict):
                self.wrong(("policies", level), f"must be one of {', '.join(LEVELS)}, each an object of names")
                continue
            for name, item in named.items():
                place = ("policies", level, name)
                one = self.source.convert(item or {}, form.Policy, place) if self.source is not None else None
                if one is not None:
                    found[level, name] = self._policy(level, name, one, place)
        return found

    def key_managers(self) -> dict[str, schema.KeyManager]:
        """The issuers by name."""
        found = {}
        for place, one in self.entries("key_managers"):
            fields = msgspec.structs.asdict(one)
            jwks = fields.pop("jwks")
            url = jwks if jwks.startswith(("http://", "https://")) else ""
            text = "" if url or not jwks else self._beside(jwks)
            if not url and not text and not one.introspection_url:
                self.wrong((*place, "jwks"), "name a file with the issuer's keys, or their address")
            found[one.name] = schema.KeyManager(self.organisation, jwks=text or "", jwks_url=url, **fields)
        return found

    def apis(self) -> list[tuple[Place, schema.Api]]:
        """The APIs written out in the file."""
        return [(place, self._api(place, one)) for place, one in self.entries("apis")]

    def others(self) -> list[Change]:
        """Deny policies, domains, revoked tokens."""
        found: list[Change] = []
        for place, one in self.entries("deny"):
            key = str(uuid.uuid5(NAMESPACE, shown(place)))
            found.append(("deny", key, schema.Deny(key, self.organisation, one.kind, one.value, one.invert)))
        for _, one in self.entries("domains"):
            found.append(("domain", one.host, schema.Domain(one.host, self.organisation, one.prefix)))
        for _, jti in self.entries("revoked"):
            found.append(("revocation", jti, schema.Revocation(jti, FOREVER)))
        return found

    def consumers(self, apis: dict[str, schema.Api], managers: dict[str, schema.KeyManager]) -> list[Change]:
        """Applications with their keys and subscriptions; what they name must be there."""
        found: list[Change] = []
        for place, one in self.entries("applications"):
            key = str(uuid.uuid5(NAMESPACE, f"{self.organisation}/application/{one.owner}/{one.name}"))
            found.append(
                ("application", key, schema.Application(key, self.organisation, one.name, one.owner, one.policy))
            )
            for number, client in enumerate(one.keys):
                name = client.key_manager or next(iter(managers), "")
                self._known((*place, "keys", number, "key_manager"), "key manager", name, managers)
                manager = f"{self.organisation}:{name}"
                record = schema.Key(client.client_id, manager, key, client.type)
                found.append(("key", f"{manager}:{client.client_id}", record))
            for number, wish in enumerate(one.subscriptions):
                if self._known((*place, "subscriptions", number, "api"), "API", wish.api, apis):
                    api = apis[wish.api].id
                    own = str(uuid.uuid5(NAMESPACE, f"{key}/{api}"))
                    found.append(("subscription", own, schema.Subscription(own, api, key, wish.plan, wish.state)))
        return found

    def check_policies(self, known: dict[tuple[str, str], schema.Policy]) -> None:
        """Notes every limit that is named and not there."""
        for place, one in self.entries("applications"):
            self._limit((*place, "policy"), "application", one.policy, known)
            for number, wish in enumerate(one.subscriptions):
                self._limit((*place, "subscriptions", number, "plan"), "subscription", wish.plan, known)
        for place, api in self.entries("apis"):
            self._limit((*place, "policy"), "api", api.policy, known)
            for number, operation in enumerate(api.operations):
                if not isinstance(operation, str):
                    self._limit((*place, "operations", number, "policy"), "api", operation.policy, known)

    def _limit(self, place: Place, level: str, name: str, known: dict[tuple[str, str], schema.Policy]) -> None:
        if name and name != "Unlimited":
            self._known(place, f"{level} policy", name, [one for of, one in known if of == level])

    def _known(self, place: Place, what: str, name: str, known: Any) -> bool:
        if name in known:
            return True
        self.wrong(
            place, f"there is no {what} {name!r}; allowed: {', '.join(list(known)[:20]) or 'none, as there are none'}"
        )
        return False

    def _text(self, name: str, default: str) -> str:
        value = self.data.get(name, default)
        if not isinstance(value, str) or not value:
            self.wrong((name,), "must be text")
            return default
        return value

    def _beside(self, name: str) -> str | None:
        return self.mistakes.read(self._path(name))

    def _path(self, name: str) -> Path:
        return self.source.path.parent / name if self.source is not None else Path(name)

    def _policy(self, level: Any, name: str, one: form.Policy, place: Place) -> schema.Policy:
        groups = tuple(
            schema.ConditionalGroup(group.conditions, limit)
            for number, group in enumerate(one.groups)
            if (limit := self._quota(group.limit, (*place, "groups", number, "limit"))) is not None
        )
        return schema.Policy(
            self.organisation, level, name, self._quota(one.limit, (*place, "limit")), self._quota(one.burst, (*place, "burst")),
            one.stop_on_quota_reach, groups, one.graphql_max_depth, one.graphql_max_complexity,
        )  # fmt: skip

    def _quota(self, given: form.Limit | None, place: Place) -> schema.Limit | None:
        if given is None:
            return None
        amounts = {"requests": given.requests, "bytes": given.bytes, "events": given.events}
        chosen = [(unit, amount) for unit, amount in amounts.items() if amount is not None]
        if len(chosen) != 1 or chosen[0][1] < 1 or given.every < 1:
            self.wrong(place, "needs exactly one of requests, bytes, events, from 1 on, and every from 1 on")
            return None
        months = given.every * {"month": 1, "year": 12}.get(given.per, 0)
        unit: Any = chosen[0][0]
        return schema.Limit(chosen[0][1], SECONDS[given.per] * given.every, unit, given.sliding, months)

    def _api(self, place: Place, one: form.Api) -> schema.Api:
        prefix = "" if self.organisation == "carbon.super" else f"/t/{self.organisation}"
        full, bare = context_of(prefix, one.context, one.version)
        text = self._beside(one.definition) if one.definition else None
        named = one.definition and one.kind != "GRAPHQL"
        source = self.mistakes.source(self._path(one.definition), once=False) if named else None
        listed = tuple(self._operation((*place, "operations", n), given) for n, given in enumerate(one.operations))
        return schema.Api(
            id=identifier(self.organisation, one.name, one.version), organisation=self.organisation, name=one.name,
            version=one.version, context=full, default_context=bare if one.default_version else "", provider="admin",
            revision=1, operations=listed or (operations(source) if source else EVERYTHING),
            production=_endpoint(one.endpoint), sandbox=_endpoint(one.sandbox_endpoint), lifecycle=one.lifecycle,
            transports=one.transports, security=one.security, authorization_header=one.authorization_header,
            api_key_header=one.api_key_header, policy=one.policy, cors=one.cors, audiences=one.audiences,
            key_managers=one.key_managers, hosts=one.hosts, kind=one.kind, subscriptionless=one.subscriptionless,
            flows=one.flows, validate_schema=one.validate_schema, cache_seconds=one.cache_seconds,
            definition=text or "", properties=tuple(sorted(one.properties.items())),
        )  # fmt: skip

    def _operation(self, place: Place, given: str | form.Operation) -> schema.Operation:
        if not isinstance(given, str):
            return schema.Operation(
                given.verb.upper(), given.target, given.auth, given.scopes, given.policy, given.flows
            )
        verb, blank, target = given.partition(" ")
        if not blank or not target:
            self.wrong(place, f"{given!r} is not of the form GET /path")
        return schema.Operation(verb.upper(), target.strip())


def _endpoint(given: str | schema.Endpoint) -> schema.Endpoint | None:
    if isinstance(given, str):
        return schema.Endpoint(given) if given else None
    return given


def usual(organisation: str) -> dict[tuple[str, str], schema.Policy]:
    """The policies that every API project may name (reference A11)."""
    minute: dict[tuple[form.Level, str], int] = {
        ("subscription", "Gold"): 5000, ("subscription", "Silver"): 2000, ("subscription", "Bronze"): 1000,
        ("subscription", "Unauthenticated"): 500, ("application", "50PerMin"): 50, ("application", "20PerMin"): 20,
        ("application", "10PerMin"): 10, ("api", "50KPerMin"): 50_000, ("api", "20KPerMin"): 20_000, ("api", "10KPerMin"): 10_000,
    }  # fmt: skip
    return {
        (str(level), name): schema.Policy(organisation, level, name, schema.Limit(amount, 60))
        for (level, name), amount in minute.items()
    }
