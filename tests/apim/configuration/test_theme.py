"""Portal themes: archives are read within bounds, colours must be readable, pages wear them, tenants their own."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apim.configuration import theme_archive
from apim.configuration.models import Theme
from apim.configuration.theme import contrast
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
PATH = "/api/am/admin/v4/tenant-theme"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
OURS = {"title": "Acme", "logo": "images/logo.svg", "light": {"accent": "#7a1f5c"}, "dark": {"accent": "#f0a0d8"}}
THEIRS = {
    "palette": {"primary": {"main": "#075763"}, "background": {"default": "#f6f6f6", "paper": "#fff"}},
    "custom": {"appBar": {"logo": "/site/public/images/logo.svg"}, "title": "[Acme]", "banner": {"style": "text"}},
}


def packed(**files: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_json", ".json").replace("_svg", ".svg"), content)
    return buffer.getvalue()


def put(rest, user, content: bytes):
    upload = SimpleUploadedFile("theme.zip", content, "application/zip")
    return rest(user).put(PATH, {"file": upload}, format="multipart")


def test_the_portal_wears_it_and_it_makes_the_round(admin, rest):
    assert rest(admin).get(PATH).status_code == 404
    assert b"theme/style.css" not in Client().get("/devportal/").content
    assert put(rest, admin, packed(theme_json=json.dumps(OURS), images__logo_svg=SVG)).status_code == 200
    page = Client().get("/devportal/")
    assert b"/devportal/theme/style.css?v=" in page.content and b"<span>Acme</span>" in page.content
    assert b"theme/style.css" not in Client().get("/accounts/login/").content
    sheet = Client().get("/devportal/theme/style.css")
    assert "--accent: light-dark(#7a1f5c, #f0a0d8);" in sheet.content.decode()
    logo = Client().get("/devportal/theme/logo")
    assert (
        logo.content == SVG
        and "sandbox" in logo["Content-Security-Policy"]
        and "script" not in logo["Content-Security-Policy"]
    )
    exported = rest(admin).get(PATH).content
    assert put(rest, admin, exported).status_code == 200
    found, image, kind = theme_archive.read(rest(admin).get(PATH).content)
    assert (found.title, found.light["accent"], image, kind) == ("Acme", "#7a1f5c", SVG, "image/svg+xml")


def test_the_palette_of_the_original_is_understood(admin, rest):
    assert (
        put(rest, admin, packed(mytheme__userTheme_json=json.dumps(THEIRS), mytheme__images__logo_svg=SVG)).status_code
        == 200
    )
    row = Theme.objects.get()
    assert (row.description["light"]["accent"], row.description["title"], bytes(row.logo)) == ("#075763", "[Acme]", SVG)


def test_tenants_have_looks_of_their_own(admin, other_organisation, rest):
    boss = make_user(other_organisation, "admin")
    put(rest, boss, packed(theme_json=json.dumps(OURS)))
    assert rest(admin).get(PATH).status_code == 404
    assert b"theme/style.css" not in Client().get("/devportal/").content
    assert b"/t/acme.com/devportal/theme/style.css" in Client().get("/t/acme.com/devportal/").content
    assert Client().get("/devportal/theme/style.css").status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"no zip", 400),
        (packed(readme=b"x"), 400),
        (packed(theme_json=b"{"), 400),
        (packed(theme_json=b"[]"), 400),
        (packed(theme_json=json.dumps({"light": {"accent": "red; } body { display: none"}})), 400),
        (packed(theme_json=json.dumps({"light": {"text": "#eeeeee"}})), 400),
        (packed(theme_json=json.dumps({"css": "x"})), 400),
        (packed(theme_json=json.dumps(OURS), images__logo_svg=b"MZ\x90"), 400),
        (packed(theme_json=json.dumps({"title": "x" * 41})), 400),
        (packed(theme_json=b" " * 3_000_000), 413),
        (packed(theme_json=json.dumps(OURS), images__logo_svg=b"<svg>" + b" " * 5_000_000), 413),
        (packed(**{f"f{number}": b"" for number in range(300)}), 413),
        (b"PK\x03\x04" + bytes(1_200_000), 413),
    ],
)
def test_bad_archives_are_refused(admin, rest, content, status):
    answer = put(rest, admin, content)
    assert answer.status_code == status, answer.content
    assert not Theme.objects.exists()


def test_a_bomb_that_lies_about_its_size_is_read_no_further_than_allowed():
    bomb = bytearray(packed(theme_json=b"\0" * 20_000_000))
    at = bomb.rfind(b"PK\x01\x02") + 24
    bomb[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises((theme_archive.TooLarge, theme_archive.Invalid)):
        theme_archive.read(bytes(bomb))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_unpacking_has_no_bound_are_refused(method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr("theme.json", json.dumps({"title": "Acme"}))
    with pytest.raises(theme_archive.Invalid, match="method"):
        theme_archive.read(buffer.getvalue())


def test_an_alias_bomb_is_refused_before_it_is_looked_at():
    layers = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    bomb = "\n".join([*layers, "light: {accent: *a39}"])
    with pytest.raises(theme_archive.Invalid, match="neither JSON nor YAML"):
        theme_archive.read(packed(**{"theme.yaml": bomb}))


def test_contrast_is_measured_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
