"""Admin: tenant configuration, theme, scopes of roles, alerts, bots, tenants, settings."""

from __future__ import annotations

import time
from typing import Any

from apim.configuration import bots, theme_archive
from apim.configuration.models import BotSighting
from apim.configuration.theme import check
from gateway.schema import Stranger
from tests.contracts.harness import case
from tests.contracts.world import World

THEME = {"title": "Acme", "logo": "logo.svg", "light": {"accent": "#7a1f5c"}, "dark": {"accent": "#f0a0d8"}}
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def archive() -> dict[str, tuple[str, bytes, str]]:
    """A theme as an upload."""
    return {"file": ("theme.zip", theme_archive.write(check(THEME), LOGO, "image/svg+xml"), "application/zip")}


@case("admin", "exportTenantConfig")
def configuration(w: World) -> Any:
    return w.admin.get("/tenant-config")


@case("admin", "updateTenantConfig")
def change_configuration(w: World) -> Any:
    content = w.admin.get("/tenant-config").json() | {"DefaultApplicationLevelTier": "10PerMin", "Ours": {"kept": True}}
    return w.admin.put("/tenant-config", content)


@case("admin", "exportTenantConfigSchema")
def configuration_schema(w: World) -> Any:
    return w.admin.get("/tenant-config-schema")


@case("admin", "exportTenantTheme")
def theme(w: World) -> Any:
    w.admin.put("/tenant-theme", files=archive())
    return w.admin.get("/tenant-theme")


@case("admin", "importTenantTheme")
def put_theme_on(w: World) -> Any:
    return w.admin.put("/tenant-theme", files=archive())


@case("admin", "systemScopesGet")
def system_scopes(w: World) -> Any:
    return w.admin.get("/system-scopes")


@case("admin", "systemScopesScopeNameGet")
def system_scope(w: World) -> Any:
    return w.admin.get("/system-scopes/apim:api_publish?username=admin")


@case("admin", "updateRolesForScope")
def change_system_scopes(w: World) -> Any:
    return w.admin.put("/system-scopes", w.admin.get("/system-scopes").json())


@case("admin", "GET /system-scopes/role-aliases")
def role_aliases(w: World) -> Any:
    w.admin.put("/system-scopes/role-aliases", {"list": [{"role": "Internal/creator", "aliases": ["Internal/devops"]}]})
    return w.admin.get("/system-scopes/role-aliases")


@case("admin", "PUT /system-scopes/role-aliases")
def change_role_aliases(w: World) -> Any:
    body = {"count": 1, "list": [{"role": "Internal/creator", "aliases": ["Internal/devops"]}]}
    return w.admin.put("/system-scopes/role-aliases", body)


@case("admin", "getAdminAlertTypes")
def alert_types(w: World) -> Any:
    return w.admin.get("/alert-types")


@case("admin", "getSubscribedAlertTypes")
def alert_subscriptions(w: World) -> Any:
    subscribe(w)
    return w.admin.get("/alert-subscriptions")


@case("admin", "subscribeToAlerts")
def subscribe(w: World) -> Any:
    body = {"alerts": [{"id": "2", "name": "GatewayRefusal"}], "emailList": ["ops@example.org"]}
    return w.admin.put("/alert-subscriptions", body)


@case("admin", "unsubscribeAllAlerts")
def unsubscribe(w: World) -> Any:
    subscribe(w)
    return w.admin.delete("/alert-subscriptions")


@case("admin", "getBotDetectionAlertSubscriptions")
def bot_subscriptions(w: World) -> Any:
    subscribe_to_bots(w)
    return w.admin.get("/alert-subscriptions/bot-detection")


@case("admin", "subscribeForBotDetectionAlerts")
def subscribe_to_bots(w: World) -> Any:
    return w.admin.post("/alert-subscriptions/bot-detection", {"email": "security@example.org"})


@case("admin", "unsubscribeFromBotDetectionAlerts")
def unsubscribe_from_bots(w: World) -> Any:
    return w.admin.delete(f"/alert-subscriptions/bot-detection/{subscribe_to_bots(w).json()['uuid']}")


@case("admin", "getBotDetectionData")
def bot_data(w: World) -> Any:
    bots.note("gateway:1", [Stranger("203.0.113.9", time.time(), "GET", "/wp-login.php", "id-1", "host=localhost", 17)])
    assert BotSighting.objects.count() == 1
    return w.admin.get("/bot-detection-data")


@case("admin", "getTenantInfoByUsername")
def tenant_info(w: World) -> Any:
    return w.admin.get("/tenant-info/admin@carbon.super")


@case("admin", "getCustomUrlInfoByTenantDomain")
def custom_urls(w: World) -> Any:
    return w.admin.get("/custom-urls/carbon.super")


@case("admin", "GET /settings")
def settings(w: World) -> Any:
    return w.admin.get("/settings")
