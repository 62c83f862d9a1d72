"""Puts an action's ApimError onto the form whose input caused it."""

from __future__ import annotations

from django import forms

from apim.errors import ApimError


def add_errors(form: forms.BaseForm, error: ApimError) -> None:
    """Show each field error at the form's field of that name, the rest on top of the form."""
    for wrong in error.fields:
        form.add_error(wrong.field if wrong.field in form.fields else None, _worded(form, wrong.field, wrong.message))
    if not error.fields:
        form.add_error(None, error.description)


def _worded(form: forms.BaseForm, field: str, message: str) -> str:
    return message if field in form.fields else f"{field}: {message}"
