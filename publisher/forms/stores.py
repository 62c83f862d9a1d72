"""The admin site's form of an external store; its password is entered and never shown."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget

from publisher.models import ExternalStore


class StoreForm(forms.ModelForm):
    """A new or existing store."""

    secret = forms.CharField(
        label="Password",
        required=False,
        help_text="Empty: as it was.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = ExternalStore
        # The admin page adds the address, with a scheme that is assumed.
        fields = ["display_name", "username"]
