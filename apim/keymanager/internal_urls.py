"""Addresses for the platform's own processes, below /internal/keymanager/v1/."""

from __future__ import annotations

from django.urls import path

from apim.keymanager.views import internal

urlpatterns = [path("people", internal.people, name="people")]
