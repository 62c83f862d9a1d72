"""What the import page and the command take: an archive of an API, of a product or of a policy, whichever it is."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from apim.accounts.models import User
from publisher.actions.policies import add_policy
from publisher.archive import importing, products, texts
from publisher.archive.changes import ADDED, Change
from publisher.archive.importing import Options, Outcome
from publisher.archive.tree import Tree, bad, unpack
from publisher.models import OperationPolicy
from publisher.policies import archive as policy_archive

API, PRODUCT, POLICY = "API", "API product", "policy"


def kind_of(tree: Tree) -> str:
    """What the archive holds. Raises BadArchive when it is none of the three."""
    for kind, files in ((PRODUCT, products.FILES), (API, importing.FILES)):
        if tree.first(*files) or any(tree.below(folder).first(*files) for folder in tree.folders()):
            return kind
    for path in tree.files:
        if path.endswith(texts.ENDINGS) and path.count("/") <= 1:
            found = texts.document(tree, path)
            if isinstance(found, dict) and found.get("type") == policy_archive.TYPE:
                return POLICY
    raise bad("file", "Holds neither api.yaml, api_product.yaml nor the specification of a policy.")


def take(*, by: User, content: bytes, options: Options) -> tuple[str, Outcome | None, list[Change]]:
    """Import whatever it is: its kind, the outcome (None for a policy) and what is different.

    A product brings its APIs, and those that are there already are changed where `options.overwrite` says so.
    """
    tree = unpack(content)
    kind = kind_of(tree)
    if kind == POLICY:
        return kind, None, _policy(by, content, dry_run=options.dry_run)
    if kind == PRODUCT:
        whole = replace(options, import_apis=True, overwrite_apis=options.overwrite_apis or options.overwrite)
        outcome = products.import_product(by=by, tree=tree, options=whole)
    else:
        outcome = importing.import_api(by=by, tree=tree, options=options)
    return kind, outcome, outcome.changes


def import_policy(*, by: User, content: bytes) -> OperationPolicy:
    """Add the common policy of an archive. Raises Invalid, Conflict when there is one of its name and version."""
    held = policy_archive.read(content)
    names = {"spec": "specification", "definition": "definition", "cc_definition": "cc_definition"}
    return add_policy(by=by, **{ours: held[theirs] for ours, theirs in names.items()})


def _policy(by: User, content: bytes, *, dry_run: bool) -> list[Change]:
    with transaction.atomic():
        policy = import_policy(by=by, content=content)
        if dry_run:
            transaction.set_rollback(True)
    return [Change(ADDED, f"Policies/{policy.name}_{policy.version}")]
