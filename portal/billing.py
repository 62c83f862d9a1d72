"""What a monetized subscription costs, from the price its plan has."""

from __future__ import annotations

from typing import Any

from apim.errors import NotFound
from apim.traffic.models import BillingPlan, Level, Policy
from portal.models import Subscription


def usage(row: Subscription) -> dict[str, Any]:
    """Plan, price and billing cycle of a subscription. Raises NotFound when the API or the plan costs nothing."""
    plans = Policy.objects.filter(organisation=row.api.organisation_id, level=Level.SUBSCRIPTION, name=row.plan)
    plan = plans.first()
    if not row.api.monetization.get("enabled") or plan is None or plan.billing_plan != BillingPlan.COMMERCIAL:
        raise NotFound("This subscription costs nothing.")
    terms = plan.monetization or {}
    return {
        "plan": plan.name,
        "billingType": terms.get("monetizationPlan") or "FIXEDRATE",
        "status": row.state,
        "subscribedSince": row.created.isoformat(timespec="seconds"),
        **{name: value for name, value in (terms.get("properties") or {}).items() if value not in (None, "")},
    }


def attributes(plan: Policy) -> dict[str, str]:
    """The price of a plan as the contract's MonetizationInfo; empty for a plan without one."""
    terms = plan.monetization or {}
    if not terms:
        return {}
    dynamic = terms.get("monetizationPlan") == "DYNAMICRATE"
    named = ("billingCycle", "fixedPrice", "pricePerRequest", "currencyType")
    found = {name: str(terms["properties"][name]) for name in named if (terms.get("properties") or {}).get(name)}
    return {"billingType": "dynamicRate" if dynamic else "fixedPrice", **found}
