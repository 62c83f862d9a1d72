"""Every operation that runs has a case, and every case gets an answer that its contract allows."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from apim.accounts.models import Organisation
from apim.contracts import coverage
from apim.contracts.operations import Operation, operations
from tests.contracts import contract
from tests.contracts.harness import Case, every_case
from tests.contracts.world import World

WITHOUT = f"no contracts in {contract.FOLDER} (APIM_CONTRACTS): called, but not held against a schema"


@pytest.mark.django_db
@pytest.mark.parametrize("one", every_case(), ids=lambda one: one.name)
def test_the_answer_is_what_the_contract_says(one: Case, organisation: Organisation) -> None:
    answer = one.run(World(organisation))
    assert 200 <= answer.status_code < 300, f"{answer.status_code} {getattr(answer, 'content', b'')[:2000]!r}"
    if not contract.present():
        pytest.skip(WITHOUT)
    assert not contract.faults(one.operation, answer), getattr(answer, "content", b"")[:3000]


def test_every_operation_that_runs_has_a_case() -> None:
    called = {one.operation for one in every_case()}
    without = [f"{one.contract} {one.key}" for one in operations() if one.routed() and one not in called]
    assert not without, f"{len(without)} operations are routed and have no case: {', '.join(without)}"


def test_every_case_calls_an_operation_that_runs() -> None:
    unrouted = [one.name for one in every_case() if not one.operation.routed()]
    assert not unrouted


@pytest.mark.skipif(not contract.present(), reason=f"no contracts in {contract.FOLDER} (APIM_CONTRACTS)")
def test_the_table_lists_every_operation_of_the_contracts() -> None:
    methods = ("get", "put", "post", "delete", "patch", "head")
    asked = {
        (name, method.upper(), path)
        for name in contract.FILES
        for path, item in contract.document(name)["paths"].items()
        for method in item
        if method in methods
    }
    assert {(one.contract, one.method, one.path) for one in operations()} == asked


LATER = [one for one in operations() if coverage.state(one) == "later"]


@pytest.mark.django_db
@pytest.mark.parametrize("one", LATER, ids=lambda one: f"{one.contract}-{one.key}")
def test_operations_of_later_versions_say_so(one: Operation) -> None:
    answer = APIClient().generic(one.method, one.url)
    assert answer.status_code == 501
    assert one.later in answer.json()["description"]
    assert set(answer.json()) == {"code", "message", "description", "moreInfo", "error"}
