"""Add and delete operation policies: common ones of the organisation, and those of one API."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid
from publisher.actions.access import DESIGNERS, locked, locked_organisation
from publisher.checks.basics import Problems, storable
from publisher.errors import InUse
from publisher.models import Api, Operation, OperationPolicy
from publisher.policies import specification

_templates = SandboxedEnvironment(autoescape=True)


@transaction.atomic
def add_policy(
    *, by: User, spec: str, definition: str = "", cc_definition: str = "", api: Api | None = None
) -> OperationPolicy:
    """A new policy: of `api`, or common. `spec` is the specification as JSON or YAML text.

    Raises Invalid naming every wrong field, Conflict when name and version are taken.
    """
    require(by, *DESIGNERS)
    organisation = locked_organisation(by)
    if api is not None:
        api = locked(by, api, *DESIGNERS)
    checked = _checked(spec, definition, cc_definition)
    name, version = checked["name"], checked["version"]
    same = OperationPolicy.objects.filter(organisation=organisation, api=api, name=name, version=version)
    if same.exists():
        raise Conflict(f"There is a policy {name} {version} already.")
    policy = OperationPolicy.objects.create(
        organisation=organisation,
        api=api,
        name=name,
        version=version,
        specification=checked,
        definition=definition,
        cc_definition=cc_definition,
    )
    audit.record(by, "policy.create", policy, after=_shown(policy))
    return policy


@transaction.atomic
def change_policy(
    *, by: User, policy: OperationPolicy, spec: str, definition: str, cc_definition: str = ""
) -> OperationPolicy:
    """Another specification and definition for an API's own policy, under the same name and version.

    Flows keep what they were given until their API is saved the next time. Raises Invalid naming every wrong field.
    """
    require_same_organisation(by, policy.organisation)
    require(by, *DESIGNERS)
    locked_organisation(by)
    checked = _checked(spec, definition, cc_definition)
    if (checked["name"], checked["version"]) != (policy.name, policy.version):
        raise Invalid(f"name: It must stay {policy.name} {policy.version}.", [FieldError("name", "Must stay.")])
    before = _shown(policy)
    policy.specification, policy.definition, policy.cc_definition = checked, definition, cc_definition
    policy.save(update_fields=["specification", "definition", "cc_definition"])
    audit.record(by, "policy.update", policy, before=before, after=_shown(policy))
    return policy


@transaction.atomic
def delete_policy(*, by: User, policy: OperationPolicy) -> None:
    """Delete a policy. Raises InUse, naming some of them, while APIs have it in a flow."""
    require_same_organisation(by, policy.organisation)
    require(by, *DESIGNERS)
    locked_organisation(by)
    holders = users_of(policy)
    if holders:
        raise InUse(f"{policy} is used by {', '.join(holders[:5])}; take it out of their flows first.")
    audit.record(by, "policy.delete", policy, before=_shown(policy))
    policy.delete()


def users_of(policy: OperationPolicy) -> list[str]:
    """The APIs that have `policy` in a flow."""
    apis = Api.objects.filter(organisation=policy.organisation)
    if policy.api_id is not None:
        apis = apis.filter(pk=policy.api_id)
    found = {
        str(api): None for api in apis.exclude(flows={}).only("name", "version", "flows") if _has(api.flows, policy)
    }
    operations = (
        Operation.objects.filter(api__in=apis)
        .exclude(flows={})
        .select_related("api")
        .only("flows", "api__name", "api__version")
    )
    found |= {str(one.api): None for one in operations if _has(one.flows, policy)}
    return sorted(found)


def _has(flows: dict[str, Any], policy: OperationPolicy) -> bool:
    wanted = (policy.name, policy.version)
    return any((use["name"], use.get("version", "v1")) == wanted for uses in flows.values() for use in uses)


def _checked(spec: str, definition: str, cc_definition: str) -> dict[str, Any]:
    problems = Problems()
    checked = specification.parse(problems, spec)
    _check_definition(problems, "synapsePolicyDefinitionFile", definition, checked, xml=True)
    _check_definition(problems, "ccPolicyDefinitionFile", cc_definition, checked, xml=False)
    if not definition and not cc_definition and not problems.found:
        problems.add("synapsePolicyDefinitionFile", "A policy needs a definition.")
    problems.raise_any()
    return checked


def _check_definition(problems: Problems, place: str, text: str, checked: dict[str, Any], *, xml: bool) -> None:
    if not text:
        return
    if len(text) > specification.LONGEST or not storable(text):
        problems.add(place, f"Is not text of at most {specification.LONGEST} characters.")
        return
    if not xml or problems.found:
        return
    samples = {
        one["name"]: one.get("defaultValue", one.get("allowedValues", ["x"])[0]) for one in checked["policyAttributes"]
    }
    try:
        rendered = _templates.from_string(text.replace('\\"', '"')).render(samples)
        etree.fromstring(f"<sequence>{_without_declaration(rendered)}</sequence>".encode(), _parser())
    except (TemplateError, TypeError, ArithmeticError) as error:
        problems.add(place, f"Cannot be rendered: {error}.")
    except etree.XMLSyntaxError as error:
        problems.add(place, f"Is not well-formed XML when it is rendered: {error.msg}.")


def _without_declaration(text: str) -> str:
    stripped = text.lstrip()
    return stripped.partition("?>")[2] if stripped.startswith("<?xml") else text


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _shown(policy: OperationPolicy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "version": policy.version,
        "api": str(policy.api) if policy.api is not None else "",
        "specification": policy.specification,
    }
