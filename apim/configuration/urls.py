"""Addresses of a theme's files, below /devportal/theme/."""

from __future__ import annotations

from django.urls import path

from apim.configuration import views

app_name = "configuration"
urlpatterns = [
    path("style.css", views.style, name="style"),
    path("logo", views.logo, name="logo"),
]
