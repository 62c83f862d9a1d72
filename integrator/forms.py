"""The form by which integrators are registered."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from integrator.models import Integrator


class IntegratorForm(forms.ModelForm):
    """Name, address and credentials; a stored password is never shown."""

    password = forms.CharField(
        required=False,
        strip=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "password", "autocomplete": "new-password"}),
        help_text="Kept sealed. Empty keeps the present one; the platform's own integrator has one from its first start.",
    )

    class Meta:
        model = Integrator
        fields = ("name", "url", "username", "certificate")
