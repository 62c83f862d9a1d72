"""The sample's catalog metadata is what the service catalog accepts, and its definitions are valid OpenAPI."""

from __future__ import annotations

import pytest
import yaml
from openapi_spec_validator import validate

from catalog.definitions import check_definition
from catalog.metadata import parse_metadata
from integrator.sample.install import FILES

FOLDER = FILES / "repository/deployment/server/metadata"
NAMES = ("customers", "inventory", "order")


@pytest.mark.parametrize("name", NAMES)
def test_the_catalog_accepts_it(name: str) -> None:
    text = (FOLDER / f"{name}_metadata.yaml").read_text()
    metadata = parse_metadata(text.replace("{MI_HOST}", "localhost").replace("{MI_PORT}", "8290"), name)
    assert (metadata.name, metadata.key) == (name, f"{name}-1.0.0")
    definition = (FOLDER / f"{name}_swagger.yaml").read_text()
    check_definition(metadata.definition_type, definition)
    validate(yaml.safe_load(definition))


def test_nothing_is_left_out() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(
        f"{name}_{kind}.yaml" for name in NAMES for kind in ("metadata", "swagger")
    )
