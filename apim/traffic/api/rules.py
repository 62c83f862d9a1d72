"""/throttling/policies/custom: custom rules, for administrators of the platform."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from apim.traffic.actions.rules import create_rule, delete_rule, require_platform, update_rule
from apim.traffic.api import shapes
from apim.traffic.api.base import Resource, identifier, listing, named, text
from apim.traffic.api.limits import renamed
from apim.traffic.models import CustomRule


class PlatformResource(Resource):
    """Others get 403, whatever they ask."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises Forbidden."""
        super().initial(request, *args, **kwargs)
        require_platform(request.user)


class Rules(PlatformResource):
    """GET and POST."""

    def get(self, request: Request) -> Response:
        """All of them."""
        return listing(CustomRule.objects.all(), shapes.rule)

    def post(self, request: Request) -> Response:
        """Add one; 201 with its address."""
        body = self.body()
        with named(renamed):
            made = create_rule(by=request.user, name=text(body, "policyName"), **shapes.rule_fields(body))
        return Response(shapes.rule(made), 201, headers={"Location": f"/throttling/policies/custom/{made.pk}"})


class OneRule(PlatformResource):
    """GET, PUT and DELETE of one rule."""

    def get(self, request: Request, rule_id: str) -> Response:
        """The rule."""
        return Response(shapes.rule(self.rule(rule_id)))

    def put(self, request: Request, rule_id: str) -> Response:
        """Change it; its name stays."""
        found, body = self.rule(rule_id), self.body()
        with named(renamed):
            return Response(shapes.rule(update_rule(by=request.user, rule=found, **shapes.rule_fields(body))))

    def delete(self, request: Request, rule_id: str) -> Response:
        """Remove it."""
        delete_rule(by=request.user, rule=self.rule(rule_id))
        return Response(status=200)

    def rule(self, rule_id: str) -> CustomRule:
        """The rule of that id. Raises NotFound."""
        found = CustomRule.objects.filter(pk=identifier(rule_id, "custom rule")).first()
        if found is None:
            raise NotFound(f"There is no custom rule {rule_id!r}.")
        return found
