"""Addresses below /oauth2/."""

from __future__ import annotations

from django.urls import path

from apim.keymanager.views import authorize, consents, device, metadata, register, token

app_name = "keymanager"
urlpatterns = [
    path("token", token.TokenView.as_view(), name="token"),
    path("revoke", token.RevokeView.as_view(), name="revoke"),
    path("introspect", token.IntrospectView.as_view(), name="introspect"),
    path("authorize", authorize.AuthorizationView.as_view(), name="authorize"),
    path("device_authorize", device.DeviceAuthorizationView.as_view(), name="device_authorize"),
    path("device", device.page, name="device"),
    path("consents/", consents.consents, name="consents"),
    path("consents/<uuid:client>/take-back", consents.take_back, name="take_back"),
    path("register", register.RegisterView.as_view(), name="register"),
    path("register/<str:client_id>", register.ClientConfigurationView.as_view(), name="register_client"),
    path("userinfo", metadata.userinfo, name="userinfo"),
    path("jwks", metadata.keys, name="jwks"),
    path("token/.well-known/openid-configuration", metadata.discovery, name="discovery"),
]
