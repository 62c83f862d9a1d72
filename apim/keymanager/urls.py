"""Addresses of the pages of this app."""

from __future__ import annotations

app_name = "keymanager"
urlpatterns: list = []
