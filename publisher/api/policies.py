"""/operation-policies and /apis/{apiId}/operation-policies: list, add, read, download, delete, export and import."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid, NotFound
from publisher import queries
from publisher.actions.policies import add_policy, delete_policy
from publisher.api.base import Resource
from publisher.api.shapes.policies import data
from publisher.archive.either import import_policy
from publisher.models import Api, OperationPolicy
from publisher.policies import archive

LONGEST = 1_000_000
"""Bytes of an uploaded part."""


class Policies(Resource):
    """GET and POST /operation-policies."""

    parser_classes = [MultiPartParser, FormParser]

    def get(self, request: Request) -> Response:
        """The organisation's common policies that match `query` (`name:…`, `version:…`)."""
        found = queries.policies(request.user)
        for term in self.word("query").replace("&", " ").split():
            field, colon, value = term.partition(":")
            if colon and field in ("name", "version"):
                found = found.filter(**{f"{field}__icontains": value.strip('"')})
            elif not colon:
                found = found.filter(name__icontains=field)
        return self.page(found, data)

    def post(self, request: Request) -> Response:
        """A new common policy."""
        return created(add_policy(by=request.user, **uploaded(request)))


class OnePolicy(Resource):
    """GET and DELETE /operation-policies/{operationPolicyId}."""

    def get(self, request: Request, policy_id: str) -> Response:
        """The policy."""
        return Response(data(queries.policy(request.user, policy_id)))

    def delete(self, request: Request, policy_id: str) -> Response:
        """Delete it."""
        delete_policy(by=request.user, policy=queries.policy(request.user, policy_id))
        return Response(status=200)


class PolicyContent(Resource):
    """GET /operation-policies/{operationPolicyId}/content."""

    def get(self, request: Request, policy_id: str) -> HttpResponse:
        """Its archive."""
        return download(queries.policy(request.user, policy_id))


class ApiPolicies(Resource):
    """GET and POST /apis/{apiId}/operation-policies."""

    parser_classes = [MultiPartParser, FormParser]

    def get(self, request: Request, api_id: str) -> Response:
        """The policies of this API only."""
        return self.page(own(self.api(api_id)), data)

    def post(self, request: Request, api_id: str) -> Response:
        """A new policy of this API."""
        api = self.api(api_id)
        return created(add_policy(by=request.user, api=api, **uploaded(request)), f"/apis/{api.pk}")


class OneApiPolicy(Resource):
    """GET and DELETE /apis/{apiId}/operation-policies/{operationPolicyId}."""

    def get(self, request: Request, api_id: str, policy_id: str) -> Response:
        """The policy."""
        return Response(data(queries.policy(request.user, policy_id, self.api(api_id))))

    def delete(self, request: Request, api_id: str, policy_id: str) -> Response:
        """Delete it."""
        delete_policy(by=request.user, policy=queries.policy(request.user, policy_id, self.api(api_id)))
        return Response(status=200)


class ApiPolicyContent(Resource):
    """GET /apis/{apiId}/operation-policies/{operationPolicyId}/content."""

    def get(self, request: Request, api_id: str, policy_id: str) -> HttpResponse:
        """Its archive."""
        return download(queries.policy(request.user, policy_id, self.api(api_id)))


class ExportPolicy(Resource):
    """GET /operation-policies/export."""

    scopes = {"GET": ("apim:policies_import_export",)}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """`format` is the contract's own parameter here, and does not choose the form of answers."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request) -> HttpResponse:
        """The archive of a common policy by name and version."""
        name, version = self.required("name"), self.required("version")
        found = queries.policies(request.user).filter(name=name, version=version).first()
        if found is None:
            raise NotFound(f"There is no policy {name[:80]} {version[:20]}.")
        form = self.word("format", "YAML").upper()
        if form not in ("YAML", "JSON"):
            raise Invalid(f"format: {form[:20]!r} is not one of YAML, JSON.", [FieldError("format", "YAML or JSON")])
        return download(found, form)


class ImportPolicy(Resource):
    """POST /operation-policies/import."""

    parser_classes = [MultiPartParser, FormParser]
    scopes = {"POST": ("apim:policies_import_export",)}

    def post(self, request: Request) -> Response:
        """A common policy from an archive."""
        import_policy(by=request.user, content=part(request, "file", required=True))
        return Response({"message": "Policy Imported Successfully."})


def own(api: Api) -> QuerySet[OperationPolicy]:
    """The policies of one API."""
    return OperationPolicy.objects.filter(api=api)


def created(policy: OperationPolicy, below: str = "") -> Response:
    """201 with the policy and its address."""
    return Response(data(policy), status=201, headers={"Location": f"{below}/operation-policies/{policy.pk}"})


def download(policy: OperationPolicy, form: str = "YAML") -> HttpResponse:
    """The archive of a policy."""
    name, content = archive.write(policy, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/zip", headers=headers)


def uploaded(request: Request) -> dict[str, Any]:
    """The texts of the three files of an upload. Raises Invalid."""
    names = {
        "spec": "policySpecFile",
        "definition": "synapsePolicyDefinitionFile",
        "cc_definition": "ccPolicyDefinitionFile",
    }
    return {ours: text_part(request, theirs, required=ours == "spec") for ours, theirs in names.items()}


def text_part(request: Request, name: str, *, required: bool) -> str:
    """A part of an upload as text."""
    try:
        return part(request, name, required=required).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{name}: not UTF-8 text.", [FieldError(name, "Not UTF-8 text.")]) from error


def part(request: Request, name: str, *, required: bool) -> bytes:
    """A part of an upload; empty when it is absent and not required. Raises Invalid."""
    given = request.data.get(name)
    if given in (None, ""):
        if required:
            raise Invalid(f"{name}: is missing.", [FieldError(name, "Is required.")])
        return b""
    content: bytes = given.read(LONGEST + 1) if hasattr(given, "read") else str(given).encode()
    if len(content) > LONGEST:
        raise Invalid(f"{name}: longer than {LONGEST} bytes.", [FieldError(name, f"At most {LONGEST} bytes.")])
    return content
