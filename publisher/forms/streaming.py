"""Making a streaming API, and how the publishers of a WebSub API prove themselves."""

from __future__ import annotations

from typing import Any

from django import forms

from publisher.actions.streaming import DEFAULT_PLAN, KINDS
from publisher.asyncapi import websub
from publisher.forms.create import Definition, Identity, unix_lines
from publisher.kinds import of

KIND_CHOICES = [(name, of(name).label) for name in KINDS]


class Streaming(Identity):
    """From nothing."""

    kind = forms.ChoiceField(
        label="Kind",
        choices=KIND_CHOICES,
        help_text="WebSocket talks both ways, server-sent events only listen, WebSub calls its subscribers back.",
    )
    endpoint = forms.CharField(
        label="Endpoint",
        max_length=2000,
        required=False,
        help_text="The backend: ws:// or wss:// for WebSocket, http(s):// for server-sent events, none for WebSub.",
        widget=forms.TextInput(attrs={"placeholder": "wss://backend.example.org/chat", "spellcheck": "false"}),
    )
    field_order = ["kind", "name", "context", "version", "endpoint"]

    def keywords(self) -> dict[str, Any]:
        """Keywords of `create_streaming`; the plan without a limit is offered until others are chosen."""
        data = self.cleaned_data
        endpoint = {} if data["kind"] == "WEBSUB" else {"endpoint": data["endpoint"]}
        named = {name: data[name] for name in ("kind", "name", "context", "version")}
        return named | endpoint | {"plans": [DEFAULT_PLAN[data["kind"]]]}


class AsyncDefinition(Definition):
    """An AsyncAPI definition as text or as a file."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["file"].help_text = "AsyncAPI 2.0 to 2.6; JSON or YAML."
        self.fields["text"].widget.attrs["placeholder"] = "asyncapi: 2.6.0"


class FromAsyncApi(Streaming):
    """The second step of an import: what the definition suggests, to be changed; the text travels along."""

    text = forms.CharField(strip=False, widget=forms.HiddenInput)

    def keywords(self) -> dict[str, Any]:
        """Keywords of `import_asyncapi`."""
        data = self.cleaned_data
        endpoints = (
            {} if data["kind"] == "WEBSUB" or not data["endpoint"] else {"production": {"url": data["endpoint"]}}
        )
        return super().keywords() | {"endpoint": None, "endpoints": endpoints, "text": unix_lines(data["text"])}


class Receiver(forms.Form):
    """A WebSub API's receiver."""

    enabled = forms.BooleanField(
        label="Events must be signed", required=False, help_text="Events without a right signature are refused (401)."
    )
    algorithm = forms.ChoiceField(label="Algorithm", choices=[(name, name) for name in websub.ALGORITHMS])
    header = forms.CharField(label="Header of the signature", max_length=100)
    secret = forms.CharField(
        label="Secret",
        required=False,
        max_length=websub.MOST_SECRET,
        help_text="Empty: the present one stays, or one is made.",
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    verify = forms.BooleanField(
        label="Ask subscribers back",
        required=False,
        help_text="A callback gets events only when it answers the challenge of the hub.",
    )
