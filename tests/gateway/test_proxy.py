"""Gateways behind the proxy that deploy/ shows: real nginx with the shipped file, two gateways, one of which goes away."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import ROOT, Gateway, running_gateway
from tests.gateway.test_sync import fill
from tests.support.certificate import make_certificate
from tests.support.ports import free_port
from tests.support.wait import until

NGINX = shutil.which("nginx")
DEPLOY = ROOT / "deploy"


@pytest.fixture
def proxied(
    var: Path, redis_url: str, hub: FakeHub, backend: Backend, signer: world.Signer
) -> Iterator[tuple[Gateway, list[Gateway]]]:
    """The proxy, spoken to like a gateway, and the two gateways behind it."""
    if NGINX is None:
        pytest.skip("there is no nginx on this machine")
    fill(hub, backend, signer)
    trusted = {"GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
    for name in ("north", "south", "proxy"):
        (var / name).mkdir()
    with (
        running_gateway(var / "north", hub.url, redis_url, **trusted) as north,
        running_gateway(var / "south", hub.url, redis_url, **trusted) as south,
    ):
        for gateway in (north, south):
            gateway.until_sequence(hub.sequence)
        http, https = free_port(), free_port()
        make_certificate(var / "proxy")
        text = (DEPLOY / "proxy" / "nginx.conf").read_text()
        for old, new in {
            "gateway-1:8280": f"127.0.0.1:{north.http}", "gateway-2:8280": f"127.0.0.1:{south.http}",
            "listen 8280": f"listen 127.0.0.1:{http}", "listen 8243": f"listen 127.0.0.1:{https}",
            "/etc/nginx/tls": str(var / "proxy"),
            "http {": f"http {{ access_log off; client_body_temp_path {var}/b; proxy_temp_path {var}/p;"
            f" fastcgi_temp_path {var}/f; uwsgi_temp_path {var}/u; scgi_temp_path {var}/s;",
        }.items():  # fmt: skip
            assert old in text, old
            text = text.replace(old, new)
        (var / "nginx.conf").write_text(f"daemon off; pid {var}/pid; error_log {var}/error.log;\n{text}")
        process = subprocess.Popen([NGINX, "-p", str(var), "-c", str(var / "nginx.conf")])
        proxy = Gateway(http, https, var, process)  # type: ignore[arg-type]
        until(lambda: _answers(proxy), what="nginx answers")
        try:
            yield proxy, [north, south]
        finally:
            process.terminate()
            process.wait(10)


def _answers(proxy: Gateway) -> bool:
    try:
        return proxy.call("/healthz").status == 200
    except OSError:
        return False


def test_calls_pass_verbatim_and_outlive_a_gateway(
    proxied: tuple[Gateway, list[Gateway]], hub: FakeHub, backend: Backend, signer: world.Signer
) -> None:
    proxy, gateways = proxied
    token = signer.token()
    answer = proxy.call("/one/1.0/a%2Fb//c;v?q=%26", token=token, headers={"x-forwarded-for": "203.0.113.9"})
    assert answer.json["target"] == "/base/a%2Fb//c;v?q=%26"
    assert answer.json["headers"]["x-forwarded-for"].startswith("203.0.113.9, 127.0.0.1")
    for path in ("/metrics", "/readyz", "/api/am/gateway/v2/apis"):
        assert proxy.call(path).status == 404
    assert proxy.call("/one/1.0/a", "POST", token=token, body=b"x" * 300_000).status == 200
    hub.publish("api", "Default:id-host", world.api("host", backend.url, hosts=("eu.example.org",)))
    for gateway in gateways:
        gateway.until_sequence(hub.sequence)
    assert proxy.call("/host/1.0/a", headers={"host": "eu.example.org"}).status == 401
    assert proxy.call("/host/1.0/a").status == 404
    # A trusted proxy may say for whom a call was; a caller may not say so through it.
    told = {"x-forwarded-host": "eu.example.org", "x-wso2-client-certificate": "mine"}
    assert proxy.call("/host/1.0/a", headers=told).status == 404
    assert gateways[0].call("/host/1.0/a", headers=told).status == 401
    assert b"mine" not in proxy.call("/one/1.0/a", token=token, headers=told).body
    gateways[0].process.kill()
    gateways[0].process.wait(10)
    assert {proxy.call("/one/1.0/a", token=token).status for _ in range(10)} == {200}


@pytest.mark.parametrize(
    "name", ["compose.yaml", "compose.gateways.yaml", "helm/apim/Chart.yaml", "helm/apim/values.yaml"]
)
def test_the_files_of_deploy_are_yaml(name: str) -> None:
    assert isinstance(yaml.safe_load((DEPLOY / name).read_text()), dict)


def test_all_forms_show_the_same_settings() -> None:
    """What a gateway is told in the files is a setting that exists."""
    known = set((ROOT / "docs" / "reference" / "settings.md").read_text().split("`"))
    for path in (DEPLOY / "compose.gateways.yaml", DEPLOY / "helm" / "apim" / "templates" / "gateway.yaml"):
        words = set(path.read_text().replace(":", " ").replace(",", " ").replace("}", " ").split())
        used = {word for word in words if word.startswith("GATEWAY_") and word.isupper()}
        assert used <= known, used - known
