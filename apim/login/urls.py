"""Addresses of the steps of log-in, of one's own second factor, and of external log-in."""

from __future__ import annotations

from django.urls import path

from apim.login.views import external, own, saml, steps

app_name = "login"
urlpatterns = [
    path("second-factor/", own.own, name="own"),
    path("login/code/", steps.challenge, name="challenge"),
    path("login/second-factor/", steps.enrol, name="enrol"),
    path("login/on/", steps.on, name="on"),
    path("login/password/", steps.renew, name="renew"),
    path("login/external/<uuid:provider>/", external.start, name="external"),
    path("login/external/<uuid:provider>/back/", external.back, name="external_back"),
    path("login/saml/<uuid:provider>/", saml.start, name="saml"),
    path("login/saml/<uuid:provider>/metadata/", saml.metadata, name="saml_metadata"),
    path("login/saml/<uuid:provider>/acs/", saml.consume, name="saml_acs"),
    path("login/saml/<uuid:provider>/done/", saml.finish, name="saml_finish"),
]
