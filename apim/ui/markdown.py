"""Markdown that somebody wrote, as HTML that can do nothing: CommonMark with tables, no raw HTML, then an allow-list."""

from __future__ import annotations

from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LONGEST = 300_000
"""Characters that are rendered; longer texts are shown as they are."""

_TAGS = """a abbr b blockquote br code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s strong sub sup
table tbody td th thead tr ul"""
TAGS = set(_TAGS.split())
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "code": {"class"}}
_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render(text: str) -> SafeString:
    """`text` as HTML to put into a page. Links lead away without telling where from; scripts, styles and forms never get in."""
    import nh3  # noqa: PLC0415 - 1.5 MB that only processes with pages of text need

    if len(text) > LONGEST:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 - escaped by Django
    clean = nh3.clean(
        _markdown.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - cleaned by nh3 with the allow-list above
