"""/endpoint-certificates: the certificates gateways trust for backends; and /apis/validate-endpoint."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from publisher import probing, queries
from publisher.actions import endpoint_certificates as actions
from publisher.actions.endpoint_certificates import users_of
from publisher.api.base import Resource, tagged
from publisher.api.dto import summary
from publisher.models import EndpointCertificate


class Base(Resource):
    """What the resources of certificates share."""

    def certificate(self, alias: str) -> EndpointCertificate:
        """The certificate of that alias in the caller's organisation. Raises NotFound."""
        queries.apis(self.request.user)
        rows = EndpointCertificate.objects.select_related("organisation")
        found = rows.filter(organisation=self.request.user.organisation_id, alias__iexact=alias[:60]).first()
        if found is None:
            raise NotFound(f"There is no certificate {alias[:60]!r}.")
        return found


class EndpointCertificates(Base):
    """GET and POST /endpoint-certificates."""

    def get(self, request: Request) -> Response:
        """Those of an alias or endpoint, or all."""
        queries.apis(request.user)
        rows = EndpointCertificate.objects.filter(organisation=request.user.organisation_id)
        if alias := self.word("alias"):
            rows = rows.filter(alias__iexact=alias)
        if endpoint := self.word("endpoint"):
            rows = rows.filter(endpoint__icontains=endpoint)
        page = self.page(rows, _metadata).data
        body = {"count": page["count"], "certificates": page["list"], "pagination": page["pagination"]}
        return tagged(request, body)

    def post(self, request: Request) -> Response:
        """Trust one more."""
        row = actions.add_certificate(
            by=request.user,
            alias=str(request.data.get("alias") or ""),
            endpoint=str(request.data.get("endpoint") or ""),
            content=_content(request),
        )
        return Response(_metadata(row), headers={"Location": f"/endpoint-certificates/{row.alias}"})


class OneEndpointCertificate(Base):
    """GET, PUT and DELETE /endpoint-certificates/{alias}."""

    def get(self, request: Request, alias: str) -> Response:
        """Whose it is and until when."""
        return tagged(request, _information(self.certificate(alias)))

    def put(self, request: Request, alias: str) -> Response:
        """Another certificate in its place."""
        row = actions.replace_certificate(
            by=request.user, certificate=self.certificate(alias), content=_content(request)
        )
        return Response(_metadata(row), headers={"Location": f"/endpoint-certificates/{row.alias}"})

    def delete(self, request: Request, alias: str) -> Response:
        """Trust it no longer."""
        actions.delete_certificate(by=request.user, certificate=self.certificate(alias))
        return Response(status=200)


class EndpointCertificateContent(Base):
    """GET /endpoint-certificates/{alias}/content."""

    def get(self, request: Request, alias: str) -> HttpResponse:
        """The certificate as a file."""
        row = self.certificate(alias)
        headers = {"Content-Disposition": f'attachment; filename="{row.alias}.crt"'}
        return HttpResponse(row.pem, content_type="application/x-pem-file", headers=headers)


class EndpointCertificateUsage(Base):
    """GET /endpoint-certificates/{alias}/usage."""

    def get(self, request: Request, alias: str) -> Response:
        """The APIs with a backend at its host."""
        return self.page(users_of(self.certificate(alias)), summary)


class ValidateEndpoint(Resource):
    """POST /apis/validate-endpoint."""

    def post(self, request: Request) -> Response:
        """Whether somebody answers at an address."""
        queries.apis(request.user)
        if identifier := self.word("apiId"):
            self.api(identifier)
        found = probing.probe(request.user.organisation, self.required("endpointUrl"))
        body: dict[str, Any] = {"statusCode": found.status, "statusMessage": found.reason, "error": found.error or None}
        return Response(body)


def _content(request: Request) -> bytes:
    upload = request.data.get("certificate")
    if upload is None:
        return b""
    return upload.read(actions.MOST_BYTES + 1) if hasattr(upload, "read") else str(upload).encode()


def _metadata(row: EndpointCertificate) -> dict[str, Any]:
    return {"alias": row.alias, "endpoint": row.endpoint}


def _information(row: EndpointCertificate) -> dict[str, Any]:
    now = timezone.now()
    status = (
        "Active" if row.not_before <= now <= row.not_after else "Expired" if now > row.not_after else "Not yet valid"
    )
    validity = {"from": row.not_before.strftime("%d-%m-%Y"), "to": row.not_after.strftime("%d-%m-%Y")}
    return {"status": status, "validity": validity, "version": "V3", "subject": row.subject}
