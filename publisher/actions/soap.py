"""SOAP APIs: passed through, or offered as REST resources whose sequences translate; both made from a WSDL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.errors import FieldError, Invalid, NotFound
from publisher import snapshots
from publisher.actions.apis import create_api, update_api
from publisher.actions.definitions import merge_operations
from publisher.checks.basics import refuse_unstorable
from publisher.models import Api
from publisher.wsdl import about, rest
from publisher.wsdl.bundle import Bundle, missing
from publisher.wsdl.operations import operations

KINDS = ("SOAP", "SOAPTOREST")
LONGEST = 200_000
"""Characters of a sequence."""


def import_wsdl(
    *,
    by: User,
    bundle: Bundle,
    kind: str = "SOAP",
    name: str,
    context: str,
    version: str,
    endpoint: str | None = None,
    plans: Sequence[str] = (),
    **fields: Any,
) -> Api:
    """Create an API of `kind` SOAP (one resource, messages pass through) or SOAPTOREST (a resource for each operation).

    The endpoint is the WSDL's first address unless given. Raises BadWsdl, and what `create_api` raises.
    """
    if kind not in KINDS:
        message = f"{kind!r} is not one of {', '.join(KINDS)}."
        raise Invalid(message, [FieldError("implementationType", message)])
    facts = about.about(bundle)
    design: dict[str, Any] = {"wsdl": bundle.dump(), "description": facts.documentation or None}
    if kind == "SOAPTOREST":
        design |= _as_rest(bundle, name, version, facts.documentation)
        fields.pop("operations", None)
    address = endpoint or next(
        (place for _, place in facts.endpoints if place.startswith(("http://", "https://"))), None
    )
    if address and not fields.get("endpoints"):
        fields["endpoints"] = {"production": {"url": address}}
    design |= {key: value for key, value in fields.items() if value is not None}
    return create_api(by=by, name=name, context=context, version=version, kind=kind, plans=list(plans), **design)


@transaction.atomic
def replace_wsdl(*, by: User, api: Api, bundle: Bundle, expected: str = "") -> Api:
    """Give `api` a new WSDL. Resources of REST from SOAP are made anew; rights, limits and edited sequences stay with theirs.

    Raises BadWsdl, and Invalid when the API is of another kind.
    """
    require_soap(api)
    about.about(bundle)
    changes: dict[str, Any] = {"wsdl": bundle.dump()}
    if api.kind == "SOAPTOREST":
        changes |= _as_rest(bundle, api.name, api.version, api.description)
        changes["operations"] = merge_operations(snapshots.operations(api), changes["operations"])
        changes["resource_policies"] = _kept(api.resource_policies, changes["resource_policies"])
    return update_api(by=by, api=api, expected=expected, **changes)


@transaction.atomic
def edit_policy(*, by: User, api: Api, policy_id: str, content: str, expected: str = "") -> dict[str, str]:
    """Replace the sequence `policy_id` of a REST-from-SOAP API. Raises NotFound, Invalid for text that is no sequence."""
    found = policy(api, policy_id)
    if not isinstance(content, str) or len(content) > LONGEST:
        raise Invalid("content: not a text of this length.", [FieldError("content", f"A text of at most {LONGEST}.")])
    refuse_unstorable(content, "content")
    rest.check_sequence(content)
    edited = found | {"content": content}
    rows = [edited if one["id"] == policy_id else one for one in api.resource_policies]
    update_api(by=by, api=api, expected=expected, resource_policies=rows)
    return edited


def policy(api: Api, policy_id: str) -> dict[str, str]:
    """One sequence of `api`. Raises NotFound."""
    for one in api.resource_policies:
        if one["id"] == policy_id:
            return dict(one)
    raise NotFound(f"There is no resource policy {policy_id}.")


def require_soap(api: Api) -> None:
    """Raises Invalid unless `api` was made from a WSDL."""
    if api.kind not in KINDS:
        message = f"{api} is no SOAP API."
        raise Invalid(message, [FieldError("type", message)])


def warnings(bundle: Bundle) -> list[str]:
    """What a reader should know of a bundle that is taken all the same."""
    return [f"{place} is imported, but not among the files." for place in missing(bundle)]


def _as_rest(bundle: Bundle, name: str, version: str, description: str) -> dict[str, Any]:
    found = rest.resources(operations(bundle))
    return {
        "operations": [{"verb": one.verb, "target": one.target} for one in found],
        "resource_policies": rest.policies(found),
        "definition": rest.openapi(name, version, description, found),
    }


def _kept(before: list[dict[str, str]], after: list[dict[str, str]]) -> list[dict[str, str]]:
    """`after`, with the ids and contents of those that were there: they may have been edited."""
    known = {(one["verb"], one["target"], one["direction"]): one for one in before}
    return [known.get((one["verb"], one["target"], one["direction"]), one) for one in after]
