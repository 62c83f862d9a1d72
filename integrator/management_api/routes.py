"""Which function answers which path and method of the management API, and who may call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from integrator.management_api import (
    applications,
    observing,
    operations,
    people,
    registry,
    resources,
    switching,
    traces,
)
from integrator.management_api.answers import Call, Raw, Refusal

Handler = Callable[[Call], Awaitable[dict[str, Any] | Raw]]


def shown(name: str) -> Handler:
    """GET of a resource that only shows what is deployed."""
    handler = resources.RESOURCES[name]

    async def show(call: Call) -> dict[str, Any]:
        found = await handler(call.management.view(), call.query)
        if found is None:
            asked = next((value for key, value in call.query.items() if key != "type"), "")
            raise Refusal(404, f"Specified {name} entry {asked[:200]!r} not found")
        return found

    return show


POSTS: dict[str, Handler] = {
    "apis": switching.apis,
    "sequences": switching.sequences,
    "endpoints": switching.endpoints,
    "proxy-services": switching.proxies,
    "inbound-endpoints": switching.inbounds,
    "tasks": switching.tasks,
    "message-processors": switching.processors,
    "templates": switching.templates,
}
ROUTES: dict[str, dict[str, Handler]] = {
    name: {"GET": shown(name), **({"POST": POSTS[name]} if name in POSTS else {})} for name in resources.RESOURCES
}
ROUTES |= {
    "applications": {"GET": applications.get, "POST": applications.add},
    "applications/*": {"DELETE": applications.remove},
    "users": {"GET": people.users, "POST": people.add_user},
    "users/*": {"GET": people.user, "PATCH": people.change_password, "DELETE": people.remove_user},
    "roles": {"GET": people.roles, "POST": people.add_role, "PUT": people.assign_roles},
    "roles/*": {"GET": people.role, "DELETE": people.remove_role},
    "server": {"GET": shown("server"), "PATCH": operations.control},
    "connectors": {"GET": shown("connectors"), "POST": operations.connector},
    "external-vaults/*": {"POST": operations.external_vault},
    "logging": {"GET": observing.loggers, "PATCH": observing.set_level},
    "logs": {"GET": observing.logs},
    "configs": {"GET": observing.config, "PUT": observing.set_config},
    "transactions/count": {"GET": observing.transactions_count},
    "transactions/report": {"GET": observing.transactions_report},
    "statistics": {"GET": observing.statistics},
    "traces": {"GET": traces.traces, "DELETE": traces.clear},
    "traces/*": {"GET": traces.show, "DELETE": traces.forget},
    "traces/rules": {"GET": traces.rules, "POST": traces.add_rule},
    "traces/try": {"POST": traces.attempt},
    "registry-resources": {"GET": registry.folder},
    "registry-resources/content": {
        "GET": registry.content,
        "POST": registry.add,
        "PUT": registry.change,
        "DELETE": registry.remove,
    },
    "registry-resources/metadata": {"GET": registry.metadata},
    "registry-resources/properties": {
        "GET": registry.properties,
        "POST": registry.set_properties,
        "DELETE": registry.remove_property,
    },
}
"""Path below /management (`/*`: with a name behind it) → method → function."""

ADMINS_ONLY = frozenset({"users", "roles", "roles/*", "traces", "traces/*", "traces/rules", "traces/try"})
"""Resources of administrators in every method. `users/*` judges for itself: everybody may see himself."""
ADMINS_WRITE = frozenset(
    {
        *("logging", "server", "configs", "external-vaults/*", "applications", "applications/*", "connectors"),
        *("registry-resources/content", "registry-resources/properties"),
    }
)
"""Resources that everybody reads and administrators change. Switches of artifacts are everybody's, as in the original."""


def find(path: str) -> tuple[str, str]:
    """(route, rest) of a path; the route is empty when there is none."""
    if path in ROUTES:
        return path, ""
    head, slash, rest = path.partition("/")
    return (f"{head}/*", rest) if slash and rest and f"{head}/*" in ROUTES else ("", "")


def allowed(route: str, method: str, admin: bool) -> bool:
    """Whether somebody may call it."""
    return admin or not (route in ADMINS_ONLY or (route in ADMINS_WRITE and method != "GET"))
