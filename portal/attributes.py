"""What the administrators of an organisation want to know of every application: the fields, and whether they are filled in."""

from __future__ import annotations

from collections.abc import Mapping

from apim.accounts.models import Organisation
from apim.errors import FieldError
from portal.models import ApplicationAttribute

LONGEST_NAME, LONGEST_VALUE, MOST = 100, 1000, 100


def of(organisation: Organisation) -> list[ApplicationAttribute]:
    """The fields in their order."""
    return list(ApplicationAttribute.objects.filter(organisation=organisation))


def problems(organisation: Organisation, given: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with the values `given`: required ones that are missing, too long ones, too many."""
    if len(given) > MOST:
        return [FieldError("attributes", f"{len(given)} of them; {MOST} at most")]
    long = [
        FieldError(
            f"attributes.{name[:40]}", f"{LONGEST_NAME} characters for a name, {LONGEST_VALUE} for a value at most"
        )
        for name, value in given.items()
        if len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE
    ]
    required = [one for one in of(organisation) if one.required and not one.hidden]
    return long + [
        FieldError(f"attributes.{one.name}", "is required") for one in required if not given.get(one.name, "").strip()
    ]
