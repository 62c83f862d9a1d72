"""A policy whose numbers change takes effect in chains that are not made anew; only other changes make new ones."""

from __future__ import annotations

import gc
from typing import Any

import msgspec
import pytest

from gateway import schema
from gateway.compile import Compiler
from gateway.counters import Counters
from gateway.policy_changes import amended, users
from gateway.schema import Batch, Limit, Policy
from gateway.services import Services
from gateway.settings import Settings
from gateway.state import Build, State
from tests.gateway import world


def policy(**changes: Any) -> Policy:
    """Ten calls a minute, with a burst."""
    usual = {"organisation": "o", "level": "api", "name": "Ten", "quota": Limit(10, 60), "burst": Limit(2, 1)}
    return Policy(**usual | changes)


GROUP = schema.ConditionalGroup((schema.Condition("ip", "10.0.0.1"),), Limit(5, 60))


@pytest.mark.parametrize(
    ("after", "numbers"),
    [
        (policy(quota=Limit(20, 60)), [(Limit(10, 60), Limit(20, 60))]),
        (policy(burst=Limit(3, 1)), [(Limit(2, 1), Limit(3, 1))]),
        (policy(), []),
        (policy(quota=Limit(10, 3600)), None),
        (policy(quota=Limit(10, 60, sliding=True)), None),
        (policy(quota=None), None),
        (policy(groups=(GROUP,)), None),
        (None, None),
    ],
)
def test_what_needs_new_chains(after: Policy | None, numbers: list[Any] | None) -> None:
    assert amended(policy(), after) == numbers


def test_the_limits_of_groups_are_numbers_too_but_not_their_conditions() -> None:
    before = policy(groups=(GROUP,))
    more = msgspec.structs.replace(GROUP, limit=Limit(6, 60))
    other = msgspec.structs.replace(GROUP, conditions=(schema.Condition("ip", "10.0.0.2"),))
    assert amended(before, policy(groups=(more,))) == [(Limit(5, 60), Limit(6, 60))]
    assert amended(before, policy(groups=(other,))) is None


def test_only_apis_that_hold_a_policy_use_it() -> None:
    operation = schema.Operation("GET", "/*", policy="Ten")
    apis = {
        "whole": world.api("whole", "http://x", policy="Ten"),
        "one": world.api("one", "http://x", operation),
        "hidden": world.api("hidden", "http://x", operation, policy="Other"),
        "none": world.api("none", "http://x"),
        "stranger": world.api("stranger", "http://x", operation, organisation="acme.example"),
    }
    domain = world.ORGANISATION
    assert sorted(users([f"{domain}:api:Ten"], apis)) == ["one", "whole"]
    assert sorted(users([f"{domain}:application:Ten"], apis)) == []
    assert sorted(users([f"{domain}:subscription:Unauthenticated"], apis)) == ["hidden", "none", "one", "whole"]


def test_counters_follow_and_nothing_is_kept_of_limits_that_nobody_holds() -> None:
    counters = Counters()
    first, second, third = Limit(10, 60), Limit(20, 60), Limit(30, 60)
    held = counters.get("a", first, "900802")
    counters.amend([(first, second)])
    counters.amend([(second, third)])
    assert held.amount == 30
    late = counters.get("b", first, "900802")
    assert late.amount == 30
    del first, second
    gc.collect()
    assert not counters._amended


async def test_a_build_with_other_numbers_compiles_nothing() -> None:
    key = f"{world.ORGANISATION}:api:Ten"
    compiler = Compiler(Services(Settings()))

    def built(before: State, number: int, *records: tuple[str, str, schema.Record]) -> Build:
        events = [
            schema.Event(number, kind, name, record=msgspec.Raw(msgspec.json.encode(one)))
            for kind, name, one in records
        ]
        build = Build(before, Batch(number, events, snapshot=number == 1), compiler)
        for _ in build.steps():
            pass
        return build

    first = built(
        State(),
        1,
        ("policy", key, policy(organisation=world.ORGANISATION)),
        ("api", "Default:id-one", world.api("one", "http://127.0.0.1:1", policy="Ten")),
    )
    numbers = built(first.state, 2, ("policy", key, policy(organisation=world.ORGANISATION, quota=Limit(99, 60))))
    assert numbers.state.apis["Default:id-one"] is first.state.apis["Default:id-one"]
    assert [new.amount for _, new in numbers.amended] == [99]
    window = built(numbers.state, 3, ("policy", key, policy(organisation=world.ORGANISATION, quota=Limit(99, 3600))))
    assert window.state.apis["Default:id-one"] is not first.state.apis["Default:id-one"]
    assert window.amended == []
