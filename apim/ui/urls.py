"""Addresses of the pages of this app."""

from __future__ import annotations

app_name = "ui"
urlpatterns: list = []
