"""`manage.py archive`: what scripts use."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.models import Application
from publisher.models import Api
from tests.portal.builders import make_application
from tests.publisher.make import make_api


def run(*words: str) -> str:
    out = StringIO()
    call_command("archive", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_export_and_import_from_a_script(admin, developer, tmp_path):
    make_api(admin, name="Orders", version="1.0", description="Old")
    make_application(developer, "Shop")
    api = run("export", "api", "Orders", "1.0", "--to", str(tmp_path), "--format", "json").strip()
    app = run("export", "app", "Shop", "developer", "--to", str(tmp_path)).strip()
    assert (api, app) == (str(tmp_path / "Orders-1.0.zip"), str(tmp_path / "developer-Shop.zip"))
    Api.objects.update(description="New")
    assert "changed api.yaml description: New → Old" in run("import", api, "--overwrite", "--dry-run")
    assert Api.objects.get().description == "New"
    run("import", api, "--overwrite")
    assert Api.objects.get().description == "Old"
    Application.objects.all().delete()
    assert "application: 1 changes" not in run("import", app, "--keep-owner")
    assert Application.objects.get().owner == developer


def test_refusals_are_told(admin, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"no")
    for words, reason in (
        (("import", str(tmp_path / "bad.zip")), "zip"),
        (("import", str(tmp_path / "none.zip")), "none.zip"),
        (("export", "api", "None"), "no api 'None'"),
        (("export", "policy", "None"), "no policy 'None'"),
        (("--user", "nobody", "export", "api", "x"), "no user 'nobody'"),
        (("--organisation", "nowhere", "export", "api", "x"), "no organisation"),
    ):
        with pytest.raises(CommandError, match=reason):
            run(*words)
