"""/throttling/policies/export and /import: one policy as a file, to carry it to another installation."""

from __future__ import annotations

import json
from typing import Any

import yaml
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import Conflict, FieldError, Invalid, NotFound
from apim.traffic import queries
from apim.traffic.actions.policies import create_policy, update_policy
from apim.traffic.actions.rules import create_rule, require_platform, update_rule
from apim.traffic.api import shapes
from apim.traffic.api.base import TRANSFER, Resource, as_object, identifier, named, text
from apim.traffic.api.limits import renamed
from apim.traffic.api.policies import SHORT
from apim.traffic.models import CustomRule, Policy

KIND, VERSION = "throttling policy", "v4.2.0"
SUBTYPES = {"api": "advanced", "app": "application", "sub": "subscription", "global": "custom"}
SPOKEN = {"api": "advanced policy", "app": "application policy", "sub": "subscription policy", "global": "custom rule"}
"""How exports call the levels; tools name their files by it. Imports look at the first word."""

LONGEST = 1024 * 1024
"""Bytes of a file that are read."""


class Export(Resource):
    """GET by `policyId`, or by `name` and `type` (sub, app, api, global)."""

    see = TRANSFER

    def get(self, request: Request) -> Response:
        """The policy with its kind."""
        short, row = self.find(request)
        data = shapes.rule(row) if isinstance(row, CustomRule) else shapes.policy(row)
        return Response({"type": KIND, "subtype": SPOKEN[short], "version": VERSION, "data": data})

    def find(self, request: Request) -> tuple[str, Policy | CustomRule]:
        """The policy asked for and the short name of its level. Raises NotFound, Invalid."""
        asked = request.query_params
        wanted = _named(asked["policyId"]) if "policyId" in asked else {"name": asked.get("name", "")}
        kind = asked.get("type", "")
        if kind and kind not in SUBTYPES:
            raise Invalid("type is wrong.", [FieldError("type", f"{kind!r} is not one of {', '.join(SUBTYPES)}")])
        for short in [kind] if kind else SUBTYPES:
            if short == "global":
                require_platform(request.user)
                row: Policy | CustomRule | None = CustomRule.objects.filter(**wanted).first()
            else:
                row = queries.policies(request.user.organisation, SHORT[short]).filter(**wanted).first()
            if row is not None:
                return short, row
        raise NotFound("There is no such policy.")


class Import(Resource):
    """POST a file (JSON or YAML) as `file`; `overwrite=true` replaces a policy of the same name."""

    manage = TRANSFER

    def post(self, request: Request) -> Response:
        """Make or replace the policy in the file."""
        content = _content(request)
        data = as_object(content.get("data"), "data")
        overwrite = request.query_params.get("overwrite", "").lower() == "true"
        kind = str(content.get("subtype", "")).lower()
        short = next((short for short, name in SUBTYPES.items() if kind.startswith(name)), None)
        if short is None:
            raise Invalid(
                "subtype is wrong.", [FieldError("subtype", f"{kind!r} is not one of {', '.join(SUBTYPES.values())}")]
            )
        with named(lambda field: f"data.{renamed(field)}"):
            return Response(
                _rule(request, data, overwrite) if short == "global" else _policy(request, short, data, overwrite)
            )


def _policy(request: Request, short: str, data: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    organisation, level, name = request.user.organisation, SHORT[short], text(data, "policyName")
    fields = shapes.policy_fields(data, level)
    present = queries.policies(organisation, level).filter(name=name).first()
    if present is None:
        return shapes.policy(
            create_policy(by=request.user, organisation=organisation, level=level, name=name, **fields)
        )
    _may(overwrite, name)
    return shapes.policy(update_policy(by=request.user, policy=present, **fields))


def _rule(request: Request, data: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    name, fields = text(data, "policyName"), shapes.rule_fields(data)
    present = CustomRule.objects.filter(name=name).first()
    if present is None:
        return shapes.rule(create_rule(by=request.user, name=name, **fields))
    _may(overwrite, name)
    return shapes.rule(update_rule(by=request.user, rule=present, **fields))


def _may(overwrite: bool, name: str) -> None:
    if not overwrite:
        raise Conflict(f"There is already a policy {name!r}; overwrite=true replaces it.")


def _named(policy_id: str) -> dict[str, Any]:
    return {"pk": identifier(policy_id, "policy")}


def _content(request: Request) -> dict[str, Any]:
    upload = request.FILES.get("file")
    if upload is None:
        raise Invalid("There is no file.", [FieldError("file", "is required")])
    if upload.size > LONGEST:
        raise Invalid("The file is too long.", [FieldError("file", f"at most {LONGEST} bytes")])
    raw = upload.read()
    try:
        content = json.loads(raw) if raw.lstrip()[:1] == b"{" else yaml.safe_load(raw)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Invalid("The file is neither JSON nor YAML.", [FieldError("file", "not readable")]) from error
    return as_object(content, "file")
