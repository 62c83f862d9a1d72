"""The settings are documented, take the shared variables, and refuse nonsense by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import AliasChoices, ValidationError

from gateway.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"


def test_every_setting_is_on_the_page() -> None:
    page = PAGE.read_text()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias.choices[0] if isinstance(alias, AliasChoices) else f"GATEWAY_{name.upper()}"
        assert f"`{variable}`" in page, variable
        assert field.description


def test_defaults_move_with_the_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("APIM_VAR", str(tmp_path))
    monkeypatch.setenv("APIM_PORT_OFFSET", "10")
    monkeypatch.delenv("APIM_CLUSTER_SECRET", raising=False)
    settings = Settings()
    assert settings.hub == "http://127.0.0.1:9773/internal/eventhub/v1"
    assert (settings.tls_port, settings.redis) == (8253, "redis://127.0.0.1:6400/0")
    assert settings.disk_copy == tmp_path / "gateway" / "Default.json"
    assert settings.secret() == ""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "cluster").write_text("s3cret\n")
    assert settings.secret() == "s3cret"


@pytest.mark.parametrize(("name", "value"), [("ENVIRONMENT", "../etc"), ("POLL_SECONDS", "0"), ("ACCESS_LOG", "2")])
def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"GATEWAY_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
