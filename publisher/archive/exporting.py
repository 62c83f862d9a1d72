"""An API or API product → an archive, from the same readings that the REST resources answer with."""

from __future__ import annotations

import json
from typing import Any

from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Invalid
from publisher import backends
from publisher.actions.access import DESIGNERS
from publisher.api import dto
from publisher.api.shapes import endpoints as shapes
from publisher.api.shapes import products as product_shapes
from publisher.api.shapes import streaming
from publisher.archive import certificates, definitions, design, documents, images, policies, texts
from publisher.archive.design import Design
from publisher.archive.texts import EXTRAS
from publisher.archive.tree import Tree, pack
from publisher.checks import Problems
from publisher.checks import endpoints as addresses
from publisher.models import Api, Revision, State
from publisher.products import PRODUCT

_NOT_WRITTEN = ("wsdlUrl", "wsdlInfo", "additionalPropertiesMap", "workflowStatus", "hasThumbnail")
_SECONDS = 1


def export_api(
    *,
    by: User,
    api: Api,
    revision: Revision | None = None,
    form: str = "YAML",
    keep_state: bool = True,
    secrets: bool = False,
) -> tuple[str, bytes]:
    """File name and bytes of the archive of an API or product that `by` was allowed to read.

    `keep_state` False: it says CREATED. `secrets`: backends' secrets go along, sealed with this installation's key; raises
    Forbidden for people who do not design APIs.
    """
    if secrets:
        require(by, *DESIGNERS)
    seen = design.read(api, revision)
    tree = tree_of(by, seen, form=form, keep_state=keep_state, secrets=secrets)
    return f"{seen.folder}.zip", pack(tree, seen.folder)


def tree_of(by: User, seen: Design, *, form: str = "YAML", keep_state: bool = True, secrets: bool = False) -> Tree:
    """The files of an archive."""
    tree, api = Tree(), seen.api
    kind = "api_product" if api.kind == PRODUCT else "api"
    data = _data(by, seen, keep_state, secrets)
    texts.put(tree, kind, kind, data, form)
    texts.put_plain(tree, "api_meta", _meta(api), form)
    if seen.revision is not None:
        texts.put(tree, "deployment_environments", "deployment_environments", deployments(seen.revision), form)
    definitions.write(tree, seen, form)
    policies.write(tree, seen, form)
    certificates.write(tree, api, form)
    documents.write(tree, api, form)
    images.write(tree, api)
    for source in _sources(seen):
        below = tree_of(by, design.read(source), form=form, keep_state=keep_state, secrets=secrets)
        for path, content in below.files.items():
            tree.put(f"APIs/{source.name}-{source.version}/{path}", content)
    return tree


def deployments(revision: Revision) -> list[dict[str, Any]]:
    """Where a revision runs."""
    rows = revision.deployments.select_related("environment").order_by("environment__name")
    return [
        {
            "displayOnDevportal": row.displayed,
            "deploymentEnvironment": row.environment.name,
            "deploymentVhost": row.vhost,
        }
        for row in rows
    ]


def _data(by: User, seen: Design, keep_state: bool, secrets: bool) -> dict[str, Any]:
    api = seen.api
    shown = product_shapes.full(api) if api.kind == PRODUCT else streaming.for_reader(dto.full(api), by)
    found = {name: value for name, value in shown.items() if value is not None and name not in _NOT_WRITTEN}
    found["context"] = api.context
    state = api.state if keep_state else State.CREATED
    found["state" if api.kind == PRODUCT else "lifeCycleStatus"] = str(state)
    if api.kind == PRODUCT:
        found["apis"] = _resources(seen)
        found.pop("lifeCycleStatus", None)
    if seen.revision is not None:
        found |= {"isRevision": True, "revisionId": seen.revision.number}
    found[EXTRAS] = _extras(seen, keep_state, secrets) | _backends(api, found)
    return found


def _extras(seen: Design, keep_state: bool, secrets: bool) -> dict[str, Any]:
    api = seen.api
    found: dict[str, Any] = {"format": 1}
    if not api.definition:
        found["definition"] = "generated"
    if not keep_state:
        found["state"] = "left out"
    if any(limit["seconds"] != _SECONDS for limit in api.throughput.values()):
        found["throughput"] = api.throughput
    if secrets and api.endpoints:
        found["endpoints"] = api.endpoints
    return found


def _backends(api: Api, data: dict[str, Any]) -> dict[str, Any]:
    """The backends in our own form, where the contract's says less: it has one type for both sides."""
    ours = {side: backends.blank(one) for side, one in api.endpoints.items()}
    try:
        again = addresses.endpoints(Problems(), shapes.given(data))
    except Invalid:
        again = {}
    if ours == {side: backends.blank(one) for side, one in again.items()}:
        return {}
    # As text: numbers in these files are read as they are written.
    return {"backends": json.dumps(ours)}


def _meta(api: Api) -> dict[str, Any]:
    usual = {"update": True, "preserveProvider": False, "rotateRevision": True}
    return {"name": api.name, "version": api.version, "deploy": {"import": usual}}


def _sources(seen: Design) -> list[Api]:
    ids = {one.get("source_id") for one in seen.snapshot["operations"]} - {None, ""}
    found = Api.objects.filter(organisation=seen.api.organisation_id, pk__in=ids)
    return list(found.select_related("organisation", "provider", "service").order_by("name", "version"))


def _resources(seen: Design) -> list[dict[str, Any]]:
    """The product's resources by the API they come from, in the product's own order."""
    sources = {str(api.pk): api for api in _sources(seen)}
    found: dict[str, dict[str, Any]] = {}
    for one in seen.snapshot["operations"]:
        api = sources.get(one.get("source_id", ""))
        if api is None:
            continue
        usual = {"name": api.name, "apiId": str(api.pk), "version": api.version, "operations": []}
        found.setdefault(one["source_id"], usual)["operations"].append(
            {
                "target": one["target"],
                "verb": one["verb"],
                "authType": dto.AUTH[one["auth"]],
                "throttlingPolicy": one["policy"],
                "scopes": one["scopes"],
            }
        )
    return list(found.values())
