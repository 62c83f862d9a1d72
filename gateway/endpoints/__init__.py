"""Backends: addresses, groups of them, their security, patience and health, mocks and functions.

A `Target` (target.py) is where calls go. `relay(call, shape)` hands the call over and streams the answer to the caller (hot);
`await fetch(call, shape, limit)` sends the same request with the same security, failover and suspension, and returns the answer
whole, as `gateway.message.Answer` without hop-by-hop headers. It raises `Failed(fault, cause)` when there is none.
A stage needs no target: `gateway.stages.endpoint.way(plan)` gives an API's `Way`. `way.relay` is the step that answers a call;
`await way.fetch(call)` is the answer whole (Failed: `call.refuse(error.fault, error.cause)`); `deliver(call, answer)` sends one.
A request that policies changed is `call.outgoing`, for both. Upgrades: `way.pick(call).origin` is the pool to `wire.tunnel.dial`.
"""

from __future__ import annotations
