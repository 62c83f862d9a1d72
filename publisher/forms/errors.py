"""Puts an action's mistakes beside the form fields that they are about."""

from __future__ import annotations

import re

from django import forms

from apim.errors import ApimError

_HEAD = re.compile(r"^[A-Za-z_]+")


def show_errors(form: forms.BaseForm, error: ApimError, names: dict[str, str] | None = None) -> None:
    """Add every mistake of `error` to `form`; `names` maps the beginning of a place to another form field."""
    for wrong in error.fields:
        field = _field(form, wrong.field, names or {})
        form.add_error(field, wrong.message if field else f"{wrong.field}: {wrong.message}")
    if not error.fields:
        form.add_error(None, error.description)


def _field(form: forms.BaseForm, place: str, names: dict[str, str]) -> str | None:
    for start, field in sorted(names.items(), key=lambda pair: -len(pair[0])):
        if place.startswith(start):
            return field
    head = _HEAD.match(place)
    return head[0] if head and head[0] in form.fields else None
