"""Archives of applications at the admin contract's addresses, where the original's older tools look for them."""

from __future__ import annotations

from portal.api import archives

SCOPES = ("apim:admin", "apim:app_import_export")


class ExportApplication(archives.Export):
    """GET /export/applications."""

    scopes = SCOPES


class ImportApplication(archives.Import):
    """POST /import/applications."""

    scopes = SCOPES
