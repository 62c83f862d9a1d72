"""Django's entry to this app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Names the app, and tells the floors below what the portal knows: who uses an API or a policy, further tabs."""

    name = "portal"
    verbose_name = "Developer portal"

    def ready(self) -> None:
        """Register listeners, navigation and the publisher's tab; only now are the models loaded."""
        # Models are loaded by now, not before.
        from apim.eventhub.status import on_key_uses  # noqa: PLC0415
        from apim.keymanager.hooks import explains_clients, provides_scopes, signs_for_long  # noqa: PLC0415
        from apim.traffic.hooks import checks_usage, knows_targets  # noqa: PLC0415
        from portal import decided, listeners, navigation, token_trial  # noqa: PLC0415
        from publisher.hooks import counts_plans, counts_usage, on_state_change  # noqa: PLC0415

        counts_usage(listeners.subscriptions_of)
        counts_plans(listeners.subscriptions_by_plan)
        on_state_change(listeners.follow_state)
        checks_usage(listeners.uses_of_policy)
        knows_targets("APPLICATION", listeners.has_application)
        signs_for_long(listeners.last_api_key)
        explains_clients(token_trial.go_on, token_trial.choices)
        provides_scopes(listeners.scopes_of_client)
        decided.register()
        navigation.register()
        on_key_uses(listeners.note_key_uses)
