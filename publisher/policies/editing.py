"""Changes of one flow: put a policy in, move it, change its values, take it out. Flows in, new flows out."""

from __future__ import annotations

import copy
from typing import Any

from publisher import snapshots
from publisher.models import Api
from publisher.policies.specification import FLOWS

Flows = dict[str, Any]
WHOLE = "api"
"""The place of the policies of the whole API; other places are positions of operations."""


def at(api: Api, place: str) -> Flows | None:
    """The flows at a place; None when there is no such place."""
    if place == WHOLE:
        return api.flows
    rows = snapshots.operations(api)
    if not place.isascii() or not place.isdecimal() or len(place) > 6 or int(place) >= len(rows):
        return None
    found: Flows = rows[int(place)].get("flows", {})
    return found


def changes(api: Api, place: str, flows: Flows) -> dict[str, Any]:
    """What `update_api` takes to have `flows` at a place that exists."""
    if place == WHOLE:
        return {"flows": flows}
    rows = snapshots.operations(api)
    rows[int(place)]["flows"] = flows
    return {"operations": rows}


def put(flows: Flows, flow: str, index: int, use: dict[str, Any]) -> Flows:
    """With `use` at `index` of a flow (the end, when the flow is shorter)."""
    made = _whole(flows)
    made[flow].insert(index, use)
    return made


def change(flows: Flows, flow: str, index: int, parameters: dict[str, Any]) -> Flows:
    """With other values. Raises IndexError."""
    made = _whole(flows)
    made[flow][index]["parameters"] = parameters
    return made


def move(flows: Flows, flow: str, index: int, to: int) -> Flows:
    """With the policy at `index` moved to `to`. Raises IndexError."""
    made = _whole(flows)
    made[flow].insert(max(0, to), made[flow].pop(index))
    return made


def remove(flows: Flows, flow: str, index: int) -> Flows:
    """Without the policy at `index`. Raises IndexError."""
    made = _whole(flows)
    made[flow].pop(index)
    return made


def _whole(flows: Flows) -> Flows:
    return {flow: copy.deepcopy(list(flows.get(flow, ()))) for flow in FLOWS}
