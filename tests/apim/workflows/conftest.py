"""Organisations in which somebody must approve things."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import Organisation, User
from apim.workflows.actions.executors import set_executor
from apim.workflows.models import Style


@pytest.fixture
def boss(admin: User) -> User:
    """Who decides in the first organisation."""
    return set_roles(by=None, user=admin, roles=["admin"])


@pytest.fixture
def asks(boss: User) -> Callable[..., None]:
    """`asks(kind, style=…)`: the first organisation wants decisions on `kind` from now on."""

    def choose(
        *kinds: str, style: str = Style.APPROVAL, organisation: Organisation | None = None, **more: object
    ) -> None:
        for kind in kinds:
            set_executor(by=boss, organisation=organisation or boss.organisation, kind=kind, style=style, **more)

    return choose
