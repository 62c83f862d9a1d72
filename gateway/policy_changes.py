"""What a changed rate-limiting policy means for chains that hold it: mostly other numbers, which need no chain made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gateway.schema import Api, Limit, Policy
from gateway.stages.limits import UNAUTHENTICATED

Amended = tuple[Limit, Limit]
"""A limit as chains hold it, and what it is now."""


def amended(before: Policy | None, after: Policy | None) -> list[Amended] | None:
    """The limits that differ, when nothing but their amounts does; None when chains have to be made anew."""
    if before is None or after is None:
        return None
    if _shape(before) != _shape(after):
        return None
    return [(old, new) for old, new in zip(_limits(before), _limits(after), strict=True) if old != new]


def users(policies: Iterable[str], apis: dict[str, Api]) -> Iterator[str]:
    """Keys of the APIs in whose chains one of these policies (by key) is held.

    Application and subscription policies are looked up when a caller is first met (gateway.decide), but for the one of callers
    that nobody knows.
    """
    wanted = set(policies)
    anonymous = {key.partition(":")[0] for key in wanted if key.endswith(f":subscription:{UNAUTHENTICATED}")}
    for key, api in apis.items():
        named = {api.policy} if api.policy else {operation.policy for operation in api.operations}
        if api.organisation in anonymous or any(f"{api.organisation}:api:{name}" in wanted for name in named):
            yield key


def _limits(policy: Policy) -> list[Limit]:
    own = [limit for limit in (policy.quota, policy.burst) if limit is not None]
    return own + [group.limit for group in policy.groups]


def _shape(policy: Policy) -> Policy:
    """The policy with all amounts alike."""
    return replace(
        policy,
        quota=_alike(policy.quota),
        burst=_alike(policy.burst),
        groups=tuple(replace(group, limit=_alike(group.limit)) for group in policy.groups),
    )


def _alike(limit: Limit | None) -> Limit | None:
    return replace(limit, amount=0) if limit is not None else None
