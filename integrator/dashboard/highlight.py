"""XML as lines of coloured words: marked up here, coloured by the style sheet alone."""

from __future__ import annotations

import re

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lxml import etree

LONGEST = 400_000
"""Characters of a source that are shown."""
LONG_LINE = 160
_TOKENS = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))|(?P<data><!\[CDATA\[.*?(?:\]\]>|\Z))|(?P<tag></?[\w:.-]+|/?>|<\?|\?>)"
    r"|(?P<name>[\w:.-]+(?=\s*=\s*[\"']))|(?P<value>\"[^\"<]*\"|'[^'<]*')",
    re.DOTALL,
)


def source(text: str) -> SafeString:
    """The text as numbered lines with marked words; one long line is broken into a tree first."""
    shown = readable(text)[:LONGEST]
    lines = _marked(shown).split("\n")
    return format_html_join("", '<span class="apim-line">{}\n</span>', ((mark_safe(line),) for line in lines))  # noqa: S308  (each word was escaped)


def readable(text: str) -> str:
    """The text, indented when it came without line breaks."""
    if max((len(line) for line in text.splitlines()), default=0) <= LONG_LINE:
        return text.strip("\n")
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return text.strip("\n")
    etree.indent(root)
    return str(etree.tostring(root, encoding="unicode"))


def _marked(text: str) -> str:
    parts, place, inside = [], 0, False
    for found in _TOKENS.finditer(text):
        kind = found.lastgroup or ""
        if kind in ("name", "value") and not inside:
            continue
        parts.append(conditional_escape(text[place : found.start()]))
        # A mark must not span lines: each line is an element of its own.
        parts += ["\n".join(format_html('<i class="x-{}">{}</i>', kind, line) for line in found[0].split("\n"))]
        place = found.end()
        if kind == "tag":
            inside = not found[0].endswith(">")
    parts.append(conditional_escape(text[place:]))
    return "".join(parts)
