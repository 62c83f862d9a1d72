"""Forms of the admin site for executors and requests; their values go to the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apim.workflows.models import Executor, Task


class ExecutorForm(forms.ModelForm):
    """An executor. The stored secret is never shown; transitions are written one a line."""

    new_secret = forms.CharField(
        label="Password or client secret", required=False, strip=False, max_length=1000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )  # fmt: skip
    transitions = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Which steps need a decision, one a line, as CREATED:Publish. Empty: all of them.",
    )  # fmt: skip

    class Meta:
        model = Executor
        fields = [
            "organisation",
            "kind",
            "style",
            "url",
            "credentials",
            "username",
            "token_url",
            "transitions",
            "notify",
        ]
        widgets = {"notify": UnfoldAdminTextInputWidget()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["transitions"] = "\n".join(self.instance.transitions)

    def clean_transitions(self) -> list[str]:
        """A list, as it is stored."""
        return [line.strip() for line in self.cleaned_data["transitions"].splitlines() if line.strip()]


class TaskForm(forms.ModelForm):
    """The comment of a decision."""

    class Meta:
        model = Task
        fields = ["comment"]
        widgets = {"comment": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {"comment": "The requester reads it."}
