"""What can be wrong with a policy or with a wish to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from apim.errors import Conflict, FieldError, Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apim.traffic.models import Policy


class PolicyExists(Conflict):
    """The name is taken on that level."""

    def __init__(self, level: str, name: str) -> None:
        super().__init__(
            f"There is already a policy {name!r} of the level {level!r}.", [FieldError("policyName", "is taken")]
        )


class PolicyInUse(Conflict):
    """Something still refers to the policy."""

    def __init__(self, policy: Policy, uses: Sequence[str]) -> None:
        shown = ", ".join(uses[:5]) + (f" and {len(uses) - 5} more" if len(uses) > 5 else "")
        super().__init__(f"The policy {policy.name!r} is in use by {shown}.")


class PolicyProtected(Conflict):
    """The platform itself needs the policy."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(f"The policy {policy.name!r} of the level {policy.level!r} belongs to the platform.")


def from_validation(error: ValidationError) -> Invalid:
    """The same complaint in the form of the REST contracts, field by field."""
    by_field = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    fields = [
        FieldError("policy" if name == NON_FIELD_ERRORS else name, text)
        for name, texts in by_field.items()
        for text in texts
    ]
    return Invalid("The policy is not valid.", fields)
