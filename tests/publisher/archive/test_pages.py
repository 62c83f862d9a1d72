"""The pages: what an upload would change is shown first, and only its confirmation changes anything."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from publisher.models import Api, OperationPolicy
from publisher.policies.archive import write
from tests.publisher.archive import designs
from tests.publisher.archive.test_options import changed, files_of, packed
from tests.publisher.make import deploy

UPLOAD, CONFIRM = "/publisher/archives/import/", "/publisher/archives/import/confirm/"


@pytest.fixture
def client(publisher_user, settings) -> Client:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(publisher_user)
    return browser


def upload(client: Client, content: bytes, **choices: str):
    return client.post(UPLOAD, {"file": SimpleUploadedFile("a.zip", content), **choices})


def test_export_then_preview_then_import(client, publisher_user):
    api = designs.rest(publisher_user)
    deploy(publisher_user, api)
    page = client.get(f"/publisher/apis/{api.pk}/export/")
    assert b"Revision 1, with where it runs" in page.content
    sent = {"revision": "1", "format": "YAML", "keep_state": "on"}
    content = client.post(f"/publisher/apis/{api.pk}/export/", sent).content
    assert "deployment_environments.yaml" in files_of(content)
    content = changed(content, description="<script>")
    preview = upload(client, content, overwrite="on", rotate="on")
    assert preview.status_code == 200
    assert "&lt;script&gt;" in preview.content.decode()
    assert "would be changed in 2 places." in preview.content.decode()
    assert "[Default].revision" in preview.content.decode()
    assert Api.objects.get().description != "<script>"
    fields = {"ticket": preview.context["form"].initial["ticket"], "overwrite": "on", "rotate": "on"}
    done = client.post(CONFIRM, fields)
    assert done.status_code == 302
    assert done.url == f"/publisher/apis/{api.pk}/"
    assert Api.objects.get().description == "<script>"
    assert b"no longer kept" in client.post(CONFIRM, fields).content


def test_a_wrong_archive_is_told_on_the_page(client):
    page = upload(
        client, packed({"api.yaml": "type: api\ndata: {name: x, version: '1', context: '/a b', policies: [No]}"})
    )
    assert page.status_code == 400
    text = page.content.decode()
    assert "Nothing was changed" in text
    assert "api.yaml: data.policies[0]" in text or "api.yaml: data.context" in text
    assert client.post(UPLOAD, {}).status_code == 400
    assert client.post(CONFIRM, {}).status_code == 302


def test_policies_come_by_the_same_door(client, publisher_user):
    designs.policy(publisher_user)
    policy = OperationPolicy.objects.get(name="stamp")
    _, content = write(policy)
    policy.delete()
    preview = upload(client, content)
    assert "Policies/stamp_v2" in preview.content.decode()
    assert not OperationPolicy.objects.filter(name="stamp").exists()
    assert client.post(CONFIRM, {"ticket": preview.context["form"].initial["ticket"]}).url == "/publisher/policies/"
    assert OperationPolicy.objects.filter(name="stamp").exists()


def test_only_designers_import(client, developer):
    client.force_login(developer)
    assert client.get(UPLOAD).status_code == 403
    assert upload(client, b"x").status_code == 403
    assert client.post(CONFIRM, {"ticket": "x"}).status_code == 403
