"""Policies in the flows of an API: known ones, where they may stand, with attributes that their specification allows.

A common policy is copied into the flow with its definition, so what an API runs does not change when the policy does. Values of
secret attributes are sealed before they reach the database and opened when a record for gateways is made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django.db.models import Q

from apim.accounts.models import Organisation
from apim.keymanager import vault
from apim.keymanager.errors import VaultLocked
from publisher.checks.basics import Problems, shown
from publisher.kinds import PRODUCT, Kind
from publisher.models import Api, OperationPolicy
from publisher.policies.specification import FLOWS, wrong_value

MOST = 50
"""Policies in one flow."""

SEALED = "sealed:"

Flows = dict[str, Any]


class Uses:
    """Checks flows against the policies of an organisation and of one API, read when first asked for."""

    def __init__(self, organisation: Organisation, problems: Problems, kind: Kind, api: Api | None = None) -> None:
        self.organisation = organisation
        self.problems = problems
        self.kind = kind
        self.api = api
        self._known: list[OperationPolicy] | None = None

    def of_operations(self, field: str, operations: list[dict[str, Any]]) -> None:
        """Checks the flows of operations in place; one that says nothing keeps what it has."""
        before = {} if self.api is None else {(one.verb, one.target): one.flows for one in self.api.operations.all()}
        for position, operation in enumerate(operations):
            old = before.get((operation["verb"], operation["target"]), {})
            if "flows" not in operation:
                if old:
                    operation["flows"] = old
            elif operation["flows"]:
                operation["flows"] = self.check(f"{field}[{position}].flows", operation["flows"], old)

    def of_api(self, field: str, flows: Flows) -> Flows:
        """The checked flows of the whole API."""
        return self.check(field, flows, {} if self.api is None else self.api.flows) if flows else {}

    def check(self, field: str, flows: Any, before: Flows) -> Flows:
        """The checked flows. `before` has the secrets that are left empty."""
        if not isinstance(flows, dict):
            return {}
        checked: Flows = {}
        for flow in FLOWS:
            uses = [use for use in flows.get(flow) or () if isinstance(use, dict) and "name" in use]
            if len(uses) > MOST:
                self.problems.add(f"{field}.{flow}", f"Has {len(uses)} policies; {MOST} at most.")
            old = list(before.get(flow) or ())
            made = [self._one(f"{field}.{flow}[{n}]", flow, use, old) for n, use in enumerate(uses[:MOST])]
            if made:
                checked[flow] = made
        return checked

    def _one(self, place: str, flow: str, use: dict[str, Any], old: list[dict[str, Any]]) -> dict[str, Any]:
        policy = self.find(use["name"], use.get("version") or "v1")
        if policy is None:
            if not use.get("definition"):
                self.problems.add(
                    f"{place}.policyName", f"There is no policy {shown(use['name'])} {use.get('version', '')}."
                )
            return use
        specification = policy.specification
        if flow not in specification["applicableFlows"]:
            allowed = ", ".join(specification["applicableFlows"])
            self.problems.add(place, f"{policy.name} cannot stand in the {flow} flow, only in {allowed}.")
        if self.kind is not PRODUCT and self.kind.name not in specification["supportedApiTypes"]:
            self.problems.add(place, f"{policy.name} is not for {self.kind.label} APIs.")
        same = next((one for one in old if one["name"] == use["name"] and one.get("parameters")), {})
        values = self._values(place, specification, use.get("parameters") or {}, same.get("parameters", {}))
        made = {"name": policy.name, "version": policy.version, "parameters": values}
        return made | ({"definition": policy.definition} if policy.definition else {})

    def _values(self, place: str, specification: Flows, given: Flows, old: Flows) -> Flows:
        known = {one["name"]: one for one in specification["policyAttributes"]}
        for name in given.keys() - known.keys():
            allowed = ", ".join(known) or "none: it has no attributes"
            self.problems.add(f"{place}.parameters.{name}", f"Is not an attribute of the policy; those are {allowed}.")
        values: Flows = {}
        for name, attribute in known.items():
            value = given.get(name)
            if value in (None, "") and attribute["type"] == "Secret":
                value = old.get(name)
            if value in (None, ""):
                value = attribute.get("defaultValue")
            if value in (None, ""):
                if attribute["required"]:
                    self.problems.add(f"{place}.parameters.{name}", "Is required.")
                continue
            values[name] = self._value(f"{place}.parameters.{name}", attribute, value)
        return values

    def _value(self, place: str, attribute: Flows, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(SEALED):
            try:
                vault.unseal(value[len(SEALED) :])
            except VaultLocked:
                self.problems.add(place, f"Must not begin with {SEALED}")
            return value
        wrong = wrong_value(attribute, value)
        for text in wrong:
            self.problems.add(place, text)
        if wrong:
            return value
        return SEALED + vault.seal(str(value)) if attribute["type"] == "Secret" else value

    def find(self, name: str, version: str) -> OperationPolicy | None:
        """The API's own policy of that name, else the common one; of those that ship, any version will do."""
        if self._known is None:
            own = Q(api=None) if self.api is None else Q(api=None) | Q(api=self.api)
            self._known = list(OperationPolicy.objects.filter(own, organisation=self.organisation))
        named = sorted((one for one in self._known if one.name == name), key=lambda one: one.api_id is None)
        exact = next((one for one in named if one.version == version), None)
        return exact or next((one for one in named if one.shipped), None)


def opened(flows: Flows | None) -> Flows | None:
    """Flows with their secrets in the clear, for gateways only."""
    return _each(flows, lambda text: vault.unseal(text[len(SEALED) :]))


def blank(flows: Flows) -> Flows:
    """Flows for people: secrets are empty."""
    return _each(flows, lambda text: "") or {}


def _each(flows: Flows | None, change: Callable[[str], str]) -> Flows | None:
    if not flows:
        return flows
    changed = copy.deepcopy(flows)
    for uses in changed.values():
        for use in uses:
            parameters = use.get("parameters") or {}
            for name, value in parameters.items():
                if isinstance(value, str) and value.startswith(SEALED):
                    parameters[name] = change(value)
    return changed


def copy_policies(source: Api, target: Api) -> None:
    """Gives `target` the API-specific policies of `source`."""
    OperationPolicy.objects.bulk_create(
        OperationPolicy(
            organisation=target.organisation,
            api=target,
            name=one.name,
            version=one.version,
            specification=one.specification,
            definition=one.definition,
            cc_definition=one.cc_definition,
        )
        for one in source.own_policies.all()
    )
