"""Gives the admin pages of libraries the looks of ours, and takes away those that have no place here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apim.accounts.admin_base import PlatformAdmin


class _TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The list of Celery tasks in our looks."""


class _PeriodicTaskForm(PeriodicTaskForm):
    """Celery beat's form in our looks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = _TaskSelect()


_EXTRA: dict[str, dict[str, Any]] = {"django_celery_beat.PeriodicTask": {"form": _PeriodicTaskForm}}

UNWANTED = ("auth.Group", "django_celery_beat.SolarSchedule", "django_celery_beat.ClockedSchedule")
"""Roles take the place of groups; nothing here is scheduled by the sun."""


def dress(site: AdminSite = admin.site) -> None:
    """Called once when every app has registered its pages."""
    site.index_template, site.index_title = "ui/admin_index.html", "Dashboard"
    for model, shown in list(site._registry.items()):
        foreign = not isinstance(shown, ModelAdmin)
        # Tokens are secrets: what may be known of them is on the key manager's own pages.
        if foreign and (model._meta.label in UNWANTED or model._meta.app_label == "oauth2_provider"):
            site.unregister(model)
        elif foreign:
            site.unregister(model)
            site.register(
                model, type(type(shown).__name__, (type(shown), PlatformAdmin), _EXTRA.get(model._meta.label, {}))
            )
