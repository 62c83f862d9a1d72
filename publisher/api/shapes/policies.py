"""The contract's operation policies ↔ our flows, and the OperationPolicyData of one policy."""

from __future__ import annotations

import json
from typing import Any

from publisher.models import Api, OperationPolicy
from publisher.policies.archive import digest
from publisher.policies.specification import FLOWS
from publisher.policies.uses import blank


def data(policy: OperationPolicy) -> dict[str, Any]:
    """The contract's OperationPolicyData."""
    return {
        "id": str(policy.pk),
        **policy.specification,
        "policyAttributes": [_attribute(one) for one in policy.specification.get("policyAttributes", ())],
        "isAPISpecific": policy.api_id is not None,
        "md5": digest(policy),
    }


def _attribute(one: dict[str, Any]) -> dict[str, Any]:
    """The contract's attribute: defaults are texts there."""
    usual = one.get("defaultValue")
    return one if usual is None or isinstance(usual, str) else one | {"defaultValue": json.dumps(usual)}


class Ids:
    """Ids of the policies that one API's flows name, read when first asked for."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._ids: dict[tuple[str, str], tuple[str, str]] | None = None

    def of(self, name: str, version: str) -> tuple[str, str]:
        """Id and type (`common` or `api`) of a policy; empty when it is gone."""
        if self._ids is None:
            rows = OperationPolicy.objects.filter(organisation=self.api.organisation_id).filter(api=None)
            own = OperationPolicy.objects.filter(api=self.api)
            self._ids = {(one.name, one.version): (str(one.pk), "common") for one in rows.defer("definition")}
            self._ids |= {(one.name, one.version): (str(one.pk), "api") for one in own.defer("definition")}
        return self._ids.get((name, version), ("", ""))


def flows_out(flows: dict[str, Any], ids: Ids) -> dict[str, Any]:
    """Flows as the contract's APIOperationPolicies; secrets are empty."""
    shown = blank(flows)
    return {flow: [_use_out(use, ids) for use in shown.get(flow, ())] for flow in FLOWS}


def _use_out(use: dict[str, Any], ids: Ids) -> dict[str, Any]:
    version = use.get("version", "v1")
    identifier, kind = ids.of(use["name"], version)
    return {
        "policyName": use["name"],
        "policyVersion": version,
        "policyId": identifier,
        "policyType": kind,
        "parameters": use.get("parameters", {}),
    }


def flows_in(given: Any) -> Any:
    """The contract's APIOperationPolicies as flows; what has another form is left for the checks to refuse."""
    if not isinstance(given, dict):
        return given
    return {flow: [_use_in(use) for use in given[flow]] for flow in FLOWS if isinstance(given.get(flow), list)} or {}


def _use_in(use: Any) -> Any:
    if not isinstance(use, dict):
        return use
    return {
        "name": use.get("policyName"),
        "version": use.get("policyVersion") or "v1",
        "parameters": use.get("parameters") or {},
    }


USUAL_SECONDS = 300
"""How long answers are kept where caching is on and no time is given (the original's default)."""


def caching_out(api: Api) -> dict[str, Any]:
    """Response caching as the contract has it."""
    return {"responseCachingEnabled": api.cache_seconds > 0, "cacheTimeout": api.cache_seconds or USUAL_SECONDS}


def caching_in(body: dict[str, Any]) -> dict[str, Any]:
    """Response caching for the actions; nothing when the body does not speak of it."""
    enabled = body.get("responseCachingEnabled")
    if enabled is None:
        return {}
    if enabled is not True:
        return {"cache_seconds": 0 if enabled is False else enabled}
    seconds = body.get("cacheTimeout")
    return {"cache_seconds": USUAL_SECONDS if seconds is None else seconds}
