"""An archive → an API product, with the APIs that its resources come from."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.accounts.permissions import require
from publisher.actions.access import DESIGNERS, locked_organisation
from publisher.actions.products import create_product, update_product
from publisher.api.places import translate
from publisher.api.shapes import products as shapes
from publisher.archive import certificates, definitions, documents, images, params, policies, releasing, texts
from publisher.archive.importing import ALL, Options, Outcome, find, finished, now, own_context, provider_of, take_in
from publisher.archive.importing import FILES as API_FILES
from publisher.archive.params import Params
from publisher.archive.texts import EXTRAS, within, word
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import refuse_unstorable, shown
from publisher.errors import Taken
from publisher.kinds import PRODUCT
from publisher.models import Api
from publisher.products import SOURCES

FILES = texts.names("api_product")
FIRST_VERSION = "1.0.0"
"""The version of a product in archives of versions that had none."""


def import_product(*, by: User, tree: Tree, options: Options) -> Outcome:
    """Take in the product of an archive, and its APIs when `options.import_apis`, else they have to be there.

    Raises BadArchive and Invalid naming file and field, Taken for what exists and is not to be overwritten, Forbidden.
    """
    require(by, *DESIGNERS)
    with transaction.atomic():
        locked_organisation(by)
        chosen = params.find(tree, options.environment, options.params)
        outcome = _take_in(by, tree, options, chosen)
        if options.dry_run:
            transaction.set_rollback(True)
    return outcome


def _take_in(by: User, tree: Tree, options: Options, chosen: Params) -> Outcome:
    tree = _rooted(tree)
    path = tree.first(*FILES)
    data = texts.mapping(tree, path, "api_product")
    with within(path, "data"):
        refuse_unstorable(data, "data")
    dependent = _dependent(by, tree, options, chosen) if options.import_apis or options.overwrite_apis else []
    product = find(by, word(data, "name", path, "data"), word(data, "version", path, "data", FIRST_VERSION))
    if product is not None:
        _refuse(product, path, options.overwrite)
    before = now(by, product) if product is not None else Tree()
    own = Params(chosen.file, {name: value for name, value in chosen.values.items() if name != "dependentAPIs"})
    params.apply(own, data, tree)
    outcome = Outcome(_designed(by, tree, path, data, product, options), product is None)
    certificates.apply(by=by, api=outcome.api, tree=tree, overwrite=options.overwrite)
    documents.apply(by=by, api=outcome.api, tree=tree)
    images.apply(by=by, api=outcome.api, tree=tree)
    outcome.warnings += [f"{one.api}: {text}" for one in dependent for text in one.warnings]
    outcome.warnings += releasing.release(
        by=by, api=outcome.api, tree=tree, data=data, chosen=own, rotate=options.rotate
    )
    return finished(by, outcome, before)


def _rooted(tree: Tree) -> Tree:
    return tree.rooted(*FILES)


def _dependent(by: User, tree: Tree, options: Options, chosen: Params) -> list[Outcome]:
    """The APIs in `APIs/`: those that are there stay as they are unless they are to be overwritten."""
    done = []
    for folder in tree.below("APIs").folders():
        below = tree.below(f"APIs/{folder}")
        path = below.first(*API_FILES)
        if not path:
            raise bad(f"APIs/{folder}", "Has no api.yaml or api.json.")
        below = Tree(
            below.files | {name: held for name, held in tree.files.items() if name.startswith("Deployment/cert")}
        )
        with within(f"APIs/{folder}"):
            data = texts.mapping(below, path, "api")
            there = find(by, word(data, "name", path, "data"), word(data, "version", path, "data"))
            if there is not None and not options.overwrite_apis:
                continue
            done.append(take_in(by, below, _for_api(options), chosen.dependent(folder)))
    return done


def _for_api(options: Options) -> Options:
    return Options(overwrite=options.overwrite_apis, preserve_provider=options.preserve_provider, rotate=options.rotate)


def _refuse(product: Api, path: str, overwrite: bool) -> None:
    if product.kind != PRODUCT.name:
        raise Taken(f"{product} is an API; a product cannot have its name and version.")
    if not overwrite:
        raise Taken(f"There is an API product {product} already. Import with overwriteAPIProduct=true to change it.")


def _designed(by: User, tree: Tree, path: str, data: dict[str, Any], product: Api | None, options: Options) -> Api:
    extras = data.get(EXTRAS) if isinstance(data.get(EXTRAS), dict) else {}
    if data.get("audiences") == ALL:
        data["audiences"] = []
    if not isinstance(data.get("additionalPropertiesMap"), dict):
        data.pop("additionalPropertiesMap", None)
    with within(path, "data", _places):
        data["apis"] = [_resource(by, path, number, one) for number, one in enumerate(_listed(path, data))]
        fields = shapes.changes(data, product)
        fields |= _definition(tree, generated=extras.get("definition") == "generated" or not extras)
        fields.pop("flows", None)
        if product is None:
            identity = {
                "name": data["name"],
                "context": _context(path, data),
                "version": str(data.get("version") or FIRST_VERSION),
            }
            provider = provider_of(by, path, data, options)
            product = create_product(by=by, provider=provider, **identity, **fields)
        else:
            product = update_product(by=by, product=product, **fields)
    policies.apply(by=by, api=product, tree=tree)
    return product


def _places(field: str) -> str:
    return field if field.startswith("apis") else translate(field)


def _context(path: str, data: dict[str, Any]) -> str:
    found = own_context(word(data, "context", path, "data"))
    return found.removesuffix(f"/{data.get('version') or FIRST_VERSION}")


def _definition(tree: Tree, *, generated: bool) -> dict[str, Any]:
    held = definitions.read(tree, PRODUCT, generated=generated)
    held.pop("suggested")
    return held


def _listed(path: str, data: dict[str, Any]) -> list[Any]:
    listed = data.get("apis")
    if not isinstance(listed, list):
        raise bad(path, "Must be a list of the APIs that the resources come from.", "data.apis")
    return listed


def _resource(by: User, path: str, number: int, one: Any) -> Any:
    """An entry of `apis` with the id that its API has here."""
    place = f"data.apis[{number}]"
    if not isinstance(one, dict):
        raise bad(path, f"{shown(one)} is not an object.", place)
    name, version = word(one, "name", path, place), word(one, "version", path, place, "")
    rows = Api.objects.filter(organisation=by.organisation_id, name__iexact=name, kind__in=SOURCES)
    found = (rows.filter(version=version) if version else rows.order_by("-created")).first()
    if found is None:
        what = f"There is no API {name} {version}".rstrip()
        raise bad(path, f"{what}; import it first, or with importAPIs=true.", place)
    return one | {"apiId": str(found.pk)}
