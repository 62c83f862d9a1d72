"""An archive → an API: created or changed by the actions that pages and REST use, in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Forbidden
from catalog.models import Service
from publisher import backends, snapshots
from publisher.actions.access import DESIGNERS, locked_organisation
from publisher.actions.apis import create_api, update_api
from publisher.api import dto
from publisher.api.places import translate
from publisher.api.shapes import streaming
from publisher.archive import (
    certificates,
    changes,
    definitions,
    design,
    documents,
    images,
    params,
    policies,
    releasing,
    texts,
)
from publisher.archive.exporting import tree_of
from publisher.archive.params import Params
from publisher.archive.texts import EXTRAS, within, word
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import refuse_unstorable, shown
from publisher.errors import Taken
from publisher.kinds import KINDS, PRODUCT, Kind
from publisher.models import Api

FILES = texts.names("api")
ALIASES = {"WEBHOOK": "WEBSUB", "WEBSOCKET": "WS"}
ALL = ["all"]


@dataclass(frozen=True)
class Options:
    """What the importer asks for.

    `preserve_provider` None: its provider stays where there is somebody of that name. `rotate`: the oldest revision goes when
    there is no place for another. `environment` chooses in a file of parameters; `params` are the text of one.
    """

    overwrite: bool = False
    preserve_provider: bool | None = None
    rotate: bool = False
    dry_run: bool = False
    environment: str = ""
    params: str = ""
    import_apis: bool = False
    overwrite_apis: bool = False


@dataclass
class Outcome:
    """What came of an import. After a dry run `api` is what it would have become, and nothing of it is stored."""

    api: Api
    created: bool
    changes: list[changes.Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def import_api(*, by: User, tree: Tree, options: Options) -> Outcome:
    """Take in the API of an archive.

    Raises BadArchive and Invalid naming file and field, Taken when it exists and is not to be overwritten, Forbidden.
    """
    require(by, *DESIGNERS)
    with transaction.atomic():
        locked_organisation(by)
        outcome = take_in(by, tree, options, params.find(tree, options.environment, options.params))
        if options.dry_run:
            transaction.set_rollback(True)
    return outcome


def take_in(by: User, tree: Tree, options: Options, chosen: Params) -> Outcome:
    """The import itself, inside a transaction. `tree` and `chosen` belong to this API alone."""
    tree = tree.rooted(*FILES)
    path = tree.first(*FILES)
    data = texts.mapping(tree, path, "api")
    with within(path, "data"):
        refuse_unstorable(data, "data")
    params.apply(chosen, data, tree)
    identity, kind = _identity(path, data), _kind(path, data)
    api = find(by, identity["name"], identity["version"])
    if api is not None:
        _refuse(api, kind, path, options.overwrite)
    before = now(by, api) if api is not None else Tree()
    outcome = Outcome(_designed(by, tree, path, data, identity, kind, api, options), api is None)
    certificates.apply(by=by, api=outcome.api, tree=tree, overwrite=options.overwrite)
    documents.apply(by=by, api=outcome.api, tree=tree)
    images.apply(by=by, api=outcome.api, tree=tree)
    outcome.warnings += releasing.release(
        by=by, api=outcome.api, tree=tree, data=data, chosen=chosen, rotate=options.rotate
    )
    return finished(by, outcome, before)


def finished(by: User, outcome: Outcome, before: Tree) -> Outcome:
    """With the fresh row and the list of what is different."""
    outcome.api = Api.objects.select_related("organisation", "provider", "service").get(pk=outcome.api.pk)
    outcome.changes = changes.between(before, now(by, outcome.api))
    return outcome


def now(by: User, api: Api) -> Tree:
    """The API as an archive, and which revision of it runs where: what an import is compared by."""
    tree = tree_of(by, design.read(api))
    rows = api.deployments.select_related("environment", "revision").order_by("environment__name")
    running = [{"deploymentEnvironment": row.environment.name, "revision": row.revision.number} for row in rows]
    if running:
        texts.put(tree, "deployment_environments", "deployment_environments", running, "YAML")
    return tree


def find(by: User, name: str, version: str) -> Api | None:
    """The organisation's API (or product) of that name and version."""
    rows = Api.objects.filter(organisation=by.organisation_id, name__iexact=name, version=version)
    return rows.select_related("organisation", "provider", "service").first()


def provider_of(by: User, path: str, data: dict[str, Any], options: Options) -> User | None:
    """Whose the API becomes; None: the importer's. Raises Forbidden when the provider has to stay and cannot."""
    name = data.get("provider")
    if options.preserve_provider is False or not isinstance(name, str) or name in ("", by.get_username()):
        return None
    found = User.objects.filter(organisation=by.organisation_id, username=name).first()
    if found is not None and by.has_role():
        return found
    if options.preserve_provider is None:
        return None
    why = "only administrators import for others" if found else f"there is nobody of that name in {by.organisation}"
    raise Forbidden(
        f"{path}: data.provider: {shown(name)} cannot stay the provider: {why}. Import with preserveProvider=false."
    )


def own_context(value: Any) -> Any:
    """The context without the prefix of the organisation that it comes from."""
    if not isinstance(value, str) or not value.startswith("/t/"):
        return value
    return "/" + value.removeprefix("/t/").partition("/")[2]


