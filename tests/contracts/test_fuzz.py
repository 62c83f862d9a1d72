"""Every operation under arbitrary input made from its contract: no server error, no answer against the contract.

Schemathesis makes the input; ids in paths are real ones every second time. The same input comes at each run, so that a failure
can be seen again; `FUZZ_EXAMPLES` asks for more of it than the few that fit a suite of minutes.
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apim.accounts.models import Organisation
from apim.contracts.operations import Operation, operations
from tests.contracts import contract
from tests.contracts.world import Rest, World

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
MISTAKES_OF_CALLERS = {400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429}
ELSEWHERE = {"gateway"}
"""Contracts whose operations are answered by another process, which has a fuzzer of its own."""

pytestmark = [
    pytest.mark.skipif(not contract.present(), reason=f"no contracts in {contract.FOLDER} (APIM_CONTRACTS)"),
    pytest.mark.django_db,
]


def _asked() -> list[Operation]:
    return [one for one in operations() if one.contract not in ELSEWHERE and not one.later]


@cache
def _schema(name: str) -> Any:
    return schemathesis.openapi.from_dict(contract.document(name))


@pytest.mark.parametrize("one", _asked(), ids=lambda one: f"{one.contract}-{one.key}")
def test_no_input_breaks_it(one: Operation, organisation: Organisation) -> None:
    if not one.routed():
        pytest.skip("does not run here: docs/coverage/rest.md names it as missing")
    world = World(organisation)
    client: Rest = getattr(world, one.contract)
    ids = _ids(world)

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(_schema(one.contract)[one.path][one.method].as_strategy())
        if data.draw(st.booleans()):
            case.path_parameters = {**(case.path_parameters or {}), **_known(one, ids)}
        _send(client, one, case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()


def _ids(world: World) -> dict[str, str]:
    """Real values for path parameters, by name."""
    subscription = world.subscription()
    return {
        "apiId": str(subscription.api_id),
        "applicationId": str(subscription.application.pk),
        "subscriptionId": str(subscription.pk),
        "keyType": "PRODUCTION",
        "policyLevel": "subscription",
        "tenantDomain": world.organisation.domain,
    }


def _known(one: Operation, ids: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in ids.items() if f"{{{name}}}" in one.path}


def _send(client: Rest, one: Operation, case: Any) -> None:
    call = case.as_transport_kwargs(base_url=f"http://testserver{client.base}")
    call.pop("timeout", None)
    try:
        made = requests.Request(**{name: value for name, value in call.items() if name in REQUEST}).prepare()
    except (UnicodeError, requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL):
        return  # no client could send it
    headers = {name: _text(value) for name, value in made.headers.items() if name.lower() not in ("cookie", "host")}
    content_type = headers.pop("Content-Type", "application/json")
    body = made.body if made.body is not None else b""
    answer = client.client.generic(one.method, made.path_url, body, content_type=content_type, headers=headers)
    told = f"{one.method} {made.path_url} {headers} {body[:600]!r} -> {answer.status_code}"
    assert answer.status_code < 500 or answer.status_code == 501, told
    if answer.status_code >= 400:
        assert answer.status_code in MISTAKES_OF_CALLERS, told
        assert one.method == "HEAD" or set(answer.json()) >= {"code", "message", "description", "error"}, told
    elif answer.status_code not in (304,):
        assert not contract.faults(one, answer), f"{told} {getattr(answer, 'content', b'')[:1500]!r}"


REQUEST = {"method", "url", "headers", "files", "data", "params", "json", "cookies"}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
