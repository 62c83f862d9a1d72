"""/apis/export, /apis/import, /api-products/export and /api-products/import: archives as the original's tool sends them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid, NotFound
from publisher import queries
from publisher.api.base import Resource
from publisher.archive import design, texts
from publisher.archive.exporting import export_api
from publisher.archive.importing import Options, Outcome, import_api
from publisher.archive.products import import_product
from publisher.archive.tree import MOST_PACKED, Tree, unpack
from publisher.models import Api
from publisher.products import PRODUCT

MOST_PARAMS = 1_000_000


class Export(Resource):
    """GET /apis/export."""

    scopes = {
        "GET": ("apim:api_view", "apim:api_publish", "apim:api_create", "apim:api_import_export", "apim:api_manage")
    }
    what = "API"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """`format` is the contract's own parameter here, and does not choose the form of answers."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request) -> HttpResponse:
        """The archive of the API of that id, or name and version; of a revision of it when one is asked for."""
        api = self._asked()
        revision = design.chosen(api, self.word("revisionNumber"), latest=self.switch("latestRevision"))
        name, content = export_api(
            by=request.user,
            api=api,
            revision=revision,
            form=texts.form(self.word("format")),
            keep_state=self.word("preserveStatus") == "" or self.switch("preserveStatus"),
            secrets=self.switch("preserveCredentials"),
        )
        return zipped(name, content)

    def _asked(self) -> Api:
        identifier = self.word("apiId")
        if identifier:
            return self.api(identifier)
        name, version = self.required("name"), self.word("version")
        rows = queries.apis(self.request.user).filter(name__iexact=name)
        rows = rows.filter(kind=PRODUCT) if self.what != "API" else rows.exclude(kind=PRODUCT)
        if version or self.what == "API":
            rows = rows.filter(version=version or self.required("version"))
        if provider := self.word("providerName"):
            rows = rows.filter(provider__username=provider)
        found = rows.order_by("-created").first()
        if found is None:
            raise NotFound(f"There is no {self.what} {name[:80]} {version[:40]}.".replace(" .", "."))
        return found


class Import(Resource):
    """POST /apis/import."""

    parser_classes = [MultiPartParser, FormParser]
    scopes = {"POST": ("apim:api_import_export", "apim:admin")}
    overwrite = "overwrite"

    def post(self, request: Request) -> Response:
        """Take in an archive; with `dryRun=true` only say what would be different."""
        outcome = self.take(request, unpack(archive(request)), self.choices(request))
        return Response(answer(outcome, self.switch("dryRun")))

    def take(self, request: Request, tree: Tree, options: Options) -> Outcome:
        """The import."""
        return import_api(by=request.user, tree=tree, options=options)

    def choices(self, request: Request) -> Options:
        """What the query asks for. `environment` and a part `params` are ours: the tool applies them before it sends."""
        return Options(
            overwrite=self.switch(self.overwrite),
            preserve_provider=self.switch("preserveProvider") if self.word("preserveProvider") else None,
            rotate=self.switch("rotateRevision"),
            dry_run=self.switch("dryRun"),
            environment=self.word("environment"),
            params=_params(request),
        )


class ExportProduct(Export):
    """GET /api-products/export."""

    scopes = {"GET": ("apim:api_view", "apim:api_product_import_export")}
    what = "API product"


class ImportProduct(Import):
    """POST /api-products/import."""

    scopes = {"POST": ("apim:api_product_import_export",)}
    overwrite = "overwriteAPIProduct"

    def take(self, request: Request, tree: Tree, options: Options) -> Outcome:
        """The import."""
        return import_product(by=request.user, tree=tree, options=options)

    def choices(self, request: Request) -> Options:
        """What the query asks for."""
        given = super().choices(request)
        return Options(
            **vars(given) | {"import_apis": self.switch("importAPIs"), "overwrite_apis": self.switch("overwriteAPIs")}
        )


def zipped(name: str, content: bytes) -> HttpResponse:
    """An archive as an answer. `name` is one of ours."""
    answer = HttpResponse(content, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def archive(request: Request) -> bytes:
    """The part `file`. Raises Invalid when it is missing or too large."""
    given = request.data.get("file")
    if not hasattr(given, "read"):
        raise Invalid("file: is missing.", [FieldError("file", "Send the archive as the part file.")])
    content: bytes = given.read(MOST_PACKED + 1)
    return content


def answer(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    """What the caller is told."""
    what = "API Product" if outcome.api.kind == PRODUCT else "API"
    done = f"{what} would be {'created' if outcome.created else 'updated'}." if dry_run else ""
    return {
        "message": done or f"{what} imported successfully.",
        "id": "" if dry_run and outcome.created else str(outcome.api.pk),
        "name": outcome.api.name,
        "version": outcome.api.version,
        "created": outcome.created,
        "dryRun": dry_run,
        "warnings": outcome.warnings,
        "changes": [change.row() for change in outcome.changes],
    }


def _params(request: Request) -> str:
    given = request.data.get("params") or ""
    content = given.read(MOST_PARAMS + 1) if hasattr(given, "read") else str(given).encode()
    if len(content) > MOST_PARAMS:
        raise Invalid("params: too long.", [FieldError("params", f"At most {MOST_PARAMS} bytes.")])
    try:
        text: str = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("params: not UTF-8 text.", [FieldError("params", "Not UTF-8 text.")]) from error
    return text
