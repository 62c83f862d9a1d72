"""What a worker serves from: the newest records, the chains made of them, and the next state made aside from a batch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from gateway import policy_changes
from gateway.compile import CompiledApi, Compiler
from gateway.plan import Unusable
from gateway.realm import Issuer
from gateway.routes import Find, Routes, named_host, places
from gateway.schema import (
    RECORDS,
    Api,
    Batch,
    ClientCertificate,
    Event,
    KeyManager,
    Record,
    Refusal,
    Subscription,
)
from gateway.shares import NOT_KNOWN

Maps = dict[str, dict[str, Any]]
Pairs = dict[tuple[str, str], Subscription]

YIELD_EVERY = 200
"""Records handled between two pauses in which the worker serves calls."""

_COMMON = {
    "api": ("organisation", "provider", "version"),
    "application": ("id", "organisation", "owner", "policy"),
    "key": ("key_manager", "application"),
    "subscription": ("api", "application", "plan"),
}
"""Kind → fields whose values many records share."""

_OF_OPERATIONS = ("verb", "target", "policy")
"""The same of the operations of APIs."""

_DECODERS = {kind: msgspec.json.Decoder(record) for kind, record in RECORDS.items()}


@dataclass(slots=True)
class State:
    """One consistent whole; never changed once it serves, except for the decisions its APIs remember."""

    sequence: int = 0
    mark: str = ""
    records: Maps = field(default_factory=lambda: {kind: {} for kind in RECORDS})
    apis: dict[str, CompiledApi] = field(default_factory=dict)
    routes: Routes = field(default_factory=Routes)
    find: Find = field(init=False)
    pairs: Pairs = field(default_factory=dict)
    issuers: dict[str, dict[str, tuple[Issuer, ...]]] = field(default_factory=dict)
    residents: dict[str, Issuer] = field(default_factory=dict)
    """By organisation: the platform itself as issuer of API keys, be its OAuth tokens accepted or not."""

    certificates: dict[str, dict[str, ClientCertificate]] = field(default_factory=dict)
    """API id → thumbprint → client certificate."""

    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.find = self.routes.finder()


class Build:
    """The next state, made aside from the one that serves. Run `steps()` to its end, then take `state`."""

    def __init__(
        self,
        before: State,
        batch: Batch,
        compiler: Compiler,
        withdrawn: frozenset[str] = frozenset(),
        again: frozenset[str] = frozenset(),
    ) -> None:
        self._before = before
        self._batch = batch
        self._compiler = compiler
        self._withdrawn = withdrawn
        """Keys of APIs that are not to serve here."""

        self._again = again
        """Keys of APIs that are compiled though nothing of them changed."""

        self._touched: set[str] = set()
        self.revoked: set[str] = set()
        self.wants_snapshot = False
        self.amended: list[policy_changes.Amended] = []
        """Limits that chains hold and whose amounts changed."""

        self.changed: set[str] = set()
        """Kinds in which anything changed."""

        fresh = batch.snapshot
        self.state = State(
            sequence=batch.sequence,
            mark=batch.mark,
            records={kind: {} for kind in RECORDS} if fresh else dict(before.records),
            apis={} if fresh else dict(before.apis),
            routes=Routes() if fresh else before.routes.copy(),
            pairs={} if fresh else before.pairs,
            issuers=before.issuers,
            residents=before.residents,
            certificates=before.certificates,
            refusals={} if fresh else dict(before.refusals),
        )
        if fresh:
            self.changed = set(RECORDS)
            self._touched = set(RECORDS)

    def steps(self) -> Iterator[None]:
        """Does the work in slices; between them the worker serves calls."""
        compile_these: dict[str, int] = {}
        for number, event in enumerate(self._batch.events):
            if self._record(event) and event.kind == "api":
                compile_these[event.key] = event.sequence
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                yield
        yield
        if "key_manager" in self.changed:
            self._parse_issuers()
            yield
        if "client_certificate" in self.changed:
            self._sort_certificates()
        for key in (*self._with_changed_policies(), *self._with_changed_guards()):
            compile_these.setdefault(key, self._batch.sequence)
        for key in self._again:
            compile_these.setdefault(key, self._batch.sequence)
        yield from self._compile_all(compile_these)
        if "domain" in self.changed:
            self._follow_domains()
        if "revocation" in self.changed:
            self._forget_revocations()
        self.state.find = self.state.routes.finder()

    def _forget_revocations(self) -> None:
        """Drops those of tokens that nobody takes any more: past their expiry by more than any issuer's leeway."""
        leeway = max((manager.leeway_seconds for manager in self.state.records["key_manager"].values()), default=0)
        oldest = time.time() - leeway
        current = self.state.records["revocation"]
        self.state.records["revocation"] = {jti: one for jti, one in current.items() if one.expires > oldest}

    def _map(self, kind: str) -> dict[str, Any]:
        """The records of a kind, copied at the first change so that the serving state keeps its own."""
        if kind not in self._touched:
            self._touched.add(kind)
            self.state.records[kind] = dict(self.state.records[kind])
        return self.state.records[kind]

    def _record(self, event: Event) -> bool:
        """Takes one event in; False when it was refused or of a kind this version does not know."""
        decoder = _DECODERS.get(event.kind)
        if decoder is None:
            self._refuse(event.kind, event.key, event.sequence, f"kind {event.kind!r} is not known to this version")
            return False
        self.state.refusals.pop((event.kind, event.key), None)
        try:
            record: Record | None = None if event.deleted else decoder.decode(event.record)
        except msgspec.DecodeError as error:
            self._keep_old(event.kind, event.key, event.sequence, str(error))
            return False
        old = self.state.records[event.kind].get(event.key)
        if old == record:
            return False
        self._store(event.kind, _saved(event, record), old, record)
        return True

    def _store(self, kind: str, key: str, old: Record | None, new: Record | None) -> None:
        records = self._map(kind)
        if new is None:
            records.pop(key, None)
        else:
            records[key] = new
        if kind == "subscription":
            self._pair(cast(Subscription | None, old), cast(Subscription | None, new))
        elif kind == "revocation":
            self.revoked.add(key)
        self.changed.add(kind)

    def _refuse(self, kind: str, key: str, sequence: int, reason: str) -> None:
        self.state.refusals[kind, key] = Refusal(sequence, kind, key, reason)

    def _keep_old(self, kind: str, key: str, sequence: int, reason: str) -> None:
        """A record that cannot be used: the one that served goes on serving, and we say so."""
        self._refuse(kind, key, sequence, reason)
        old = self._before.records[kind].get(key)
        self._store(kind, key, self.state.records[kind].get(key), old)

    def _pair(self, old: Subscription | None, new: Subscription | None) -> None:
        """Keeps the index by API and application in step with one changed subscription."""
        if "subscription" not in self.changed and not self._batch.snapshot:
            self.state.pairs = dict(self.state.pairs)
        if old is not None and self.state.pairs.get((old.api, old.application)) is old:
            del self.state.pairs[old.api, old.application]
        if new is not None:
            self.state.pairs[new.api, new.application] = new

    def _parse_issuers(self) -> None:
        """Issuers by organisation and `iss`. One that cannot be used is refused, its predecessor stays."""
        found: dict[str, dict[str, tuple[Issuer, ...]]] = {}
        self.state.residents = {}
        for key in list(self.state.records["key_manager"]):
            issuer = self._issuer(key)
            if issuer is not None and issuer.record.resident:
                self.state.residents[issuer.record.organisation] = issuer
            if issuer is not None and issuer.record.enabled:
                known = found.setdefault(issuer.record.organisation, {})
                known[issuer.record.issuer] = (*known.get(issuer.record.issuer, ()), issuer)
        self.state.issuers = found

    def _sort_certificates(self) -> None:
        found: dict[str, dict[str, ClientCertificate]] = {}
        for one in self.state.records["client_certificate"].values():
            found.setdefault(one.api, {})[one.thumbprint] = one
        self.state.certificates = found

    def _issuer(self, key: str) -> Issuer | None:
        record: KeyManager = self.state.records["key_manager"][key]
        try:
            return Issuer(record)
        except ValueError as error:
            self._keep_old("key_manager", key, self._batch.sequence, str(error))
            old = self._before.records["key_manager"].get(key)
            return Issuer(old) if old is not None and old != record else None

    def _with_changed_policies(self) -> list[str]:
        """Keys of the APIs whose chains hold a policy that changed in more than its numbers; those go to `amended`."""
        if "policy" not in self.changed or self._batch.snapshot:
            return []
        before, after = self._before.records["policy"], self.state.records["policy"]
        remade = []
        for key in before.keys() | after.keys():
            if before.get(key) is not after.get(key):
                numbers = policy_changes.amended(before.get(key), after.get(key))
                if numbers is None:
                    remade.append(key)
                else:
                    self.amended += numbers
        return list(policy_changes.users(remade, self.state.records["api"])) if remade else []

    def _with_changed_guards(self) -> list[str]:
        """Puts deny policies and custom rules in force. Keys of the APIs that had none of them before, or have none any more.

        One that cannot be used is refused, its predecessor stays in force.
        """
        services, records = self._compiler.services, self.state.records
        if self.changed & {"application", "subscription", "policy"}:
            # Whatever of these is still true is noted again by the next call.
            self.state.refusals = {place: one for place, one in self.state.refusals.items() if one.reason != NOT_KNOWN}
        for kind, check in (("deny", services.denials.check), ("custom_rule", services.rules.check)):
            for key, record in list(records[kind].items()) if kind in self.changed else ():
                if record != self._before.records[kind].get(key):
                    try:
                        check(record)
                    except ValueError as error:
                        self._keep_old(kind, key, self._batch.sequence, str(error))
        organisations = services.denials.load(records["deny"].values()) if "deny" in self.changed else set()
        everybody = "custom_rule" in self.changed and services.rules.load(records["custom_rule"].values())
        if self._batch.snapshot or not (organisations or everybody):
            return []
        return [key for key, api in records["api"].items() if everybody or api.organisation in organisations]

    def _compile_all(self, keys: dict[str, int]) -> Iterator[None]:
        """Compiles aside, then takes out what changed and puts the new in, so that contexts may move between APIs."""
        ready: dict[str, CompiledApi] = {}
        for number, (key, sequence) in enumerate(keys.items()):
            record: Api | None = self.state.records["api"].get(key) if key not in self._withdrawn else None
            try:
                if record is not None:
                    ready[key] = self._compiler.api(record, self.state.records["policy"])
            except Unusable as error:
                self._keep_serving(key, sequence, str(error))
            if number % 20 == 19:
                yield
        for number, key in enumerate(keys):
            if key in ready or key in self._withdrawn or key not in self.state.records["api"]:
                self._take_out(key)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                yield
        for number, (key, compiled) in enumerate(ready.items()):
            self._put_in(key, keys[key], compiled)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                yield

    def _keep_serving(self, key: str, sequence: int, reason: str) -> None:
        self._keep_old("api", key, sequence, reason)
        serving = self._before.apis.get(key)
        if serving is not None and self._batch.snapshot:
            self._put_in(key, sequence, serving)

    def _take_out(self, key: str) -> None:
        gone = self.state.apis.pop(key, None)
        if gone is None:
            return
        for host, context in places(gone):
            if self.state.routes.holder(host, context) is gone:
                self.state.routes.remove(context, host)
        # An API that was refused because this one had its context gets its chance from a whole snapshot.
        self.wants_snapshot = self.wants_snapshot or any(kind == "api" for kind, _ in self.state.refusals)

    def _put_in(self, key: str, sequence: int, api: CompiledApi) -> None:
        taken = self._taken(api)
        if taken:
            self._keep_old("api", key, sequence, taken)
            serving = self._before.apis.get(key)
            if serving is None or self._taken(serving):
                return
            api = serving
        self.state.apis[key] = api
        for host, context in places(api):
            self.state.routes.add(context, api, host)
        if api.notes and not taken:
            self._refuse("api", key, sequence, "; ".join(api.notes))

    def _taken(self, api: CompiledApi) -> str:
        """Who else has one of the API's contexts, in words; empty when they are free."""
        for host, context in places(api):
            other = self.state.routes.holder(host, context)
            if other is not None and not _same_family(other.record, api.record, context):
                return f"context {context.decode()!r} is taken by {other.record.name}"
        return ""

    def _follow_domains(self) -> None:
        """Host names of organisations; one with an impossible prefix is refused, its predecessor stays."""
        for key, record in list(self.state.records["domain"].items()):
            if not record.prefix.startswith("/t/") or record.prefix.endswith("/"):
                self._keep_old(
                    "domain", key, self._batch.sequence, f"prefix {record.prefix!r} is not of the form /t/name"
                )
        known = self.state.records["domain"].values()
        self.state.routes.prefixes = {named_host(one.host.encode()): one.prefix.encode() for one in known}


def _saved(event: Event, record: Record | None) -> str:
    """The key of the record. Texts that many records have in common (ids of APIs, names of plans) are kept once."""
    if record is None:
        return event.key
    _share(record, _COMMON.get(event.kind, ()))
    for operation in getattr(record, "operations", ()):
        _share(operation, _OF_OPERATIONS)
    key: str = getattr(record, "id", "")
    return key if key == event.key else event.key


def _share(record: msgspec.Struct, names: tuple[str, ...]) -> None:
    for name in names:
        msgspec.structs.force_setattr(record, name, sys.intern(getattr(record, name)))


def _same_family(other: Api, new: Api, context: bytes) -> bool:
    """Whether `new` may take `context` over: from itself, or the default context from another version of itself."""
    if other.id == new.id:
        return True
    same = (other.organisation, other.name) == (new.organisation, new.name)
    return same and context == other.default_context.encode() == new.default_context.encode()
