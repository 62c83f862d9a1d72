"""Django's entry to this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.accounts"
    verbose_name = "Accounts"
