"""Addresses below /workflows/: where asked services call back."""

from __future__ import annotations

from django.urls import path

from apim.workflows.api.views import Callback

urlpatterns = [path("callback/<uuid:reference>", Callback.as_view(), name="callback")]
