"""Template filters of the portal's pages."""

from __future__ import annotations

from django import template

from portal import wording
from portal.queries import plans
from publisher.models import Api

register = template.Library()
register.filter("plan_text", wording.plan_text)
register.filter("plans", plans)


@register.filter
def plan_names(api: Api) -> list[str]:
    """Names of the plans on offer."""
    return [plan.name for plan in plans(api)]


@register.filter
def auth_text(auth: str) -> str:
    """What an operation asks for, in words."""
    return wording.AUTH.get(auth, auth)
