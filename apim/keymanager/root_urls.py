"""Addresses of the key manager that standards and clients expect at the root."""

from __future__ import annotations

from django.urls import path

from apim.keymanager.views import metadata
from apim.keymanager.views.logout import LogoutView
from apim.keymanager.views.registration import RegistrationView

urlpatterns = [
    path(".well-known/openid-configuration", metadata.discovery),
    path(".well-known/oauth-authorization-server", metadata.discovery),
    path(".well-known/oauth-authorization-server/oauth2/token", metadata.discovery),
    path("oidc/logout", LogoutView.as_view(), name="oidc_logout"),
    path("client-registration/v0.17/register", RegistrationView.as_view()),
]
