"""Content negotiation of resources whose body is no JSON."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class Whatever(DefaultContentNegotiation):
    """Whoever asks for XML, YAML or an archive gets it, and mistakes as JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """The first one."""
        return renderers[0], renderers[0].media_type
