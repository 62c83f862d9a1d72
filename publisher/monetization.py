"""What monetized APIs earn: the interface of billing providers, and the one that is here, which reports and never charges."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Protocol

from apim.traffic.models import BillingPlan, Policy
from publisher import hooks
from publisher.models import Api


class Provider(Protocol):
    """A billing engine. `bills_usage` of `publisher.hooks` gives it the usage besides."""

    def enable(self, api: Api, plans: Mapping[str, Policy], properties: Mapping[str, str]) -> None:
        """Take note that `plans` (by name) of `api` cost money. Raises Invalid for properties it needs and does not get."""

    def disable(self, api: Api) -> None:
        """Take note that `api` costs nothing from now on."""

    def plan_ids(self, api: Api) -> dict[str, str]:
        """Its own identifier of each commercial plan of `api`."""

    def revenue(self, api: Api) -> dict[str, str]:
        """What `api` earns, as names and values for people."""


class Report:
    """Prices times subscriptions, worked out here; nobody is charged. It asks for no properties."""

    def enable(self, api: Api, plans: Mapping[str, Policy], properties: Mapping[str, str]) -> None:
        """Nothing to do."""

    def disable(self, api: Api) -> None:
        """Nothing to do."""

    def plan_ids(self, api: Api) -> dict[str, str]:
        """The ids of the policies."""
        return {name: str(plan.pk) for name, plan in commercial_plans(api).items()}

    def revenue(self, api: Api) -> dict[str, str]:
        """Of each commercial plan: subscriptions, price, and their product where the price is fixed; sums by currency."""
        counts, found, sums = hooks.plan_counts(api), {}, dict[str, Decimal]()
        for name, plan in commercial_plans(api).items():
            count, terms = counts.get(name, 0), (plan.monetization or {}).get("properties") or {}
            currency, price = str(terms.get("currencyType") or ""), _amount(terms.get("fixedPrice"))
            cycle = terms.get("billingCycle") or "month"
            found[f"{name}.subscriptions"] = str(count)
            if terms.get("pricePerRequest"):
                found[f"{name}.pricePerRequest"] = f"{terms['pricePerRequest']} {currency}".strip()
            if price is not None:
                found[f"{name}.revenue"] = f"{price * count} {currency} per {cycle}".replace("  ", " ")
                key = f"{currency} per {cycle}".strip()
                sums[key] = sums.get(key, Decimal(0)) + price * count
        return found | {f"total {key}": str(total) for key, total in sums.items()}


def commercial_plans(api: Api) -> dict[str, Policy]:
    """The plans of `api` that cost money, by name."""
    return {plan.name: plan for plan in api.plans.filter(billing_plan=BillingPlan.COMMERCIAL).order_by("name")}


_current: list[Provider] = [Report()]


def provider() -> Provider:
    """The billing engine in use."""
    return _current[-1]


def use(engine: Provider) -> None:
    """Put `engine` in the place of the report (in `AppConfig.ready` of the app that brings it)."""
    if engine not in _current:
        _current.append(engine)


def _amount(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None
