"""Shared scopes, roles, tenants, categories, key managers, linter rules."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from publisher.actions.scopes import create_scope
from publisher.models import ApiCategory, SharedScope
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

BODY = {"name": "pizza:read", "displayName": "Read", "description": "See pizzas", "bindings": ["Internal/creator"]}


def scope(w: World, used: bool = False) -> SharedScope:
    made = create_scope(by=w.user, name="pizza:read", display_name="Read", roles=["Internal/creator"])
    if used:
        w.api(operations=[{"verb": "GET", "target": "/pizzas", "scopes": ["pizza:read"]}])
    return made


@case("publisher", "getSharedScopes")
def list_scopes(w: World) -> Answer:
    scope(w, used=True)
    return w.publisher.get("/scopes")


@case("publisher", "addSharedScope")
def add_scope(w: World) -> Answer:
    return w.publisher.post("/scopes", BODY)


@case("publisher", "getSharedScope")
def one_scope(w: World) -> Answer:
    return w.publisher.get(f"/scopes/{scope(w).pk}")


@case("publisher", "updateSharedScope")
def change_scope(w: World) -> Answer:
    return w.publisher.put(f"/scopes/{scope(w).pk}", BODY | {"description": "Changed", "bindings": []})


@case("publisher", "deleteSharedScope")
def delete_scope(w: World) -> Answer:
    return w.publisher.delete(f"/scopes/{scope(w).pk}")


@case("publisher", "validateScope")
def scope_exists(w: World) -> Answer:
    scope(w)
    return w.publisher.head(f"/scopes/{encoded('pizza:read')}")


@case("publisher", "getSharedScopeUsages")
def scope_usage(w: World) -> Answer:
    return w.publisher.get(f"/scopes/{scope(w, used=True).pk}/usage")


@case("publisher", "validateSystemRole")
def role_exists(w: World) -> Answer:
    return w.publisher.head(f"/roles/{encoded('Internal/creator')}")


@case("publisher", "validateUserRole")
def own_role(w: World) -> Answer:
    return w.publisher.head(f"/me/roles/{encoded('admin')}")


@case("publisher", "getTenantsByState")
def tenants(w: World) -> Answer:
    return w.publisher.get("/tenants?state=active")


@case("publisher", "getTenantExistence")
def tenant_exists(w: World) -> Answer:
    return w.publisher.head(f"/tenants/{w.organisation.domain}")


@case("publisher", "getAllAPICategories")
def categories(w: World) -> Answer:
    ApiCategory.objects.create(organisation=w.organisation, name="Food")
    return w.publisher.get("/api-categories")


@case("publisher", "getAllKeyManagers")
def key_managers(w: World) -> Answer:
    return w.publisher.get("/key-managers")


@case("publisher", "getLinterCustomRules")
def linter_rules(w: World) -> Answer:
    return w.publisher.get("/linter-custom-rules")


def encoded(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode().rstrip("=")
