"""The form of a new API key. Field names are those of the action's errors."""

from __future__ import annotations

from django import forms

from apim.keymanager.grants import LONGEST_LIFETIME


class ApiKeyForm(forms.Form):
    """How long a key is valid, and from where it may be used."""

    keyName = forms.CharField(  # noqa: N815 - errors of actions name this field
        required=False, max_length=100, label="Name", help_text="So that you know it in the list."
    )
    validityPeriod = forms.IntegerField(  # noqa: N815
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
        label="Valid for (seconds)",
        help_text="Empty: until it is revoked.",
    )
    permittedIP = forms.CharField(  # noqa: N815
        required=False,
        max_length=5000,
        label="Permitted addresses",
        help_text="IPv4 or IPv6 addresses and ranges, separated by commas. Empty: from anywhere.",
        widget=forms.TextInput(attrs={"placeholder": "203.0.113.7, 10.0.0.0/8, 2001:db8::/32"}),
    )
    permittedReferer = forms.CharField(  # noqa: N815
        required=False,
        max_length=5000,
        label="Permitted pages",
        help_text="Where a browser may call from, separated by commas; * stands for part of a host or anything in the path.",
        widget=forms.TextInput(attrs={"placeholder": "www.example.com/shop/*, *.example.org/*"}),
    )

    def values(self) -> dict[str, object]:
        """The keywords of the action."""
        data = self.cleaned_data
        return {
            "name": data["keyName"],
            "lifetime": data["validityPeriod"],
            "addresses": _listed(data["permittedIP"]),
            "referers": _listed(data["permittedReferer"]),
        }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