def _identity(path: str, data: dict[str, Any]) -> dict[str, str]:
    found = {name: word(data, name, path, "data") for name in ("name", "version", "context")}
    return found | {"context": own_context(found["context"]).removesuffix(f"/{found['version']}")}


def _kind(path: str, data: dict[str, Any]) -> Kind:
    name = str(data.get("type") or "HTTP").upper()
    name = ALIASES.get(name, name)
    if name not in KINDS or name == PRODUCT.name:
        allowed = ", ".join(one for one in KINDS if one != PRODUCT.name)
        raise bad(path, f"{shown(data['type'])} is not one of {allowed}.", "data.type")
    return KINDS[name]


def _refuse(api: Api, kind: Kind, path: str, overwrite: bool) -> None:
    if not overwrite:
        raise Taken(f"There is an API {api} already. To change it, say so: a tick on the page, overwrite=true by REST.")
    if api.kind != kind.name:
        raise bad(
            path, f"{kind.name} is not {api.kind}, which {api} is; the kind of an API cannot be changed.", "data.type"
        )


def _designed(
    by: User,
    tree: Tree,
    path: str,
    data: dict[str, Any],
    identity: dict[str, str],
    kind: Kind,
    api: Api | None,
    options: Options,
) -> Api:
    """The API with everything that `api.yaml` and the definitions say."""
    extras = data.get(EXTRAS) if isinstance(data.get(EXTRAS), dict) else {}
    held = definitions.read(tree, kind, generated=extras.get("definition") == "generated")
    suggested = held.pop("suggested")
    with within(path, "data", translate):
        fields = _fields(data, kind, api, suggested, bool(extras)) | held | _more(path, extras)
        if kind.name == "SOAPTOREST":
            rows = fields.get("operations") or snapshots.operations(api) if api is not None else fields["operations"]
            fields["resource_policies"] = definitions.sequences(tree, rows, held.get("wsdl", ""))
        _keep_secrets(fields, extras, api)
        if api is None:
            api = _made(by, path, data, identity, kind, fields, options)
    policies.apply(by=by, api=api, tree=tree)
    flows = policies.sequences(by=by, api=api, tree=tree, named=data.get("mediationPolicies"))
    if flows:
        fields["flows"] = fields.get("flows") or flows
    with within(path, "data", translate):
        return update_api(by=by, api=api, **fields)


def _fields(data: dict[str, Any], kind: Kind, api: Api | None, suggested: list[Any], ours: bool) -> dict[str, Any]:
    """Keywords of the actions. What other writers leave out of `operations` the definition has."""
    if data.get("audiences") == ALL:
        data["audiences"] = []
    if not isinstance(data.get("additionalPropertiesMap"), dict):
        data.pop("additionalPropertiesMap", None)
    fields = dto.changes(data, api)
    if kind.name == "WEBSUB":
        fields |= streaming.options(data, api.gateway_options if api is not None else {})
    listed = fields.get("operations")
    if not listed:
        fields["operations"] = suggested or list(kind.start)
    elif not ours and isinstance(listed, list):
        known = {(str(one.get("verb")).upper(), one.get("target")) for one in listed if isinstance(one, dict)}
        fields["operations"] = listed + [one for one in suggested if (one["verb"], one["target"]) not in known]
    return fields


def _more(path: str, extras: dict[str, Any]) -> dict[str, Any]:
    """What only our own archives say."""
    found = {"throughput": extras["throughput"]} if isinstance(extras.get("throughput"), dict) else {}
    if isinstance(extras.get("backends"), str):
        try:
            found["endpoints"] = json.loads(extras["backends"])
        except (ValueError, RecursionError) as error:
            raise bad(path, "Is not JSON.", f"data.{EXTRAS}.backends") from error
    return found


def _keep_secrets(fields: dict[str, Any], extras: dict[str, Any], api: Api | None) -> None:
    """Secrets that the archive leaves empty: those that it has sealed, where they can be opened, else those that are here."""
    sealed = extras.get("endpoints")
    if not isinstance(sealed, dict) or "endpoints" not in fields:
        return
    opened = {side: one for side, one in sealed.items() if isinstance(one, dict) and backends.usable(one)}
    fields["endpoints"] = backends.kept(opened, fields["endpoints"])


def _made(
    by: User,
    path: str,
    data: dict[str, Any],
    identity: dict[str, str],
    kind: Kind,
    fields: dict[str, Any],
    options: Options,
) -> Api:
    """The new API, without the flows: the policies in them may be its own, which it gets next."""
    plain = {name: value for name, value in fields.items() if name != "flows"}
    plain["operations"] = [
        {name: value for name, value in one.items() if name != "flows"} if isinstance(one, dict) else one
        for one in plain["operations"]
    ]
    service = data.get("serviceInfo")
    key = service.get("key") if isinstance(service, dict) else None
    known = Service.objects.filter(organisation=by.organisation_id, key=key).first() if isinstance(key, str) else None
    provider = provider_of(by, path, data, options)
    return create_api(by=by, kind=kind.name, service=known, provider=provider, **identity, **plain)
