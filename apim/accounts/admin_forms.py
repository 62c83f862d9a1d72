"""Forms of the admin site for people and organisations; their values go to the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from apim.accounts.models import Organisation, Role, User
from apim.accounts.names import LOCAL_NAME, local_name


class UserForm(forms.ModelForm):
    """A new or existing user. The name is written without the domain, and stays as it is afterwards."""

    username = forms.CharField(validators=[LOCAL_NAME], widget=UnfoldAdminTextInputWidget(), label="User name")
    password = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )  # fmt: skip

    class Meta:
        model = User
        fields = ["organisation", "username", "password", "first_name", "last_name", "email", "roles", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(username=local_name(self.instance.username), password="")  # noqa: S106 - not a password
            for name in {"username", "organisation"} & self.fields.keys():
                self.fields[name].disabled = True
        else:
            self.fields["password"].required = True
            self.fields["password"].help_text = "At least 8 characters, not a common word."

    def clean_roles(self) -> Any:
        """Roles are of the user's organisation."""
        organisation = self.instance.organisation if self.instance.pk else self.cleaned_data.get("organisation")
        chosen = self.cleaned_data["roles"]
        foreign = [role.name for role in chosen if organisation and role.organisation_id != organisation.pk]
        if foreign:
            raise forms.ValidationError(f"{', '.join(foreign)}: of another organisation than {organisation}.")
        return chosen

    def _get_validation_exclusions(self) -> set[str]:
        # The stored name has the domain, the typed one has not; the action compares the stored ones.
        return {*super()._get_validation_exclusions(), "username", "password"}


class RoleChoice(forms.ModelMultipleChoiceField):
    """Roles with their organisation, for administrators who see several."""

    def label_from_instance(self, role: Role) -> str:
        """`Internal/creator · acme.com`, without the domain in the first organisation."""
        return role.name if role.organisation.is_super else f"{role.name} · {role.organisation.domain}"


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
