"""/policies/mediation: the sequences of older clients, as common policies of one flow."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, choice, identifier, page, text
from apim.errors import NotFound
from publisher.actions.mediation import FLOWS, add_sequence, change_sequence, sequence_of
from publisher.actions.policies import delete_policy
from publisher.models import OperationPolicy

SEE, MANAGE = ("apim:admin", "apim:mediation_policy_view"), ("apim:admin", "apim:mediation_policy_create")
_TYPES = {flow: kind for kind, flow in FLOWS.items()}
CATEGORY = "Mediation"


class Sequences(Resource):
    """GET and POST."""

    see, manage = SEE, MANAGE

    def get(self, request: Request) -> Response:
        """The organisation's common policies that are one sequence; `query` is part of a name."""
        rows = _sequences(request)
        name = self.word("query").removeprefix("name:").strip()
        return page(request, rows.filter(name__icontains=name) if name else rows, _info, "/policies/mediation")

    def post(self, request: Request) -> Response:
        """Add one. The contract answers 200."""
        return Response(_shown(add_sequence(by=request.user, **_given(self.body()))))


class OneSequence(Resource):
    """GET, PUT and DELETE."""

    see, manage = SEE, MANAGE

    def get(self, request: Request, policy_id: str) -> Response:
        """The sequence."""
        return Response(_shown(self.policy(policy_id)))

    def put(self, request: Request, policy_id: str) -> Response:
        """Change it, unless APIs use it."""
        return Response(_shown(change_sequence(by=request.user, policy=self.policy(policy_id), **_given(self.body()))))

    def delete(self, request: Request, policy_id: str) -> Response:
        """Delete it, unless APIs use it."""
        delete_policy(by=request.user, policy=self.policy(policy_id))
        return Response(status=200)

    def policy(self, policy_id: str) -> OperationPolicy:
        """The sequence of that id. Raises NotFound."""
        found = _sequences(self.request).filter(pk=identifier(policy_id, "mediation policy")).first()
        if found is None:
            raise NotFound(f"There is no mediation policy {policy_id[:100]!r}.")
        return found


def _sequences(request: Request) -> Any:
    rows = OperationPolicy.objects.filter(organisation=request.user.organisation, api=None, shipped=False)
    made_here = {"specification__category": CATEGORY, "specification__policyAttributes": []}
    return rows.exclude(definition="").filter(**made_here).select_related("organisation")


def _given(body: dict[str, Any]) -> dict[str, str]:
    flow = choice(body, "type", list(FLOWS))
    return {"name": text(body, "name"), "flow": flow, "config": text(body, "config")}


def _info(policy: OperationPolicy) -> dict[str, str]:
    return {"id": str(policy.pk), "name": policy.name, "type": _type(policy).lower()}


def _shown(policy: OperationPolicy) -> dict[str, str]:
    return {"id": str(policy.pk), "name": policy.name, "type": _type(policy), "config": sequence_of(policy)}


def _type(policy: OperationPolicy) -> str:
    return _TYPES[policy.specification["applicableFlows"][0]]
