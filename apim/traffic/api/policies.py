"""/throttling/policies/{advanced|application|subscription} and the search over all of them."""

from __future__ import annotations

import re

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.queries import sees_every_organisation
from apim.errors import FieldError, Invalid, NotFound
from apim.traffic import queries
from apim.traffic.actions.policies import create_policy, delete_policy, update_policy
from apim.traffic.api import shapes
from apim.traffic.api.base import Resource, identifier, listing, named, text
from apim.traffic.api.limits import renamed
from apim.traffic.models import CustomRule, Level, Policy

LEVELS = {"advanced": Level.API, "application": Level.APPLICATION, "subscription": Level.SUBSCRIPTION}
SHORT = {"api": Level.API, "app": Level.APPLICATION, "sub": Level.SUBSCRIPTION}
"""How searches and exports name the levels; `global` are the custom rules."""


_WORD = re.compile(r'(name|type)\s*:\s*("[^"]*"|\S+)')


class Policies(Resource):
    """GET and POST of one level."""

    def get(self, request: Request, level: str) -> Response:
        """All policies of the caller's organisation."""
        return listing(queries.policies(request.user.organisation, LEVELS[level]), shapes.policy_info)

    def post(self, request: Request, level: str) -> Response:
        """Add one; 201 with its address."""
        body = self.body()
        with named(renamed):
            made = create_policy(
                by=request.user,
                organisation=request.user.organisation,
                level=LEVELS[level],
                name=text(body, "policyName"),
                **shapes.policy_fields(body, LEVELS[level]),
            )
        return Response(shapes.policy(made), 201, headers={"Location": f"/throttling/policies/{level}/{made.pk}"})


class OnePolicy(Resource):
    """GET, PUT and DELETE of one policy."""

    def get(self, request: Request, level: str, policy_id: str) -> Response:
        """The policy."""
        return Response(shapes.policy(self.policy(level, policy_id)))

    def put(self, request: Request, level: str, policy_id: str) -> Response:
        """Change it; its name stays."""
        found, body = self.policy(level, policy_id), self.body()
        with named(renamed):
            changed = update_policy(by=request.user, policy=found, **shapes.policy_fields(body, found.level))
        return Response(shapes.policy(changed))

    def delete(self, request: Request, level: str, policy_id: str) -> Response:
        """Remove it, unless it is in use."""
        delete_policy(by=request.user, policy=self.policy(level, policy_id))
        return Response(status=200)

    def policy(self, level: str, policy_id: str) -> Policy:
        """The organisation's policy of that id. Raises NotFound."""
        rows = queries.policies(self.request.user.organisation, LEVELS[level])
        found = rows.filter(pk=identifier(policy_id, f"{level} policy")).first()
        if found is None:
            raise NotFound(f"There is no {level} policy {policy_id!r}.")
        return found


class Search(Resource):
    """GET /throttling/policies/search."""

    def get(self, request: Request) -> Response:
        """Policies by `type:sub`, `type:app`, `type:api`, `type:global` or `type:all` (the default), and by `name:` in whole."""
        wanted, name = _searched(request.query_params.get("query", ""))
        found = [
            details(row, short)
            for short, level in SHORT.items()
            if wanted in (short, "all")
            for row in queries.policies(request.user.organisation, level)
        ]
        if wanted in ("global", "all") and sees_every_organisation(request.user):
            found += [details(row, "global") for row in CustomRule.objects.all()]
        named_so = [one for one in found if name in ("", one["policyName"])]
        numbered = [{"policyId": number, **one} for number, one in enumerate(named_so, 1)]
        return Response({"count": len(numbered), "list": numbered})


def _searched(query: str) -> tuple[str, str]:
    """Level and name that a search asks for: `name:Gold type:sub`, in any order. Raises Invalid."""
    words = dict(_WORD.findall(query))
    wanted = words.get("type", "all" if "name" in words or not query.strip() else query.strip()).lower()
    if wanted not in (*SHORT, "global", "all"):
        reason = f"{wanted!r} is not one of type:{', type:'.join((*SHORT, 'global', 'all'))}"
        raise Invalid("The search is not understood.", [FieldError("query", reason)])
    return wanted, words.get("name", "").strip('"')


def details(row: Policy | CustomRule, short: str) -> dict[str, object]:
    """A policy in the search's list."""
    return {
        "uuid": str(row.pk),
        "policyName": row.name,
        "displayName": getattr(row, "display_name", "") or row.name,
        "description": row.description,
        "isDeployed": True,
        "type": short,
    }
