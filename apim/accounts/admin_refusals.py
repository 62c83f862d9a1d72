"""Forms of the admin site that show what an action refused, at the fields it named."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.forms import ModelForm

from apim.errors import ApimError

_HEAD = re.compile(r"[A-Za-z_]\w*")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def refused(form: type[ModelForm], refusal: ApimError, places: Mapping[str, str]) -> type[ModelForm]:
    """`form` with the mistakes of `refusal`: at the field where it names one of the form, else on top.

    `places` gives the form's name of a field that the action calls otherwise.
    """

    class Refused(form):  # type: ignore[misc, valid-type]  # the class is made at run time
        """Never valid: the action has answered already."""

        def full_clean(self) -> None:
            """What was typed is checked as ever; then the refusal is added, as it would be told again."""
            super().full_clean()
            for wrong in refusal.fields:
                field = place(wrong.field, self.fields, places)
                inside = "" if field and (field == wrong.field or wrong.field in places) else f"{wrong.field}: "
                self.add_error(field, f"{inside}{wrong.message}")
            if not refusal.fields:
                self.add_error(None, refusal.description)

    Refused.__name__ = form.__name__
    return Refused


def place(field: str, fields: Mapping[str, object], places: Mapping[str, str]) -> str | None:
    """The form's field that `field` is about (`vhosts[0].host` is about `vhosts`), None for none of them."""
    found = _HEAD.match(field)
    head = found[0] if found else ""
    plain = _CAPITAL.sub(r"_\1", head).lower()
    return next((name for name in (places.get(field), places.get(head), head, plain) if name in fields), None)
