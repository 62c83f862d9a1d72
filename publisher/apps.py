"""Django's entry to this app."""

from django.apps import AppConfig


class PublisherConfig(AppConfig):
    """Names the app, seeds new organisations and fills the tabs of an API."""

    name = "publisher"
    verbose_name = "Publisher"

    def ready(self) -> None:
        """Register what other rooms ask for."""
        # Models cannot be imported before every app is loaded.
        from apim.accounts.hooks import on_switch, seeds_organisation  # noqa: PLC0415
        from apim.eventhub.gateway_calls import knows_gateways  # noqa: PLC0415
        from apim.traffic.hooks import checks_usage, knows_targets  # noqa: PLC0415
        from publisher import decided, navigation, vhosts  # noqa: PLC0415
        from publisher.policies.shipped import seed_policies  # noqa: PLC0415
        from publisher.queries import uses_of_policy  # noqa: PLC0415
        from publisher.records import announce_organisation  # noqa: PLC0415
        from publisher.seeds import seed_environment  # noqa: PLC0415
        from publisher.targets import has_context  # noqa: PLC0415

        seeds_organisation(seed_environment)
        on_switch(announce_organisation)
        seeds_organisation(seed_policies)
        checks_usage(uses_of_policy)
        knows_targets("API", has_context)
        decided.register()
        knows_gateways(vhosts.platform_gateways)
        navigation.register()
