"""Archives of APIs and products at the admin contract's addresses, where the original's older tools look for them."""

from __future__ import annotations

from publisher.api import archives


class ExportApi(archives.Export):
    """GET /export/api."""

    scopes = {"GET": ("apim:admin", "apim:api_import_export")}


class ImportApi(archives.Import):
    """POST /import/api."""

    scopes = {"POST": ("apim:admin", "apim:api_import_export")}


class ExportApiProduct(archives.ExportProduct):
    """GET /export/api-product."""

    scopes = {"GET": ("apim:admin", "apim:api_product_import_export")}


class ImportApiProduct(archives.ImportProduct):
    """POST /import/api-product."""

    scopes = {"POST": ("apim:admin", "apim:api_product_import_export")}
