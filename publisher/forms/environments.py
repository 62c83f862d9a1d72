"""The admin site's form of a gateway environment; virtual hosts are written one a line."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from publisher.models import GatewayEnvironment

HELP = (
    "One virtual host a line: the host, then its http and https port (80 and 443 when left out) and the path under which a "
    "proxy offers the gateways. For example: eu.example.org 8280 8243 /gateway"
)


class EnvironmentForm(forms.ModelForm):
    """A new or existing environment."""

    vhosts = forms.CharField(
        label="Virtual hosts", required=False, help_text=HELP, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )

    class Meta:
        model = GatewayEnvironment
        fields = ["vhosts"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"provider", "gateway_type", "permission"} & self.fields.keys():
            self.fields[name].required = False  # what is left empty is the usual
        self.initial["vhosts"] = "\n".join(_line(row) for row in self.instance.vhosts)

    def clean_vhosts(self) -> list[dict[str, Any]]:
        """The lines as the model keeps them; what a value may be is checked by the action."""
        rows = []
        for number, line in enumerate(self.cleaned_data["vhosts"].splitlines(), 1):
            words = line.split()
            if not words:
                continue
            ports = [word for word in words[1:] if word.isascii() and word.isdecimal() and len(word) < 6]
            paths = [word for word in words[1:] if word.startswith("/")]
            if len(ports) + len(paths) + 1 != len(words) or len(ports) not in (0, 2) or len(paths) > 1:
                raise forms.ValidationError(
                    f"Line {number}: write host, or host http-port https-port, then perhaps /path."
                )
            http, https = (int(port) for port in ports) if ports else (80, 443)
            path = paths[0] if paths else ""
            rows.append({"host": words[0], "http_port": http, "https_port": https, "context": path})
        return rows


def _line(row: dict[str, Any]) -> str:
    return f"{row['host']} {row['http_port']} {row['https_port']} {row['context']}".rstrip()
