"""What thousands of records have in common is kept once: the memory of a large installation is bounded by it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway import schema
from gateway.compile import Compiler
from gateway.services import Services
from gateway.settings import Settings
from gateway.state import Build, State
from tests.gateway import world


async def test_texts_and_headers_are_shared(tmp_path: Path) -> None:
    records: list[tuple[str, str, schema.Record]] = []
    for number in range(3):
        name = f"api{number}"
        records += [
            ("api", f"Default:id-{name}", world.api(name, f"http://backend-{number}.example")),
            *world.application(number),
        ]
        records += [world.subscription(name, other, plan="Gold") for other in range(3)]
    events = [
        schema.Event(n, kind, key, record=msgspec.Raw(msgspec.json.encode(one)))
        for n, (kind, key, one) in enumerate(records, 1)
    ]
    services = Services(Settings(var=tmp_path))
    build = Build(State(), schema.Batch(len(events), events, snapshot=True), Compiler(services))
    for _ in build.steps():
        pass
    found = build.state.records
    subscriptions = list(found["subscription"].values())
    assert len(subscriptions) == 9
    assert len({id(one.plan) for one in subscriptions}) == 1
    assert len({id(one.api) for one in subscriptions}) == 3
    assert all(one.application is found["application"][one.application].id for one in subscriptions)
    assert all(key is one.id for key, one in found["subscription"].items())
    ways = [api.shared["way"] for api in build.state.apis.values()]
    assert len({id(way.shape.drops) for way in ways}) == 1  # type: ignore[union-attr]
    await services.close()
