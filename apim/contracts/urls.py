"""Addresses of operations that came after version 4.2. Included last, so that nothing that runs is hidden by them."""

from __future__ import annotations

import re

from django.urls import path

from apim.contracts.later import Later
from apim.contracts.operations import BASES, operations


def _route(address: str) -> str:
    return re.sub(r"\{([^}]*)\}", lambda found: f"<str:{found[1]}>", address).lstrip("/")


urlpatterns = [
    path(address, Later.as_view(what=what))
    for address, what in dict.fromkeys(
        (_route(BASES[one.contract] + one.path), one.later) for one in operations() if one.later
    )
]
