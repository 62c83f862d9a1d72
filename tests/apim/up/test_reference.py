"""The generated pages name every setting and command."""

from __future__ import annotations

from apim.config import Config
from apim.up.reference import pages


def test_every_setting_and_command_is_there() -> None:
    made = pages()
    for name in Config.model_fields:
        assert name.upper() in made["settings.md"] or name == "integrator_password"
    for name in ("GATEWAY_ENVIRONMENT", "INTEGRATOR_HOME", "SERVICE_CATALOG_PASSWORD", "DATABASE_URL"):
        assert f"`{name}`" in made["settings.md"]
    for command in ("## up", "## bootstrap", "## load_sample", "--port-offset"):
        assert command in made["cli.md"]


def test_pages_are_the_same_each_time() -> None:
    assert pages() == pages()
