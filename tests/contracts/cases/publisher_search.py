"""Unified search, settings, rate-limiting policies."""

from __future__ import annotations

from publisher.actions.documents import create_document
from tests.contracts.harness import Answer, case
from tests.contracts.world import World


@case("publisher", "search")
def search(w: World) -> Answer:
    api = w.api(name="Orders")
    create_document(by=w.user, api=api, name="Orders guide", kind="HOWTO", source="INLINE", visibility="API_LEVEL")
    return w.publisher.get("/search?query=orders")


@case("publisher", "getSettings")
def settings(w: World) -> Answer:
    return w.publisher.get("/settings")


@case("publisher", "getAllThrottlingPolicies")
def policies(w: World) -> Answer:
    return w.publisher.get("/throttling-policies/subscription")


@case("publisher", "getSubscriptionThrottlingPolicies")
def streaming_policies(w: World) -> Answer:
    return w.publisher.get("/throttling-policies/streaming/subscription")


@case("publisher", "getThrottlingPolicyByName")
def one_policy(w: World) -> Answer:
    return w.publisher.get("/throttling-policies/api/Unlimited")
