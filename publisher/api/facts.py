"""What else one can ask about an API: paths, plans, AWS functions, properties per environment, its security audit."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from publisher import auditing, lambdas, queries
from publisher.actions.definitions import definition_text
from publisher.actions.environment_properties import set_properties
from publisher.api.base import Resource, body_of, tagged
from publisher.api.settings import plan_out
from publisher.models import Api, GatewayEnvironment, Operation


class ResourcePaths(Resource):
    """GET /apis/{apiId}/resource-paths."""

    def get(self, request: Request, api_id: str) -> Response:
        """The operations: number, path and verb."""
        return self.page(self.api(api_id).operations.all(), _path)


class SubscriptionPolicies(Resource):
    """GET /apis/{apiId}/subscription-policies."""

    def get(self, request: Request, api_id: str) -> Response:
        """The business plans the API offers; with `requestedTenant` another organisation's, none."""
        api = self.api(api_id)
        tenant = self.word("requestedTenant")
        offered = api.plans.order_by("name") if tenant in ("", api.organisation.domain) else api.plans.none()
        return tagged(request, [plan_out(plan) for plan in offered])


class AmazonResourceNames(Resource):
    """GET /apis/{apiId}/amznResourceNames."""

    def get(self, request: Request, api_id: str) -> Response:
        """The functions that the stored credentials can call; `error` with a reason when AWS does not tell."""
        api = self.api(api_id)
        try:
            found = lambdas.names(api)
        except lambdas.Unavailable as error:
            return Response({"error": True, "message": str(error), "count": 0, "list": []})
        return tagged(request, {"count": len(found), "list": found})


class EnvironmentProperties(Resource):
    """GET and PUT /apis/{apiId}/environments/{envId}/keys."""

    def get(self, request: Request, api_id: str, environment_id: str) -> Response:
        """The properties of the API in one environment."""
        api = self.api(api_id)
        environment = _environment(api, environment_id)
        return tagged(request, api.environment_properties.get(str(environment.pk), {}))

    def put(self, request: Request, api_id: str, environment_id: str) -> Response:
        """Replace them."""
        api = self.api(api_id)
        environment, values = _environment(api, environment_id), body_of(request)
        set_properties(by=request.user, api=api, environment=environment, values=values, expected=self.if_match())
        return self.get(request, api_id, environment_id)


class SecurityAudit(Resource):
    """GET /apis/{apiId}/auditapi."""

    def get(self, request: Request, api_id: str) -> Response:
        """The audit of its definition, worked out here."""
        api = self.api(api_id)
        found = auditing.audit(definition_text(api))
        findings = [
            {"rule": one.rule, "severity": one.severity, "pointer": one.place, "message": one.message}
            for one in found.findings
        ]
        report = {"grade": found.grade, "numErrors": found.errors, "findings": findings}
        return tagged(
            request,
            {
                "report": json.dumps(report),
                "grade": f"{found.grade:g}",
                "numErrors": found.errors,
                "externalApiId": str(api.pk),
            },
        )


def _path(operation: Operation) -> dict[str, Any]:
    return {"id": operation.pk, "resourcePath": operation.target, "httpVerb": operation.verb}


def _environment(api: Api, identifier: str) -> GatewayEnvironment:
    """An environment of the API's organisation by id or name. Raises NotFound."""
    for row in queries.environments(api.organisation):
        if identifier in (str(row.pk), row.name):
            return row
    raise NotFound(f"There is no gateway environment {identifier[:80]!r}.")
