"""The forms of the catalog's pages."""

from __future__ import annotations

from django import forms

from catalog.archive import LARGEST_ARCHIVE


class ImportForm(forms.Form):
    """Upload of a zip, for people without an integrator at hand."""

    file = forms.FileField(
        label="Archive",
        help_text="A zip with a folder per service that holds metadata.yaml and definition.yaml.",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    overwrite = forms.BooleanField(label="Replace services that exist already", required=False)

    def clean_file(self) -> object:
        """Refuse what is too big before it is read into memory."""
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_ARCHIVE:
            raise forms.ValidationError(f"The archive has {upload.size} bytes; at most {LARGEST_ARCHIVE} are allowed.")
        return upload
