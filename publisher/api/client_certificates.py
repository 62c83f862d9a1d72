"""/apis/{apiId}/client-certificates, /client-certs/{keyType} and /generate-key: who may call an API without an application."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_parsers import JSONParser
from apim.errors import FieldError, Invalid, NotFound
from publisher import x509
from publisher.actions import client_certificates as certificates
from publisher.actions.test_keys import LIFETIME, generate_test_key
from publisher.api.base import Resource, tagged
from publisher.checks.basics import refuse_unstorable
from publisher.models import Api, ClientCertificate

_PARSERS = [MultiPartParser, FormParser, JSONParser]


class ClientCertificates(Resource):
    """GET and POST …/client-certificates, of production, and …/client-certs/{keyType}."""

    parser_classes = _PARSERS

    def get(self, request: Request, api_id: str, key_type: str = "") -> Response:
        """Those of the API (and the key type), or the one with an alias."""
        rows = self.api(api_id).client_certificates.all()
        rows = rows.filter(key_type=_key_type(key_type)) if key_type else rows
        alias = self.word("alias")
        rows = rows.filter(alias=alias) if alias else rows
        page = self.page(rows, _shown)
        if page.status_code == 200:
            page.data["certificates"] = page.data.pop("list")
        return page

    def post(self, request: Request, api_id: str, key_type: str = "PRODUCTION") -> Response:
        """A new one."""
        row = certificates.add_certificate(
            by=request.user,
            api=self.api(api_id),
            alias=_text(request, "alias"),
            tier=_text(request, "tier"),
            content=_upload(request, required=True) or b"",
            key_type=_key_type(key_type),
        )
        return Response(_shown(row), headers={"Location": f"{request.path.partition('/publisher/v4')[2]}/{row.alias}"})


class OneClientCertificate(Resource):
    """GET, PUT and DELETE …/client-certificates/{alias} and …/client-certs/{keyType}/{alias}."""

    parser_classes = _PARSERS

    def get(self, request: Request, api_id: str, alias: str, key_type: str = "") -> Response:
        """What is in it."""
        row = _one(self.api(api_id), alias, key_type)
        dates = {"from": f"{row.not_before:%d-%m-%Y}", "to": f"{row.not_after:%d-%m-%Y}"}
        status = "Expired" if x509.ended(row) else "Active"
        return tagged(request, {"status": status, "validity": dates, "version": row.version, "subject": row.subject})

    def put(self, request: Request, api_id: str, alias: str, key_type: str = "") -> Response:
        """Another certificate, another tier, or both."""
        row = certificates.update_certificate(
            by=request.user,
            certificate=_one(self.api(api_id), alias, key_type),
            content=_upload(request, required=False),
            tier=_text(request, "tier") if request.data.get("tier") is not None else None,
        )
        return Response(_shown(row))

    def delete(self, request: Request, api_id: str, alias: str, key_type: str = "") -> Response:
        """Its holder is refused from now on."""
        certificates.delete_certificate(by=request.user, certificate=_one(self.api(api_id), alias, key_type))
        return Response(status=200)


class ClientCertificateContent(Resource):
    """GET …/client-certificates/{alias}/content and …/client-certs/{keyType}/{alias}/content."""

    def get(self, request: Request, api_id: str, alias: str, key_type: str = "") -> HttpResponse:
        """The file."""
        row = _one(self.api(api_id), alias, key_type)
        answer = HttpResponse(row.pem, content_type="application/x-pem-file")
        answer["Content-Disposition"] = f'attachment; filename="{row.alias}.crt"'
        return answer


class GenerateKey(Resource):
    """POST …/generate-key."""

    def post(self, request: Request, api_id: str) -> Response:
        """A test key, for the header `Internal-Key`."""
        key = generate_test_key(by=request.user, api=self.api(api_id))
        return Response({"apikey": key, "validityTime": LIFETIME}, headers={"Cache-Control": "no-store"})


def _key_type(given: str) -> str:
    """PRODUCTION or SANDBOX, whatever the case. Raises Invalid."""
    if given.upper() not in certificates.KEY_TYPES:
        message = f"{given[:20]!r} is not one of {', '.join(certificates.KEY_TYPES)}."
        raise Invalid(f"keyType: {message}", [FieldError("keyType", message)])
    return given.upper()


def _one(api: Api, alias: str, key_type: str = "") -> ClientCertificate:
    rows = api.client_certificates.select_related("api__organisation").filter(alias=alias.replace("\0", ""))
    row = (rows.filter(key_type=_key_type(key_type)) if key_type else rows).first()
    if row is None:
        raise NotFound(f"{api} has no client certificate {alias[:40]!r}.")
    return row


def _text(request: Request, name: str) -> str:
    value = request.data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"The field {name} is missing.", [FieldError(name, "Is required.")])
    refuse_unstorable(value, name)
    return value.strip()


def _upload(request: Request, *, required: bool) -> bytes | None:
    """The bytes of the file, or of the text in its place. Raises Invalid when it must be there and is not."""
    given: Any = request.data.get("certificate")
    if hasattr(given, "read"):
        return bytes(given.read(x509.LONGEST + 1))
    if isinstance(given, str) and given:
        return given.encode()
    if required:
        raise Invalid("The certificate is missing.", [FieldError("certificate", "Is required.")])
    return None


def _shown(row: ClientCertificate) -> dict[str, Any]:
    return {"alias": row.alias, "apiId": str(row.api_id), "tier": row.tier}
