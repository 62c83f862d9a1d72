"""Settings that are wrong end the process with a sentence that names them."""

from __future__ import annotations

import pytest

from apim.config import load

NETWORKS = ["WEBSUB_NETWORKS", "INTEGRATOR_NETWORKS", "KEY_MANAGER_NETWORKS", "TRUSTED_PROXIES"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_checked_at_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"APIM_{name}", "10.0.0.0/8, ten")
    with pytest.raises(SystemExit, match=f"{name}='10.0.0.0/8, ten': .*'ten' does not appear"):
        load()


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_may_be_written_by_an_address_in_them(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"APIM_{name}", "10.1.2.3/8, ::1,")
    assert getattr(load(), name.lower()) == "10.1.2.3/8, ::1,"
