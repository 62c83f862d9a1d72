"""Lets the floors above say what uses a policy, so that none disappears under a running API, and what can be denied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apim.accounts.models import Organisation
    from apim.traffic.models import Policy

UsageCheck = Callable[["Policy"], Iterable[str]]
"""Gives a description for people of each use (`API Pizza 1.0`, `application Shop of alice`)."""

_checks: list[UsageCheck] = []


def checks_usage(check: UsageCheck) -> UsageCheck:
    """Register `check` (in `AppConfig.ready`); registering twice changes nothing."""
    if check not in _checks:
        _checks.append(check)
    return check


def uses(policy: Policy) -> list[str]:
    """Everything that uses `policy`, as descriptions for people."""
    return [use for check in _checks for use in check(policy)]


TargetCheck = Callable[["Organisation", str], bool]
"""Whether an organisation has the API of that context, or the application `owner:name`."""

_targets: dict[str, TargetCheck] = {}


def knows_targets(kind: str, check: TargetCheck) -> None:
    """Register who knows the targets of deny policies of `kind` (`DenyKind`)."""
    _targets[kind] = check


def has_target(organisation: Organisation, kind: str, value: str) -> bool:
    """Whether what a deny policy names exists; True for kinds that nobody knows."""
    check = _targets.get(kind)
    return check is None or check(organisation, value)
