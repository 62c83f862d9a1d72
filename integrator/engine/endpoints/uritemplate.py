"""RFC 6570 templates of http endpoints (reference 4.1)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message

_EXPRESSION = re.compile(r"\{([+#./;?&]?)([^{}]+)\}")
_RESERVED = "/:?#[]@!$&'()*+,;=%"
_STYLES = {
    "": ("", ",", False, ""),
    "+": ("", ",", False, _RESERVED),
    "#": ("#", ",", False, _RESERVED),
    ".": (".", ".", False, ""),
    "/": ("/", "/", False, ""),
    ";": (";", ";", True, ""),
    "?": ("?", "&", True, ""),
    "&": ("&", "&", True, ""),
}
LEGACY = "legacy-encoding:"


class UriTemplate:
    """A compiled template. Variables are properties that begin with uri.var. or query.param."""

    def __init__(self, text: str):
        """Raises ValueError for a brace that is not closed or an empty name."""
        self.text = text
        self.legacy = text.startswith(LEGACY)
        body = text.removeprefix(LEGACY)
        if body.startswith("{") and not body.startswith(("{+", "{#")):
            body = "{+" + body[1:]
        self._pieces: list[str | tuple[str, list[str]]] = []
        last = 0
        for found in _EXPRESSION.finditer(body):
            self._pieces += [
                body[last : found.start()],
                (found.group(1), [name.strip() for name in found.group(2).split(",")]),
            ]
            last = found.end()
        self._pieces.append(body[last:])
        loose = "".join(piece for piece in self._pieces if isinstance(piece, str))
        if "{" in loose or "}" in loose:
            raise ValueError(f"uri-template {text!r}: a brace is not closed")
        self._fixed = body if len(self._pieces) == 1 else None

    def expand(self, message: Message) -> str:
        """The URL for a message; unset variables expand to nothing."""
        if self._fixed is not None:
            return self._fixed
        properties = message.properties
        parts = []
        for piece in self._pieces:
            parts.append(piece if isinstance(piece, str) else self._expression(*piece, properties))
        return "".join(parts)

    def _expression(self, operator: str, names: list[str], properties: dict[str, object]) -> str:
        first, separator, named, safe = _STYLES[operator]
        values = []
        for name in names:
            bare = name.rstrip("*")
            value = text_of(properties.get(bare)) if bare.startswith(("uri.var.", "query.param.")) else None
            if value is None:
                continue
            encoded = quote(unquote(value), safe=safe or "-._~/" if self.legacy else safe or "-._~")
            values.append(f"{bare}={encoded}" if named else encoded)
        return first + separator.join(values) if values else ""
