"""Export, import elsewhere, export again: nothing is lost, whatever the API is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings

from apim.accounts.models import Organisation, User
from publisher.actions.apis import create_api
from publisher.archive import changes, tree
from publisher.archive.exporting import export_api
from publisher.archive.importing import Options, import_api
from publisher.archive.products import import_product
from publisher.models import Api
from tests.publisher.archive import designs
from tests.publisher.make import plan
from tests.support.people import make_user

ROLES = ("Internal/creator", "Internal/publisher")
_POLICY = (".policyType",)


@pytest.fixture
def here(organisation: Organisation) -> User:
    """Somebody who exports."""
    return make_user(organisation, *ROLES, username="here")


@pytest.fixture
def there(other_organisation: Organisation) -> User:
    """Somebody of another tenant who imports."""
    for name in ("Gold", "AsyncWHUnlimited", "AsyncUnlimited"):
        plan(other_organisation, name)
    return make_user(other_organisation, *ROLES, username="there")


def written(by: User, api: Api, **more: Any) -> tree.Tree:
    """The files of an export."""
    name, content = export_api(by=by, api=Api.objects.get(pk=api.pk), **more)
    return tree.unpack(content).below(name.removesuffix(".zip"))


def plain(files: tree.Tree) -> dict[str, Any]:
    """Without what another tenant must have otherwise: providers, ids, and whose a policy is."""
    found = changes.normalised(files)
    for path, leaves in found.items():
        if isinstance(leaves, dict):
            found[path] = {
                name: value
                for name, value in leaves.items()
                if name.rpartition(".")[2] not in ("provider", "policyType", "apiOwner", "providerName", "policyId")
            }
    return found


def difference(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Where they are not equal, with both values."""
    found = {}
    for path in first.keys() | second.keys():
        left, right = first.get(path), second.get(path)
        if isinstance(left, dict) and isinstance(right, dict):
            found |= {f"{path}: {name}": value for name, value in difference(left, right).items()}
        elif left != right:
            found[path] = (left, right)
    return found


@pytest.mark.parametrize("form", ["YAML", "JSON"])
@pytest.mark.parametrize("make", designs.KINDS, ids=lambda make: make.__name__)
def test_an_api_of_every_kind_goes_round(make, form, here, there) -> None:
    source = make(here)
    first = written(here, source, form=form)
    outcome = import_api(by=there, tree=tree.unpack(tree.pack(first, "x")), options=Options())
    assert outcome.created
    assert outcome.api.organisation_id == there.organisation_id
    assert difference(plain(first), plain(written(there, outcome.api, form=form))) == {}
    assert outcome.warnings == []


@pytest.mark.parametrize("make", designs.KINDS, ids=lambda make: make.__name__)
def test_an_import_over_the_same_changes_nothing(make, here) -> None:
    source = make(here)
    first = written(here, source)
    outcome = import_api(by=here, tree=tree.unpack(tree.pack(first, "x")), options=Options(overwrite=True))
    assert not outcome.created
    assert outcome.changes == []


def test_a_product_goes_round_with_its_apis(here, there) -> None:
    source = designs.product(here)
    first = written(here, source)
    assert {"APIs/First-1.0.0/api.yaml", "APIs/Orders-1.10/Definitions/swagger.yaml"} <= first.files.keys()
    outcome = import_product(by=there, tree=tree.unpack(tree.pack(first, "x")), options=Options(import_apis=True))
    assert difference(plain(first), plain(written(there, outcome.api))) == {}
    assert Api.objects.filter(organisation=there.organisation_id).count() == 3


@settings(
    max_examples=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(fields=designs.random_design)
def test_any_design_goes_round(fields: dict[str, Any], here, there) -> None:
    with transaction.atomic():
        source = create_api(by=here, name="Any", context="/any", version="1.0", **fields)
        first = written(here, source)
        outcome = import_api(by=there, tree=first, options=Options())
        second = written(there, outcome.api)
        transaction.set_rollback(True)
    assert difference(plain(first), plain(second)) == {}
