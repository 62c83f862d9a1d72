"""Pictures of APIs: which ones pass, and that an SVG comes out without anything that acts."""

from __future__ import annotations

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.errors import Invalid
from publisher import pictures
from publisher.actions.apis import copy_api
from publisher.actions.thumbnails import delete_thumbnail, put_thumbnail
from tests.publisher.make import make_api
from tests.support.people import make_user

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">%s</svg>'


def put(rest, user, api, content, **more):
    file = SimpleUploadedFile("x.bin", content, "text/html")
    return rest(user).call("put", f"/apis/{api.pk}/thumbnail", {"file": file}, format="multipart", **more)


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "image/png"), (GIF, "image/gif"), (JPEG, "image/jpeg"), (SVG % b"", "image/svg+xml")]
)
def test_pictures_come_back_with_the_type_of_their_bytes(rest, creator, content, kind):
    api = make_api(creator)
    assert put(rest, creator, api, content).json()["mediaType"] == kind
    answer = rest(creator).call("get", f"/apis/{api.pk}/thumbnail", headers={"Accept": "image/*"})
    assert answer["Content-Type"] == kind
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert rest(creator).call("get", f"/apis/{api.pk}").json()["hasThumbnail"] is True


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b"\x89PNG\r\n\x1a\n",
        PNG[:16] + b"\x00\x00\xff\xff\x00\x00\x00\x01" + PNG[24:],
        b"\xff\xd8\xff\xe0",
        b"%PDF-1.7",
        b"<svg>",
        b"<svg/>",
        b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b'<!-- <svg --><html xmlns="http://www.w3.org/1999/xhtml"/>',
        PNG + b"x" * pictures.MOST_BYTES,
    ],
)
def test_everything_else_is_refused(rest, creator, content):
    api = make_api(creator)
    answer = put(rest, creator, api, content)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"][0]["field"] == "file"
    assert rest(creator).call("get", f"/apis/{api.pk}/thumbnail").status_code == 404


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b'<rect onload="alert(1)"/>',
        b'<a href="javascript:alert(1)"><rect/></a>',
        b'<use xlink:href="https://evil.example/x.svg#a"/>',
        b'<image href="https://evil.example/x.png"/>',
        b'<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        b"<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='//evil.example'/></foreignObject>",
        b'<rect style="fill:url(https://evil.example/x)"/>',
        b"<style>@import url(https://evil.example/x.css);</style>",
        b'<animate attributeName="href" values="javascript:alert(1)"/>',
        b'<set attributeName="onload" to="alert(1)"/>',
        b'<?xml-stylesheet href="https://evil.example/x.css"?>',
    ],
)
def test_nothing_in_an_svg_acts_or_calls_elsewhere(inside):
    kind, safe = pictures.checked(SVG % (inside + b'<path d="M0 0"/>'))
    assert kind == "image/svg+xml"
    assert b'd="M0 0"' in safe
    for word in (b"alert", b"evil.example", b"script", b"svg+xml;base64"):
        assert word not in safe


def test_what_an_svg_shows_stays():
    drawing = (
        b'<defs><linearGradient id="a"><stop offset="0" style="stop-color:#fff"/></linearGradient></defs>'
        b'<g transform="scale(2)"><rect fill="url(#a)" width="3"/><use xlink:href="#a"/></g><text>Hi</text>'
    )
    safe = pictures.checked(SVG % drawing)[1]
    for part in (b'viewBox="0 0 9 9"', b"url(#a)", b'xlink:href="#a"', b"stop-color:#fff", b"scale(2)", b"Hi"):
        assert part in safe


def test_entity_tags(rest, creator):
    api = make_api(creator)
    tag = put(rest, creator, api, PNG)["ETag"]
    path = f"/apis/{api.pk}/thumbnail"
    assert rest(creator).call("get", path, headers={"If-None-Match": tag}).status_code == 304
    assert put(rest, creator, api, GIF, headers={"If-Match": '"other"'}).status_code == 412
    assert put(rest, creator, api, GIF, headers={"If-Match": tag}).status_code == 200
    assert rest(creator).call("put", path, {"a": "b"}).status_code == 400


def test_who_may(rest, creator, other_organisation):
    api = make_api(creator)
    assert put(rest, make_user(creator.organisation, "Internal/devops"), api, PNG).status_code == 403
    assert put(rest, make_user(other_organisation, "admin"), api, PNG).status_code == 404


def test_a_new_version_has_the_picture_and_it_can_be_taken_away(rest, creator):
    api = make_api(creator)
    put_thumbnail(by=creator, api=api, content=PNG)
    copied = copy_api(by=creator, api=api, version="2.0.0")
    assert bytes(copied.thumbnail.content) == PNG
    delete_thumbnail(by=creator, api=api)
    assert rest(creator).call("get", f"/apis/{api.pk}").json()["hasThumbnail"] is False


def test_a_picture_too_large_is_named():
    with pytest.raises(Invalid, match="1024 KB"):
        pictures.checked(PNG + b"x" * pictures.MOST_BYTES)
