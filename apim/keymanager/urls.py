"""Addresses below /oauth2/."""

from __future__ import annotations

from django.urls import path

from apim.keymanager.views import authorize, metadata, token

app_name = "keymanager"
urlpatterns = [
    path("token", token.TokenView.as_view(), name="token"),
    path("revoke", token.RevokeView.as_view(), name="revoke"),
    path("introspect", token.IntrospectView.as_view(), name="introspect"),
    path("authorize", authorize.AuthorizationView.as_view(), name="authorize"),
    path("userinfo", metadata.userinfo, name="userinfo"),
    path("jwks", metadata.keys, name="jwks"),
    path("token/.well-known/openid-configuration", metadata.discovery, name="discovery"),
]
