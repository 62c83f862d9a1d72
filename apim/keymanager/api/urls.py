"""Addresses below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from apim.keymanager.api import key_managers

urlpatterns = [
    path("key-managers", key_managers.KeyManagers.as_view()),
    path("key-managers/discover", key_managers.Discover.as_view()),
    path("key-managers/<str:key_manager_id>", key_managers.OneKeyManager.as_view()),
]
