"""The form that the style guide shows: one field of each kind."""

from __future__ import annotations

from django import forms


class SampleForm(forms.Form):
    """Every kind of field that pages use."""

    name = forms.CharField(max_length=60, help_text="Letters and digits, 60 at most.")
    email = forms.EmailField(required=False)
    plan = forms.ChoiceField(choices=[("gold", "Gold"), ("silver", "Silver"), ("bronze", "Bronze")])
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    transports = forms.MultipleChoiceField(
        choices=[("http", "HTTP"), ("https", "HTTPS")], widget=forms.CheckboxSelectMultiple, initial=["https"]
    )
    visibility = forms.ChoiceField(
        choices=[("PUBLIC", "Everybody"), ("PRIVATE", "This organisation")], widget=forms.RadioSelect, initial="PUBLIC"
    )
    default_version = forms.BooleanField(required=False, help_text="Also reached without a version in the address.")
    archive = forms.FileField(required=False)
