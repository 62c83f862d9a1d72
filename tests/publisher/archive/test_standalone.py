"""What is exported, a gateway without control plane serves."""

from __future__ import annotations

import io
import zipfile

import pytest

from gateway.standalone.loading import load
from publisher.archive.exporting import export_api
from publisher.models import Api
from tests.publisher.archive import designs
from tests.publisher.make import deploy


@pytest.mark.parametrize(
    "make", [designs.rest, designs.bare, designs.graphql, designs.soap, designs.websocket, designs.sse]
)
def test_an_export_is_a_project_for_a_standalone_gateway(make, publisher_user, tmp_path) -> None:
    api = make(publisher_user)
    revision = deploy(publisher_user, api) if api.endpoints else None
    name, content = export_api(by=publisher_user, api=Api.objects.get(pk=api.pk), revision=revision)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    loaded = load(tmp_path, "Default")
    assert [str(one) for one in loaded.mistakes] == []
    (record,) = [one for kind, _, one in loaded.records if kind == "api"]
    assert (record.name, record.version) == (api.name, api.version)
    assert {(one.verb, one.target) for one in record.operations} == set(api.operations.values_list("verb", "target"))
