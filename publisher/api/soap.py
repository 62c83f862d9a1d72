"""/apis/validate-wsdl, /apis/import-wsdl, /apis/{apiId}/wsdl, …/wsdl-info and …/resource-policies."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_parsers import JSONParser
from apim.errors import FieldError, Invalid, NotFound
from publisher import queries
from publisher.actions.access import etag
from publisher.actions.soap import edit_policy, import_wsdl, policy, replace_wsdl, require_soap
from publisher.api.base import Resource, api_response, body_of, described, tagged
from publisher.api.negotiation import Whatever
from publisher.api.places import contract_places
from publisher.models import Api
from publisher.wsdl.about import about
from publisher.wsdl.bundle import BadWsdl, Bundle, from_address, from_upload, load

_PARSERS = [MultiPartParser, FormParser, JSONParser]


class ValidateWsdl(Resource):
    """POST /apis/validate-wsdl."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """The report on a WSDL; 200 for a broken one as well."""
        queries.apis(request.user)
        try:
            facts = about(bundle_of(request))
        except BadWsdl as error:
            wrong = [{"code": str(error.code), "message": one.message, "description": f"{one.field}: {one.message}"}
                     for one in error.fields]  # fmt: skip
            return Response({"isValid": False, "errors": wrong})
        endpoints = [{"name": name, "location": place} for name, place in facts.endpoints]
        return Response({"isValid": True, "errors": [], "wsdlInfo": {"version": facts.version, "endpoints": endpoints}})


class ImportWsdl(Resource):
    """POST /apis/import-wsdl."""

    parser_classes = _PARSERS

    def post(self, request: Request) -> Response:
        """An API from a WSDL; `implementationType` is SOAP or SOAPTOREST."""
        body_of(request)
        bundle, (_, fields) = bundle_of(request), described(request)
        kind = request.data.get("implementationType") or "SOAP"
        with contract_places():
            api = import_wsdl(by=request.user, bundle=bundle, kind=kind, **fields)
        return api_response(request, queries.api(request.user, api.pk), 201)


class Wsdl(Resource):
    """GET and PUT /apis/{apiId}/wsdl."""

    parser_classes = _PARSERS
    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: str) -> HttpResponse:
        """The WSDL as it was given: XML, or a zip archive when it has several files."""
        api = self.written(api_id)
        return wsdl_response(load(api.wsdl), f"{api.name}-{api.version}", etag(api))

    def put(self, request: Request, api_id: str) -> HttpResponse:
        """Replace it."""
        body_of(request)
        api = self.soap(api_id)
        with contract_places():
            replace_wsdl(by=request.user, api=api, bundle=bundle_of(request), expected=self.if_match())
        return self.get(request, api_id)

    def written(self, api_id: str) -> Api:
        """The same, with a WSDL: one may have been made without. Raises NotFound."""
        api = self.soap(api_id)
        if not api.wsdl:
            raise NotFound(f"{api} has no WSDL yet.")
        return api

    def soap(self, api_id: str) -> Api:
        """The API asked for, which must come from a WSDL."""
        api = self.api(api_id)
        require_soap(api)
        return api


class WsdlInfo(Wsdl):
    """GET /apis/{apiId}/wsdl-info."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, api_id: str) -> Response:
        """Whether it is one file or several."""
        single = len(load(self.written(api_id).wsdl).files) == 1
        return Response({"type": "WSDL" if single else "ZIP"})


class ResourcePolicies(Wsdl):
    """GET /apis/{apiId}/resource-policies."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, api_id: str) -> Response:
        """The sequences of REST from SOAP, of one direction and, when given, one resource and verb."""
        api = self.soap(api_id)
        direction, path, verb = self.word("sequenceType", "in"), self.word("resourcePath"), self.word("verb").upper()
        if direction not in ("in", "out"):
            raise Invalid("sequenceType: in or out.", [FieldError("sequenceType", "in or out")])
        found = [
            _policy(one)
            for one in api.resource_policies
            if one["direction"] == direction
            and path.strip("/") in ("", one["target"].strip("/"))
            and verb in ("", one["verb"])
        ]
        return tagged(request, {"list": found, "count": len(found)})


class OneResourcePolicy(Wsdl):
    """GET and PUT /apis/{apiId}/resource-policies/{resourcePolicyId}."""

    def get(self, request: Request, api_id: str, policy_id: str) -> Response:
        """One sequence."""
        return tagged(request, _policy(policy(self.soap(api_id), policy_id)))

    def put(self, request: Request, api_id: str, policy_id: str) -> Response:
        """Replace its text."""
        content: Any = body_of(request).get("content")
        done = edit_policy(
            by=request.user, api=self.soap(api_id), policy_id=policy_id, content=content, expected=self.if_match()
        )
        return tagged(request, _policy(done))


def wsdl_response(bundle: Bundle, stem: str, tag: str = "") -> HttpResponse:
    """A bundle as a download."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in stem)
    single = len(bundle.files) == 1
    content: Any = bundle.text if single else bundle.archive()
    response = HttpResponse(content, content_type="application/wsdl+xml" if single else "application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}.{"wsdl" if single else "zip"}"'
    if tag:
        response["ETag"] = tag
    return response


def bundle_of(request: Request) -> Bundle:
    """The WSDL sent as `file` (XML or zip), or fetched from `url`. Raises Invalid when there is none, BadWsdl for a bad one."""
    upload, url = request.data.get("file"), request.data.get("url")
    if upload is not None and hasattr(upload, "read"):
        return from_upload(upload.read())
    if isinstance(upload, str) and upload.strip():
        return from_upload(upload.encode("utf-8", "replace"))
    if isinstance(url, str) and url.strip():
        return from_address(url)
    raise Invalid("Send the WSDL as file or its address as url.", [FieldError("file", "Is required.")])


def _policy(one: dict[str, str]) -> dict[str, str]:
    return {"id": one["id"], "httpVerb": one["verb"], "resourcePath": one["target"], "content": one["content"]}
