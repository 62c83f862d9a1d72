"""Forms of the admin site for people and organisations; their values go to the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from apim.accounts.models import Organisation, Role, User
from apim.accounts.names import LOCAL_NAME, local_name
from apim.accounts.queries import sees_every_organisation


class UserForm(forms.ModelForm):
    """A new or existing user. The name is written without the domain, and stays as it is afterwards."""

    username = forms.CharField(validators=[LOCAL_NAME], widget=UnfoldAdminTextInputWidget(), label="User name")
    password = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )  # fmt: skip

    roles = forms.MultipleChoiceField(required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget())
    viewer: User

    class Meta:
        model = User
        fields = ["organisation", "username", "password", "first_name", "last_name", "email", "roles", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = [(name, name) for name in self._role_names()]
        if self.instance.pk:
            own = list(self.instance.roles.values_list("name", flat=True))
            self.initial.update(username=local_name(self.instance.username), password="", roles=own)  # noqa: S106 - empty
            for name in {"username", "organisation"} & self.fields.keys():
                self.fields[name].disabled = True
        else:
            self.fields["password"].required = True
            self.fields["password"].help_text = "At least 8 characters, not a common word."

    def _role_names(self) -> list[str]:
        """Of the user's organisation, or of all in which the viewer may make users: the action checks what belongs where."""
        rows = Role.objects.all()
        if self.instance.pk:
            rows = rows.filter(organisation=self.instance.organisation_id)
        elif not sees_every_organisation(self.viewer):
            rows = rows.filter(organisation=self.viewer.organisation_id)
        return sorted(set(rows.values_list("name", flat=True)))

    def _get_validation_exclusions(self) -> set[str]:
        # The stored name has the domain, the typed one has not; the action compares the stored ones.
        return {*super()._get_validation_exclusions(), "username", "password"}


class OrganisationForm(forms.ModelForm):
    """A new organisation asks for its first administrator too."""

    admin_username = forms.CharField(initial="admin", validators=[LOCAL_NAME], widget=UnfoldAdminTextInputWidget())
    admin_email = forms.EmailField(required=False, widget=UnfoldAdminEmailInputWidget())
    admin_password = forms.CharField(
        strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = Organisation
        fields = ["domain", "display_name", "self_signup"]
