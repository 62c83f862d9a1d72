"""The policies that ship with the product (reference A4), as every organisation finds them."""

from __future__ import annotations

import json
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from apim.accounts.models import Organisation
from publisher.models import OperationPolicy

_SPACE = uuid.UUID("5b1bb28c-7ac5-4b55-9c2a-6f0e5ac0b0b1")


@cache
def specifications() -> list[dict[str, Any]]:
    """Their specifications. Gateways know them by name, so they have no definition."""
    found: list[dict[str, Any]] = json.loads(Path(__file__).with_name("shipped.json").read_text("utf-8"))
    return found


def identifier(organisation: object, name: str, version: str) -> uuid.UUID:
    """The id of a shipped policy in an organisation: the same however often it is made."""
    return uuid.uuid5(_SPACE, f"{organisation}:{name}:{version}")


def seed_policies(organisation: Organisation) -> None:
    """Make those that `organisation` does not have yet. Idempotent."""
    known = set(OperationPolicy.objects.filter(organisation=organisation, api=None).values_list("name", "version"))
    OperationPolicy.objects.bulk_create(
        OperationPolicy(
            id=identifier(organisation.pk, one["name"], one["version"]),
            organisation=organisation,
            name=one["name"],
            version=one["version"],
            specification=one,
            shipped=True,
        )
        for one in specifications()
        if (one["name"], one["version"]) not in known
    )
