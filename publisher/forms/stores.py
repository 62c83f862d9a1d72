"""The admin site's form of an external store; its password is entered and never shown."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget

from publisher.models import ExternalStore


class StoreForm(forms.ModelForm):
    """A new or existing store."""

    password = forms.CharField(
        required=False,
        help_text="Empty: as it was.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = ExternalStore
        # The admin page adds the address, with a scheme that is assumed.
        fields = ["display_name", "username"]

    def _post_clean(self) -> None:
        # The form's password is not the column, which holds a sealed one; the action seals what was entered.
        sealed = self.instance.password
        super()._post_clean()
        self.instance.password = sealed
