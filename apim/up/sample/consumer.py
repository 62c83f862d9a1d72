"""The sample's consumer: the developer's application with its subscriptions and keys."""

from __future__ import annotations

from collections.abc import Iterable

from apim.accounts.models import User
from portal.actions.applications import create_application
from portal.actions.keys import generate_keys, regenerate_secret
from portal.actions.subscriptions import subscribe
from portal.models import Application, KeyType, Subscription
from publisher.models import Api

APPLICATION = "DemoApp"
PLAN = "Unlimited"
GRANTS = ("client_credentials",)


def ensure_consumer(developer: User, apis: Iterable[Api]) -> tuple[Application, str, str]:
    """The application, its consumer key, and a fresh consumer secret (older ones are not kept anywhere)."""
    application = Application.objects.filter(owner=developer, name=APPLICATION).first()
    if application is None:
        application = create_application(by=developer, name=APPLICATION, description="Calls the sample APIs.")
    for api in apis:
        if not Subscription.objects.filter(application=application, api=api).exists():
            subscribe(by=developer, application=application, api=api, plan=PLAN)
    key = application.keys.filter(key_type=KeyType.PRODUCTION).first()
    if key is None:
        key, secret = generate_keys(
            by=developer, application=application, key_type=KeyType.PRODUCTION, grant_types=GRANTS
        )
    else:
        secret = regenerate_secret(by=developer, key=key)
    return application, key.consumer_key, secret
