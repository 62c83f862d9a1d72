"""Small helpers of every page: icons, badges, times, and the navigation that the apps registered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from apim.ui import nav
from apim.ui.icons import ICONS
from apim.ui.themes import Look, look_of

register = template.Library()

_STATES = {
    "CREATED": ("mute", "Created"),
    "PROTOTYPED": ("info", "Pre-released"),
    "PUBLISHED": ("ok", "Published"),
    "BLOCKED": ("bad", "Blocked"),
    "DEPRECATED": ("warn", "Deprecated"),
    "RETIRED": ("mute", "Retired"),
    "UNBLOCKED": ("ok", "Active"),
    "PROD_ONLY_BLOCKED": ("warn", "Production blocked"),
    "ON_HOLD": ("warn", "On hold"),
    "REJECTED": ("bad", "Rejected"),
    "TIER_UPDATE_PENDING": ("info", "Plan change pending"),
    "DELETE_PENDING": ("warn", "Deletion pending"),
    "APPROVED": ("ok", "Approved"),
    "TRUE": ("ok", "Yes"),
    "FALSE": ("mute", "No"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """The icon `name` of `apim.ui.icons`; with `label` it is announced, without it is decoration.

    Raises TemplateSyntaxError for a name that does not exist.
    """
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"icon {name!r} does not exist; there are {', '.join(ICONS)}")
    path = mark_safe(ICONS[name])  # noqa: S308 - our own constants
    drawing = '<svg class="icon icon-{}" viewBox="0 0 24 24" {}><path d="{}"/></svg>'
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(drawing, name, spoken, path)


@register.filter
def state_badge(state: object, label: str = "") -> SafeString:
    """A badge for a state of an API or a subscription, or for yes and no; unknown states are shown as they are."""
    kind, usual = _STATES.get(str(state).upper(), ("mute", str(state).replace("_", " ").capitalize()))
    return format_html('<span class="badge badge-{}">{}</span>', kind, label or usual)


@register.filter
def verb_badge(verb: str) -> SafeString:
    """An HTTP method in its colour."""
    known = verb.lower() if verb.lower() in ("get", "post", "put", "patch", "delete", "head", "options") else "other"
    return format_html('<span class="verb verb-{}">{}</span>', known, verb.upper())


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago `moment` was, with the exact time as a tooltip; a dash for None."""
    if moment is None:
        return "–"
    seconds = (timezone.now() - moment).total_seconds()
    words = "just now" if seconds < 60 else f"{timesince(moment, depth=1)} ago"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S} UTC", words
    )


@register.filter
def initials(name: str) -> str:
    """One or two letters for a person's or a thing's avatar."""
    words = [
        word for word in str(name).split("@")[0].replace(".", " ").replace("-", " ").replace("_", " ").split() if word
    ]
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def hue(name: object) -> int:
    """A number from 0 to 5 that is always the same for `name`: picks an avatar's colour (`hue-N`)."""
    return sum(str(name).encode()) % 6


def _request(context: template.Context) -> Any:
    return context.get("request")


def _user(context: template.Context) -> Any:
    return getattr(_request(context), "user", None) or AnonymousUser()


@register.simple_tag(takes_context=True)
def main_nav(context: template.Context) -> list[nav.Link]:
    """The sections this user may enter."""
    request = _request(context)
    return nav.sections(_user(context), request.path_info if request else "")


@register.simple_tag(takes_context=True)
def section_nav(context: template.Context) -> list[nav.Link]:
    """The links inside the section we are in."""
    request = _request(context)
    if request is None:
        return []
    return nav.links(nav.section_of(request.path_info), _user(context), request.path)


@register.inclusion_tag("ui/tabs.html", takes_context=True)
def tabs(context: template.Context, bar: str, *args: Any, label: str = "Sections") -> dict[str, Any]:
    """The tab bar `bar` (`publisher.api`), its addresses filled with `args`."""
    request = _request(context)
    found = nav.links(bar, _user(context), request.path if request else "", *args)
    links, members = nav.grouped(found)
    return {"links": links, "members": members, "label": label}


@register.simple_tag(takes_context=True)
def tab_title(context: template.Context, bar: str, *args: Any) -> str:
    """The label of the tab of `bar` that is open, so that windows and history tell an object's pages apart; or ""."""
    request = _request(context)
    found = nav.links(bar, _user(context), request.path if request else "", *args)
    return next((link.label for link in found if link.current), "")


@register.simple_tag(takes_context=True)
def current_organisation(context: template.Context) -> Any:
    """The organisation whose pages these are, or None."""
    return getattr(_request(context), "organisation", None)


@register.simple_tag(takes_context=True)
def portal_theme(context: template.Context) -> Look | None:
    """How the developer portal of these pages' organisation looks; None elsewhere and for the usual look."""
    request = _request(context)
    if request is None or nav.section_of(request.path_info) != "devportal":
        return None
    return look_of(getattr(request, "organisation", None))


@register.filter
def widget_kind(field: Any) -> str:
    """How a form field is laid out: `check` (box beside its label), `group` (several boxes) or `line`."""
    widget = field.field.widget
    if getattr(widget, "input_type", "") == "checkbox" and not hasattr(widget, "choices"):
        return "check"
    return "group" if field.use_fieldset else "line"


@register.filter
def message_kind(tags: str) -> str:
    """The toast colour for a Django message's tags."""
    kinds = {"success": "ok", "error": "bad", "warning": "warn"}
    return next((kinds[tag] for tag in tags.split() if tag in kinds), "info")
