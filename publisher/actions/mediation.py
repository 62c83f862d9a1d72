"""Global mediation policies of older clients: a Synapse sequence for one flow, kept as a common policy."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from lxml import etree

from apim.accounts.models import BuiltinRole, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid
from publisher.actions.access import DESIGNERS
from publisher.actions.policies import add_policy, change_policy, users_of
from publisher.errors import InUse
from publisher.models import OperationPolicy

FLOWS = {"IN": "request", "OUT": "response", "FAULT": "fault"}
NAMESPACE = "http://ws.apache.org/ns/synapse"


def add_sequence(*, by: User, name: str, flow: str, config: str) -> OperationPolicy:
    """A common policy of one flow from a Synapse sequence. Raises Invalid naming the field, Conflict for a taken name."""
    require(by, BuiltinRole.ADMIN, *DESIGNERS)
    spec, definition = _policy(name, flow, config)
    return add_policy(by=by, spec=spec, definition=definition)


@transaction.atomic
def change_sequence(*, by: User, policy: OperationPolicy, name: str, flow: str, config: str) -> OperationPolicy:
    """Another sequence under the same name. Raises InUse while APIs have it in a flow: they would change unseen."""
    require_same_organisation(by, policy.organisation)
    if policy.shipped:
        raise Conflict(f"{policy} ships with the product.")
    holders = users_of(policy)
    if holders:
        raise InUse(f"{policy} is used by {', '.join(holders[:5])}; take it out of their flows first.")
    spec, definition = _policy(name, flow, config)
    return change_policy(by=by, policy=policy, spec=spec, definition=definition)


def sequence_of(policy: OperationPolicy) -> str:
    """The policy's definition as a whole sequence."""
    return f'<sequence xmlns="{NAMESPACE}" name="{policy.name}">{policy.definition}</sequence>'


def _policy(name: str, flow: str, config: str) -> tuple[str, str]:
    spec: dict[str, Any] = {
        "name": name.removesuffix(".xml"),
        "displayName": name,
        "category": "Mediation",
        "applicableFlows": [FLOWS[flow]],
        "supportedGateways": ["Synapse"],
        "supportedApiTypes": ["HTTP", "SOAP", "SOAPTOREST", "GRAPHQL"],
        "policyAttributes": [],
    }
    return json.dumps(spec), _mediators(config)


def _mediators(config: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(config.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Invalid(f"config is no XML: {error}.", [FieldError("config", "not well-formed XML")]) from error
    if etree.QName(root).localname != "sequence":
        raise Invalid("config is no sequence.", [FieldError("config", "its root must be <sequence>")])
    return "".join(etree.tostring(child, encoding="unicode") for child in root).strip()
