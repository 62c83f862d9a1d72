"""Gives each new organisation the gateway environment that this installation runs."""

from __future__ import annotations

from django.conf import settings

from apim.accounts.models import Organisation
from publisher.models import GatewayEnvironment

DEFAULT_ENVIRONMENT = "Default"


def seed_environment(organisation: Organisation) -> None:
    """Make the `Default` environment if it is missing. Idempotent."""
    GatewayEnvironment.objects.get_or_create(
        organisation=organisation,
        name=DEFAULT_ENVIRONMENT,
        defaults={
            "display_name": "Default gateway",
            "description": "The gateways that run beside this control plane.",
            "http_url": settings.APIM.gateway_http,
            "https_url": settings.APIM.gateway,
        },
    )
