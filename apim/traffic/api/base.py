"""The scopes of the resources about rate limiting; what they share with the other resources of the contract."""

from __future__ import annotations

from apim.accounts import rest_admin
from apim.accounts.rest_admin import (
    as_list,
    as_object,
    choice,
    flag,
    identifier,
    listing,
    named,
    text,
    whole,
    wrong,
)

SEE, MANAGE = ("apim:admin", "apim:tier_view"), ("apim:admin", "apim:tier_manage")
TRANSFER = (*MANAGE, "apim:policies_import_export")
SEE_DENIALS, MANAGE_DENIALS = ("apim:admin", "apim:bl_view"), ("apim:admin", "apim:bl_manage")

__all__ = [
    "MANAGE",
    "MANAGE_DENIALS",
    "SEE",
    "SEE_DENIALS",
    "TRANSFER",
    "Resource",
    "as_list",
    "as_object",
    "choice",
    "flag",
    "identifier",
    "listing",
    "named",
    "text",
    "whole",
    "wrong",
]


class Resource(rest_admin.Resource):
    """A resource about rate limiting."""

    see: tuple[str, ...] = SEE
    manage: tuple[str, ...] = MANAGE
